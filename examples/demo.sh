#!/bin/sh
# Builds and runs the demo: one pool, a few small origin servers, and five bad
# days; then a gateway with a limit. On Debian it first installs what it lacks;
# where nothing is lacking it installs nothing. What it starts ends with it,
# however it ends.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build/demo

# Runs a step quietly; its output is shown when it fails.
quietly() {
  mkdir -p "$build"
  "$@" >"$build/log" 2>&1 </dev/null && return 0
  cat "$build/log" >&2
  return 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

has_headers() {
  echo '#include <stdlib.h>' | cc -E - >/dev/null 2>&1
}

has_llhttp() {
  pkg-config --atleast-version=9 libllhttp 2>/dev/null ||
    [ -e /usr/share/llhttp/llhttp.c ] || [ -e /usr/local/share/llhttp/llhttp.c ]
}

# What is missing, as names of Debian's packages; of llhttp the name is not the
# same on all of them.
missing() {
  has cc && has_headers || printf ' gcc libc6-dev'
  has make || has ninja || printf ' make'
  has cmake || printf ' cmake'
  has pkg-config || printf ' pkg-config'
  has curl || printf ' curl'
  pkg-config --exists libuv 2>/dev/null || printf ' libuv1-dev'
  has_llhttp || printf ' llhttp'
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env "$@"
  else
    sudo env "$@"
  fi
}

apt_get() {
  as_root DEBIAN_FRONTEND=noninteractive apt-get -qq \
    -o DPkg::Lock::Timeout=120 "$@"
}

llhttp_package() {
  if apt-cache show libllhttp-dev >/dev/null 2>&1; then
    echo libllhttp-dev
  else
    echo node-llhttp
  fi
}

install_missing() {
  packages=$(missing)
  [ -n "$packages" ] || return 0
  if ! has apt-get; then
    echo "demo.sh: please install:$packages" >&2
    exit 1
  fi
  echo "installing:$packages"
  quietly apt_get update
  case $packages in
    *llhttp) packages="${packages% llhttp} $(llhttp_package)" ;;
  esac
  # shellcheck disable=SC2086 # a list of words
  quietly apt_get install -y --no-install-recommends $packages
}

configure() {
  generator='Unix Makefiles'
  ! has ninja || generator=Ninja
  cmake -S "$top" -B "$build" -G "$generator" -DHTTPOOL_EXAMPLES=ON
}

# A folder that was configured elsewhere, or with another generator, is made
# anew.
make_demo() {
  mkdir -p "$build"
  if ! configure >"$build/log" 2>&1; then
    rm -rf "$build"
    quietly configure
  fi
  quietly cmake --build "$build" --parallel 2 --target demo gateway
}

install_missing
echo "building in $build"
make_demo
"$build/examples/demo"
exec "$top/examples/gateway/demo.sh" "$build"
