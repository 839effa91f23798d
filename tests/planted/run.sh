#!/usr/bin/env bash
# The bug zoo: each patch here is a bug that somebody could have written, and
# says at its top what it does to users and which program catches it. Plants
# one after the other in a copy of the tree and expects that program to fail.
#   tests/planted/run.sh                       all
#   tests/planted/run.sh --random N [--seed S] N of them, by chance
#   tests/planted/run.sh NAME...               some; the beginning is enough
#   ... --build DIR                            where [build/planted]
# The last line is "N passed, N failed". A patch that does not apply any more
# has failed: when src/ moves, the patches move with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/shell.sh
. tests/lib/shell.sh
patience=300 # seconds for one bug to be caught
build=build/planted
random=0
seed=$RANDOM
names=()
passed=0
failed=0

while [ $# -gt 0 ]; do
  case $1 in
  --random) random=$2 && shift ;;
  --seed) seed=$2 && shift ;;
  --build) build=$2 && shift ;;
  *) names+=("$1") ;;
  esac
  shift
done

export ASAN_OPTIONS=detect_stack_use_after_return=1

choose() {
  local name
  if [ "$random" -gt 0 ]; then
    echo "seed $seed" >&2
    printf '%s\n' tests/planted/*.patch |
      awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() "\t" $0 }' |
      sort -n | cut -f2 | head -n "$random"
  elif [ ${#names[@]} -gt 0 ]; then
    for name in "${names[@]}"; do
      printf '%s\n' "tests/planted/$name"*.patch
    done
  else
    printf '%s\n' tests/planted/*.patch
  fi
}

# catcher PATCH: the words behind "Caught by:".
catcher() {
  sed -n 's/^Caught by: //p' "$1"
}

copy_tree() {
  rm -rf "$build/tree/src"
  mkdir -p "$build/tree"
  git -c safe.directory='*' ls-files --cached --others --exclude-standard \
    -- CMakeLists.txt .cmake include src tests examples |
    tar -c -T - | tar -x -C "$build/tree"
  # What the last bug of an earlier run was built into is older than that.
  find "$build/tree/src" -type f -exec touch {} +
  git -C "$build/tree" init -q 2>/dev/null
}

configure() {
  cmake -S "$build/tree" -B "$build/out" -DHTTPOOL_TESTS=ON -DHTTPOOL_CHECK=ON \
    -DHTTPOOL_HARDEN=OFF -DHTTPOOL_EXAMPLES=OFF \
    -DCMAKE_C_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all -O1"
}

# build_target NAME: and where it is.
build_target() {
  cmake --build "$build/out" --parallel "$(nproc)" --target "$1"
}

run() {
  local program
  program=$(find "$build/out/tests" -type f -name "$1" -perm -u+x | head -n 1)
  shift
  timeout "$patience" "${fixed_layout[@]}" "$program" "$@"
}

told() {
  if [ "$1" = passed ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    tail -n 15 "$build/log" | sed 's/^/    /'
  fi
  printf '%-7s %-36s %s\n' "$1" "$2" "$3"
}

# plant PATCH: 0 when the bug is caught.
plant() {
  local patch=$1 name start=$SECONDS words status=0
  name=$(basename "$patch" .patch)
  read -ra words <<<"$(catcher "$patch")"
  if ! git -C "$build/tree" apply "$PWD/$patch" >"$build/log" 2>&1; then
    told FAILED "$name" "the patch does not apply"
    return
  fi
  if ! build_target "${words[0]}" >"$build/log" 2>&1; then
    told FAILED "$name" "the patch does not compile"
  else
    run "${words[@]}" >"$build/log" 2>&1 || status=$?
    case $status in
    0) told FAILED "$name" "not caught by ${words[*]}" ;;
    124) told FAILED "$name" "still running after $patience s" ;;
    *) told passed "$name" "caught by ${words[0]} in $((SECONDS - start)) s" ;;
    esac
  fi
  git -C "$build/tree" apply -R "$PWD/$patch"
}

main() {
  local patches patch words
  mapfile -t patches < <(choose)
  mkdir -p "$build"
  copy_tree
  quietly "$build/log" configure
  # Without bugs each of the programs is content.
  while read -ra words; do
    quietly "$build/log" build_target "${words[0]}"
    if ! run "${words[@]}" >"$build/log" 2>&1; then
      told FAILED "${words[0]}" "fails without any bug planted"
    fi
  done < <(for patch in "${patches[@]}"; do catcher "$patch"; done | sort -u)
  for patch in "${patches[@]}"; do
    plant "$patch"
  done
  echo "$passed passed, $failed failed"
  [ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
}
main
