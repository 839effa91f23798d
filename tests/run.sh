#!/usr/bin/env bash
# Builds the library with its self-checks on and runs every test. Debian
# packages that are missing are installed first. The last line is
# "N passed, N failed"; the exit status is 0 when something passed and nothing
# failed.
#   tests/run.sh              every test
#   tests/run.sh -R NAME ...  options for ctest
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/shell.sh
. tests/lib/shell.sh
build=build/tests

packages=()
need_command gcc gcc
need_command g++ g++
need_command make make
need_command cmake cmake
need_command pkg-config pkg-config
need_command nginx nginx
need_command haproxy haproxy
need_command curl curl
need_command python3 python3
need_module 'libuv libuv-static' libuv1-dev
need_module cmocka libcmocka-dev
if [ ! -e /usr/share/llhttp/llhttp.c ]; then
  need_module 'libllhttp >= 9' "$(llhttp_package)"
fi
install_packages

mkdir -p "$build"
echo "building in $build"
quietly "$build/build.log" configure_and_build "$build" \
  -DHTTPOOL_TESTS=ON -DHTTPOOL_CHECK=ON

echo "running the tests"
log=$build/ctest.log
status=0
(cd "$build" && ctest --verbose --parallel "$(nproc)" "$@") >"$log" 2>&1 ||
  status=$?
report "$log"
summary "$log" "$status"
