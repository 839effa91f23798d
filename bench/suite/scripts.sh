# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the driver sets some, and reads others
# Cases that are scripts of their own, with tables of their own: what becomes of
# a service, not what a call costs. To be sourced.

behind=() # those that run side by side: "NAME PID"

# Sets `options` for bench/NAME.sh to be as this run is; its JSON goes beside
# ours.
choose_options() { # NAME
  options=(--build "$build" --built)
  [ "$quick" = 0 ] || options+=(--quick)
  [ -z "$json" ] || options+=(--json "${json%.json}.$1.json")
}

# NAME, options of its own
run_script() {
  local options
  [ "$check" = 0 ] || return 0 # it counts nothing
  choose_options "$1"
  end_progress
  "$root/bench/$1.sh" "${options[@]}" "${@:2}" || fail_script "$1"
}

fail_script() { # NAME; the others go on
  echo "bench: bench/$1.sh failed" >&2
  failed=1
}

# One that waits for the most part. In a hurry these run side by side, behind
# all others.
run_patient_script() { # as run_script()
  local options
  if [ "$quick" = 0 ] || [ "$check" = 1 ]; then
    run_script "$@"
    return
  fi
  choose_options "$1"
  "$root/bench/$1.sh" "${options[@]}" "${@:2}" >"$work/$1.out" 2>&1 &
  behind+=("$1 $!")
}

end_scripts() {
  local one
  for one in "${behind[@]}"; do
    progress "${one% *}"
    wait "${one#* }" || fail_script "${one% *}"
    end_progress
    cat "$work/${one% *}.out"
  done
  behind=()
}

stop_scripts() {
  local one
  for one in "${behind[@]}"; do
    kill "${one#* }" 2>/dev/null || true
    wait "${one#* }" 2>/dev/null || true
  done
}
