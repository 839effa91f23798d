# shellcheck shell=bash disable=SC2034
# What the scripts beside this one share. Each prints TAP: "ok N - what" or
# "not ok N - what", the reason before it on lines that start with "#".
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${CC:=cc}"
case $(basename "$CC") in
*clang*) CXX=${CC/clang/clang++} ;;
*gcc*) CXX=${CC/gcc/g++} ;;
*) CXX=c++ ;;
esac
warnings=(-pedantic-errors -Wall -Wextra -Werror)
export CC CXX
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/lib/tap.sh
. "$root/tests/lib/tap.sh"

# The flags that pkg-config gives, as words in the array `flags`.
flags_of() {
  read -ra flags <<<"$(pkg-config "$@")"
}

# install_to PREFIX [CMAKE OPTION...]: configures, builds and installs.
install_to() {
  local prefix=$1 build
  shift
  build=$(mktemp -d -p "$work")
  cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DHTTPOOL_EXAMPLES=OFF "$@" &&
    cmake --build "$build" --parallel 2 &&
    cmake --install "$build" --prefix "$prefix"
}
