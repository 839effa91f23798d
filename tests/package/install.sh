#!/usr/bin/env bash
# Installs the library and uses it from outside: with CMake and pkg-config,
# shared and static, in C99 and C++11.
# shellcheck source=tests/package/common.sh
. "$(dirname "$0")/common.sh"

both=$work/both
static=$work/static

# The directory of a prefix that the libraries are in.
libdir() {
  dirname "$(find "$1" -name httpool.pc -printf '%h\n')"
}

use_prefix() {
  export PKG_CONFIG_PATH LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$(libdir "$1")
  PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
}

# with_cmake PREFIX TARGET...: builds and runs the consumer for each target.
with_cmake() {
  local build prefix=$1 targets program
  shift
  targets=$(IFS=';' && echo "$*")
  build=$(mktemp -d -p "$work")
  cmake -S "$root/tests/consumer" -B "$build" -DLIBRARIES="$targets" \
    -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$build" || return
  for program in "$build"/c_httpool* "$build"/cxx_httpool*; do
    "$program" || return
  done
}

# with_pkg_config LANGUAGE [--static]: the same with pkg-config's flags.
with_pkg_config() {
  local language=$1 compiler=("$CC" -std=c99)
  shift
  flags_of --cflags --libs "$@" httpool
  [ "$language" = c ] || compiler=("$CXX" -std=c++11)
  "${compiler[@]}" -D_POSIX_C_SOURCE=200809L "${warnings[@]}" \
    "$root/tests/consumer/consumer.$language" "${flags[@]}" \
    -o "$work/consumer" && "$work/consumer"
}

moved_tree_works() {
  mv "$both" "$work/moved" && with_cmake "$work/moved" httpool &&
    use_prefix "$work/moved" && with_pkg_config c
}

# In a subproject the build is not ours: no install, no examples.
as_subproject() {
  local dir=$work/subproject
  mkdir -p "$dir" && cp "$root/tests/consumer/consumer.c" "$dir" &&
    cat >"$dir/CMakeLists.txt" <<END &&
cmake_minimum_required(VERSION 3.18)
project(outer C)
add_subdirectory($root httpool)
add_executable(consumer consumer.c)
target_link_libraries(consumer httpool::httpool)
END
    cmake -S "$dir" -B "$dir/build" &&
    cmake --build "$dir/build" --parallel 2 && "$dir/build/consumer"
}

only_public_names() {
  nm "$@" --defined-only -g | awk 'NF == 3 { print $3 }' >"$work/names"
  grep -qx pool_create_sized "$work/names" &&
    ! grep -vxE 'pool_[a-z0-9]+(_[a-z0-9]+)*' "$work/names"
}

is_hardened() {
  readelf -dlW "$1" >"$work/elf" && grep -q GNU_RELRO "$work/elf" &&
    grep -qE 'BIND_NOW|FLAGS.* NOW' "$work/elf" &&
    grep -qE 'GNU_STACK.* RW ' "$work/elf" && ! grep -q TEXTREL "$work/elf"
}

# Stack protector and checked string functions are seen by what they call.
has_compiler_checks() {
  nm -D "$1" | grep -q __stack_chk_fail && nm -D "$1" | grep -q '_chk@'
}

# The version in the name: what it promises while it begins with 0.
has_soname() {
  readelf -dW "$1" | grep -qE 'SONAME.*\[libhttpool\.so\.0\.[0-9]+\]'
}

# Initialised or not, nothing that our code could write is outside a pool.
# (Position-independent constants with addresses in them are made read-only.)
has_no_globals() {
  nm "$1" | awk 'NF == 3 && $2 ~ /^[BbDd]$/ { print $3 }' |
    grep -vE '^(_DYNAMIC|_GLOBAL_OFFSET_TABLE_|__dso_handle|__TMC_END__)$' |
    grep -vE '^(_?_bss_start|_edata|_end|completed\.[0-9]+)$' |
    grep -vE '^__(frame_dummy|do_global_dtors_aux)_.*_entry$' |
    grep -vE '^(settings|pool__hear_ops|pool__ping_health_ops)$' >"$work/globals" || true
  test ! -s "$work/globals"
}

check "it installs" install_to "$both"
check "it installs without the shared library" \
  install_to "$static" -DBUILD_SHARED_LIBS=OFF
if [ "$failures" -ne 0 ]; then
  finish
  exit
fi

libhttpool=$(libdir "$both")/libhttpool
check "the shared library exports the public names only" \
  only_public_names -D "$libhttpool.so"
check "the shared library is hardened" is_hardened "$libhttpool.so"
check "the shared library has the compiler's checks" \
  has_compiler_checks "$libhttpool.so"
check "the shared library has its soname" has_soname "$libhttpool.so"
check "the library has no global variable" has_no_globals "$libhttpool.so"
use_prefix "$both"
if [ -z "$(pkg-config --print-requires-private httpool)" ]; then
  check "the static library has no global name but the public ones" \
    only_public_names "$libhttpool.a"
fi
check "CMake projects link all three targets" \
  with_cmake "$both" httpool httpool_shared httpool_static
check "pkg-config serves C99" with_pkg_config c
check "pkg-config serves C++11" with_pkg_config cc
use_prefix "$static"
check "CMake's httpool is the static library where that is alone" \
  with_cmake "$static" httpool httpool_static
check "pkg-config --static serves C99" with_pkg_config c --static
check "pkg-config --static serves C++11" with_pkg_config cc --static
check "an installed tree can be moved" moved_tree_works
check "it builds as a subproject" as_subproject
finish
