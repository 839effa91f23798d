# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts set some, and read others
# What the benchmark scripts share; to be sourced. Uses $root, $build, $work.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

has() { # a command or a file
  case $1 in
    */*) [ -e "$1" ] ;;
    *) PATH=$PATH:/usr/sbin command -v "$1" >/dev/null ;;
  esac
}

missing_packages() { # command:package ...
  local pair
  has /usr/include/uv.h || echo libuv1-dev
  has /usr/include/stdio.h || echo libc6-dev
  pkg-config --atleast-version=9 libllhttp 2>/dev/null ||
    has /usr/share/llhttp/llhttp.c || echo llhttp
  for pair in cc:gcc make:make cmake:cmake pkg-config:pkg-config "$@"; do
    has "${pair%%:*}" || echo "${pair##*:}"
  done
}

# Debian 13 and later have llhttp as a library, 12 has its sources.
llhttp_package() {
  if [ -n "$(apt-cache search --names-only '^libllhttp-dev$')" ]; then
    echo libllhttp-dev
  else
    echo node-llhttp
  fi
}

# As far as they can be had: command:package ...
install_what_can_be() {
  local pair missing=0
  for pair; do
    install_missing "$pair" ||
      { echo "bench: no package ${pair##*:}" >&2 && missing=1; }
  done
  return "$missing"
}

# What building needs, and besides: command:package ...
install_missing() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "bench: installing ${missing[*]}" >&2
  [ -n "${updated:-}" ] || as_root apt-get -qq update >/dev/null
  updated=1
  missing=("${missing[@]/#llhttp/$(llhttp_package)}")
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
    --no-install-recommends "${missing[@]}" >/dev/null
}

# Node's modules that contestants are.
poolee=poolee@1.0.1
undici=undici@7.30.2 # the last that runs on node 20
undici_of_18=undici@6.29.1

choose_undici() {
  case $(node --version) in v18.* | v19.*) undici=$undici_of_18 ;; esac
}

# Whether this contestant can be had here.
has_module() { # NAME
  has node && NODE_PATH=$build/node/node_modules node -e "require('$1')" \
    2>/dev/null
}

# Into the build directory; where nothing is missing nobody is asked.
install_node_modules() { # undici|poolee...
  local module wanted=()
  has node && has npm || return 1
  choose_undici
  for module; do
    module=${!module}
    grep -qs "\"version\": \"${module#*@}\"" \
      "$build/node/node_modules/${module%@*}/package.json" ||
      wanted+=("$module")
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  echo "bench: installing ${wanted[*]}" >&2
  npm install --prefix "$build/node" --no-audit --no-fund --loglevel=error \
    "${wanted[@]}" >"$work/npm.log" 2>&1 ||
    { cat "$work/npm.log" >&2 && return 1; }
}

build_all() { # with the examples, where $examples is ON
  [ "$built" = 0 ] || return 0
  cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DHTTPOOL_BENCH=ON \
    -DHTTPOOL_EXAMPLES="${examples:-OFF}" >"$work/cmake.log" ||
    { cat "$work/cmake.log" >&2 && exit 1; }
  cmake --build "$build" --parallel 2 >"$work/build.log" ||
    { cat "$work/build.log" >&2 && exit 1; }
}

# The CPUs that we may use, one a line.
our_cpus() {
  awk -F: '/^Cpus_allowed_list/ {
    n = split($2, parts, ",")
    for (i = 1; i <= n; i++) {
      if (split(parts[i], ends, "-") == 1) ends[2] = ends[1]
      for (cpu = ends[1] + 0; cpu <= ends[2]; cpu++) print cpu
    }
  }' /proc/self/status
}

# Client and server on cores of their own, where there are two: not on two
# threads of one, if it can be helped.
choose_cores() {
  local cpus cpu siblings
  mapfile -t cpus < <(our_cpus)
  pin_client=() pin_server=()
  [ ${#cpus[@]} -gt 1 ] || return 0
  siblings=$(cat "/sys/devices/system/cpu/cpu${cpus[0]}/topology/core_cpus_list" \
    2>/dev/null || true)
  pin_client=(taskset -c "${cpus[0]}")
  pin_server=(taskset -c "${cpus[1]}")
  for cpu in "${cpus[@]:1}"; do
    [[ ! ",${siblings/-/,}," == *",$cpu,"* ]] || continue
    pin_server=(taskset -c "$cpu")
    break
  done
}
choose_cores

# What a reader of figures wants to know of where they come from.
describe_machine() {
  printf '%s, %s CPUs, Linux %s' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$(nproc)" \
    "$(uname -r)"
  printf ', libuv %s\n' "$(pkg-config --modversion libuv)"
}

# Below those that connections are made from.
random_port() { echo $((20000 + RANDOM % 10000)); }

ports_free() { # nobody listens there
  ! grep -qi ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}

calc() { awk "BEGIN { printf \"$1\", $2 }"; }

median() {
  printf '%s\n' "$@" | sort -n |
    awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : \
      (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# The comment that a script begins with.
usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
  exit "$1"
}

# The options that each script tells of: sets quick, check, json and build. And
# --built, of who has built all there.
read_options() {
  build=$root/build/bench built=0 quick=0 check=0 json=
  while [ $# -gt 0 ]; do
    case $1 in
      --quick) quick=1 ;;
      --check) check=1 ;;
      --json) json=${2:?--json needs a file} && shift ;;
      --built) built=1 ;;
      --build) build=${2:?--build needs a directory} && shift ;;
      -h | --help) usage 0 ;;
      *) usage 2 >&2 ;;
    esac
    shift
  done
}
