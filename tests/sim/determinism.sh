#!/usr/bin/env bash
# One seed is one history, whoever compiled the program: runs the same seeds
# with each build of sim, and some under valgrind, and compares the hashes of
# all that happened. A run that fails, or tells no hash, fails its comparison.
#   determinism.sh SIM... [--valgrind SIM]
set -euo pipefail
# Every fourth seed is a world of one kind, 4 further is the next kind's: a step
# of 11 goes through all groups of kinds, and still takes worlds of all sorts.
seeds=$(seq 1 11 650)
checked_seeds=$(seq 1 11 60) # valgrind takes fifty times as long
passed=0
failed=0

# hashes SEEDS COMMAND...: a line "SEED HASH" for each.
hashes() {
  local seeds=$1 seed said hash status
  shift
  for seed in $seeds; do
    status=0
    said=$("$@" --seed "$seed") || status=$?
    hash=$(sed -n 's/.*trace hash //p' <<<"$said")
    if [ "$status" -ne 0 ] || ! [[ $hash =~ ^[0-9a-f]{16}$ ]]; then
      echo "seed $seed: exit status $status, hash '$hash': $*" >&2
      return 1
    fi
    echo "$seed $hash"
  done
}

# same NAME SEEDS COMMAND...: holds its hashes against those that are wanted.
same() {
  local name=$1 seeds=$2 found expected
  shift 2
  expected=$(head -n "$(wc -l <<<"$seeds")" <<<"$wanted")
  if ! found=$(hashes "$seeds" "$@"); then
    echo "FAILED: $name"
    failed=$((failed + 1))
  elif [ "$expected" = "$found" ]; then
    echo "same: $name, $(wc -l <<<"$found") seeds"
    passed=$((passed + 1))
  else
    echo "DIFFERENT: $name"
    diff <(echo "$expected") <(echo "$found") || true
    failed=$((failed + 1))
  fi
}

first=$1
wanted=$(hashes "$seeds" "$first") || {
  echo "FAILED: $first"
  echo "0 passed, 1 failed"
  exit 1
}
same "$first, twice" "$seeds" "$first"
shift
while [ $# -gt 0 ]; do
  if [ "$1" = --valgrind ]; then
    same "$2 under valgrind" "$checked_seeds" valgrind --quiet \
      --error-exitcode=9 "$2"
    shift 2
  else
    same "$1" "$seeds" "$1"
    shift
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
