# shellcheck shell=bash
# shellcheck disable=SC2154 # the driver sets them
# Cases that are scripts of their own, with tables of their own: what becomes of
# a service, not what a call costs. To be sourced.

# NAME, options: bench/NAME.sh, as this run is. Its JSON goes beside ours.
run_script() {
  local options=(--build "$build")
  [ "$check" = 0 ] || return 0 # it counts nothing
  [ "$quick" = 0 ] || options+=(--quick)
  [ -z "$json" ] || options+=(--json "${json%.json}.$1.json")
  end_progress
  printf '\n== bench/%s.sh\n' "$1"
  "$root/bench/$1.sh" "${options[@]}" "${@:2}"
}
