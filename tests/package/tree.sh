#!/usr/bin/env bash
# What the repository holds at its top, and how its scripts are kept.
# shellcheck source=tests/package/common.sh
. "$(dirname "$0")/common.sh"

cd "$root"
allowed='CMakeLists.txt|include|src|tests|examples|bench|README.md|LICENSE'

# A copy without git, such as a release's archive, is checked as it lies.
tracked() {
  git -c safe.directory="$root" ls-files --cached --others \
    --exclude-standard 2>/dev/null || find . -type f |
    sed 's|^\./||' | grep -v '^build'
}

only_what_is_allowed() {
  ! tracked | cut -d/ -f1 | sort -u | grep -vxE "$allowed|\..+"
}

no_file_is_too_long() {
  ! tracked | grep -E '\.[ch]$' | xargs wc -l |
    awk '$2 != "total" && $1 > 500' | grep .
}

every_script_can_be_run() {
  local script
  tracked | grep -E '^(tests|examples|bench)/[a-z_]+\.sh$|^\.ci/run$' |
    while read -r script; do
      [ -x "$script" ] || { echo "$script is not executable"; exit 1; }
    done
}

check "the top holds only what it may" only_what_is_allowed
check "no source file has more than 500 lines" no_file_is_too_long
check "every script can be run" every_script_can_be_run
finish
