# shellcheck shell=bash
# shellcheck disable=SC2154 # the driver sets them
# Cases that are scripts of their own, with tables of their own: what becomes of
# a service, not what a call costs. To be sourced.

behind=() # those that run side by side: "NAME PID"

# NAME, options: bench/NAME.sh, as this run is. Its JSON goes beside ours.
run_script() {
  local options=(--build "$build" --built)
  [ "$check" = 0 ] || return 0 # it counts nothing
  [ "$quick" = 0 ] || options+=(--quick)
  [ -z "$json" ] || options+=(--json "${json%.json}.$1.json")
  end_progress
  "$root/bench/$1.sh" "${options[@]}" "${@:2}"
}

# One that waits for the most part. In a hurry these run side by side, behind
# all others.
run_patient_script() { # as run_script()
  if [ "$quick" = 0 ]; then
    run_script "$@"
  else
    progress "$1, behind the others"
    run_script "$@" >"$work/$1.out" 2>&1 &
    behind+=("$1 $!")
  fi
}

end_scripts() {
  local one failed=0
  for one in "${behind[@]}"; do
    progress "${one% *}"
    wait "${one#* }" || failed=1
    end_progress
    cat "$work/${one% *}.out"
  done
  behind=()
  return "$failed"
}

stop_scripts() {
  local one
  for one in "${behind[@]}"; do
    kill "${one#* }" 2>/dev/null || true
    wait "${one#* }" 2>/dev/null || true
  done
}
