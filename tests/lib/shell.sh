# shellcheck shell=bash
# What tests/run.sh and .ci/run share: packages, builds, results of ctest.

# need_command COMMAND PACKAGE, need_module PKG-CONFIG-MODULE PACKAGE: notes
# in the array `packages` what is missing.
need_command() {
  command -v "$1" >/dev/null || packages+=("$2")
}

need_module() {
  { command -v pkg-config && pkg-config --exists "$1"; } &>/dev/null ||
    packages+=("$2")
}

# Debian's llhttp: a library from 13 on, before that sources in a package of
# node's.
llhttp_package() {
  local version=13
  # shellcheck source=/dev/null
  version=$(. /etc/os-release && echo "${VERSION_ID:-13}")
  if [ "${version%%.*}" -lt 13 ]; then
    echo node-llhttp
  else
    echo libllhttp-dev
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

# While packages are installed nothing is started: nginx and haproxy are run
# by tests only, not as services.
forbid_services() {
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d \
      >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
}

apt_install() {
  forbid_services
  as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
      --no-install-recommends "${packages[@]}"
}

install_packages() {
  local log status=0
  [ ${#packages[@]} -gt 0 ] || return 0
  echo "installing ${packages[*]}"
  log=$(mktemp)
  # A shell of its own, so that its trap runs here and now.
  (apt_install) </dev/null >"$log" 2>&1 || status=$?
  [ "$status" -eq 0 ] || tail -n 20 "$log" >&2
  rm -f "$log"
  return "$status"
}

# quietly LOG COMMAND...: shows the end of what it says when it fails.
quietly() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log"
    echo "0 passed, 1 failed"
    exit 1
  }
}

# configure_and_build DIR [CMAKE OPTION...]
configure_and_build() {
  local build=$1
  shift
  cmake -S . -B "$build" "$@" &&
    cmake --build "$build" --parallel "$(nproc)"
}

# results LOG: from what `ctest --verbose` said, "passed failed skipped". Tests
# that print TAP count as many as they tell of; one that failed without telling
# which, by a crash for instance, counts as one failure.
results() {
  awk '
    match($0, /^[0-9]+: (not )?ok /) {
      id = substr($0, 1, index($0, ":") - 1)
      if (/ # SKIP/) skip[id]++
      else if (/: not ok /) bad[id]++
      else good[id]++
      next
    }
    match($0, /Test +#[0-9]+: /) {
      id = substr($0, RSTART, RLENGTH)
      gsub(/[^0-9]/, "", id)
      if (/ +Passed +[0-9.]+ sec/) ended[id] = "passed"
      else if (/\*\*\*Skipped/) ended[id] = "skipped"
      else if (/\*\*\*|Failed|Exception/) ended[id] = "failed"
    }
    END {
      for (id in ended) {
        told = good[id] + bad[id] + skip[id]
        passed += good[id]
        failed += bad[id]
        skipped += skip[id]
        if (ended[id] == "failed" && !bad[id]) failed++
        else if (ended[id] == "passed" && !told) passed++
        else if (ended[id] == "skipped" && !told) skipped++
      }
      print passed + 0, failed + 0, skipped + 0
    }' "$1"
}

# report LOG: a line for each program; of those that failed, all they said.
report() {
  local id
  grep -E '^ *[0-9]+/[0-9]+ Test +#' "$1" || true
  grep -E '\*\*\*(Failed|Timeout|Exception)' "$1" |
    sed -E 's/.*Test +#([0-9]+):.*/\1/' | while read -r id; do
    echo
    grep -E "^$id: " "$1" | grep -vE ': ok [0-9]+ ' | head -n 60
  done || true
}

# summary LOG STATUS: the last line, and the exit status.
summary() {
  local passed failed skipped
  read -r passed failed skipped <<<"$(results "$1")"
  [ "$skipped" -eq 0 ] || echo "$skipped skipped"
  [ "$2" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
  echo "$passed passed, $failed failed"
  [ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
}

# Before a program with sanitizers: older ones do not start where the kernel
# spreads addresses widely.
# shellcheck disable=SC2034 # for who sources this
fixed_layout=()
if setarch -R true 2>/dev/null; then
  # shellcheck disable=SC2034
  fixed_layout=(setarch -R)
fi
