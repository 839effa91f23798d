#!/usr/bin/env bash
# The public header compiles alone, twice in one file, in each language; and
# each of its parts.
# shellcheck source=tests/package/common.sh
. "$(dirname "$0")/common.sh"

printf '#include <httpool.h>\n#include <httpool.h>\nint unused;\n' \
  >"$work/header.c"
cp "$work/header.c" "$work/header.cc"
flags_of --cflags libuv

for part in base event stats; do
  printf '#include <httpool/%s.h>\nint unused;\n' "$part" >"$work/$part.c"
done

# libuv's header needs the system's types, which -std=c99 alone hides.
compile_c() {
  "$CC" -std="$1" -D_GNU_SOURCE "${warnings[@]}" -I"$root/include" \
    "${flags[@]}" -fsyntax-only "$work/header.c"
}

compile_part() {
  "$CC" -std=c99 -D_GNU_SOURCE "${warnings[@]}" -I"$root/include" \
    "${flags[@]}" -fsyntax-only "$work/$1.c"
}

compile_cxx() {
  "$CXX" -std="$1" "${warnings[@]}" -I"$root/include" "${flags[@]}" \
    -fsyntax-only "$work/header.cc"
}

for std in c99 c11 gnu11; do
  check "the header compiles alone as $std" compile_c "$std"
done
for part in base event stats; do
  check "its part $part compiles alone" compile_part "$part"
done
for std in c++11 c++17; do
  check "the header compiles alone as $std" compile_cxx "$std"
done
finish
