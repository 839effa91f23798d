#!/usr/bin/env bash
# Every block of code in README.md is what it says.
#
#   ```c      A program when it has a main(): it is linked. Else it compiles
#             behind readme_prelude.h, at file level or as a function's body.
#   ```cmake  Configures a project: as a whole, or the few lines that a project
#             needs for httpool.
#   ```sh     Is shell, and the files of the repository that it names exist.
# shellcheck source=tests/package/common.sh
. "$(dirname "$0")/common.sh"

readme=$root/README.md
prelude=$root/tests/package/readme_prelude.h
prefix=$work/prefix
ours='tests|examples|bench|src|include'

# Writes each block to N.LANGUAGE, N its first line in README.md.
extract_blocks() {
  awk -v dir="$work" '
    /^ *```/ && file == "" {
      language = $0
      gsub(/[` ]/, "", language)
      file = dir "/" NR + 1 "." (language == "" ? "none" : language)
      printf "" >file
      next
    }
    /^ *```/ { close(file); file = ""; next }
    file != "" { print >file }' "$readme"
}

a_program_links() {
  "$CC" -std=gnu11 -Wall -Wextra -Werror "$1" "${flags[@]}" -o "$work/program"
}

# A piece may use what it does not define, and define what it does not use.
piece_compiles() {
  "$CC" -std=gnu11 -Wall -Wextra -Wno-unused -Werror=implicit-int \
    -Werror=implicit-function-declaration -Werror=int-conversion \
    -Werror=incompatible-pointer-types -Werror=format "${flags[@]}" \
    -fsyntax-only "$1"
}

# Includes stay in front of the function that a piece is put into.
as_a_body() {
  echo "#include \"$prelude\""
  grep '^#include' "$1" || true
  echo 'void piece(void);'
  echo 'void piece(void) {'
  grep -v '^#include' "$1"
  echo '}'
}

at_file_level() {
  echo "#include \"$prelude\""
  cat "$1"
}

a_piece_compiles() {
  at_file_level "$1" >"$work/file.c"
  as_a_body "$1" >"$work/body.c"
  piece_compiles "$work/file.c" || piece_compiles "$work/body.c"
}

# What the lines take for granted is added: the project, the program, and the
# directory that add_subdirectory() names, which is this one.
a_project_configures() {
  local block=$1 dir target
  dir=$(mktemp -d -p "$work")
  cp "$root/tests/consumer/consumer.c" "$dir/main.c"
  {
    grep -q '^ *project(' "$block" ||
      printf 'cmake_minimum_required(VERSION 3.18)\nproject(app C)\n'
    if ! grep -q 'add_executable' "$block"; then
      sed -nE 's/^ *target_link_libraries\(([a-z_]+).*/\1/p' "$block" |
        sort -u | sed 's/.*/add_executable(& main.c)/'
    fi
    cat "$block"
  } >"$dir/CMakeLists.txt"
  sed -nE 's/.*add_executable\([a-z_]+ ([a-z_.]+)\).*/\1/p' "$block" |
    while read -r target; do
      cp -n "$dir/main.c" "$dir/$target"
    done
  target=$(sed -nE 's/^ *add_subdirectory\(([^ )]+).*/\1/p' "$block")
  if [ -n "$target" ]; then
    mkdir -p "$(dirname "$dir/$target")"
    ln -s "$root" "$dir/$target"
  fi
  cmake -S "$dir" -B "$dir/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DFETCHCONTENT_SOURCE_DIR_HTTPOOL="$root"
}

the_shell_is_sound() {
  local file
  bash -n "$1" || return
  while read -r file; do
    [ -e "$root/$file" ] || { echo "no $file"; return 1; }
  done < <(grep -oE "\b($ours)/[A-Za-z0-9_./-]+" "$1")
}

has_c_blocks() {
  compgen -G "$work/*.c"
}

check_block() {
  local block=$1 where
  where="the block at line $(basename "${block%.*}")"
  case $block in
  *.c)
    if grep -qE '\bmain *\(' "$block"; then
      check "$where is a program" a_program_links "$block"
    else
      check "$where is C" a_piece_compiles "$block"
    fi
    ;;
  *.cmake) check "$where is CMake" a_project_configures "$block" ;;
  *.sh) check "$where is shell" the_shell_is_sound "$block" ;;
  esac
}

check "README.md is there" extract_blocks
check "README.md has blocks of C" has_c_blocks
if [ "$failures" -eq 0 ]; then
  check "the library installs" install_to "$prefix"
  PKG_CONFIG_PATH=$(find "$prefix" -name pkgconfig)
  export PKG_CONFIG_PATH
  flags_of --cflags --libs httpool
  while read -r block; do
    check_block "$block"
  done < <(find "$work" -maxdepth 1 -regex '.*/[0-9]+\.[a-z]+' | sort -V)
fi
finish
