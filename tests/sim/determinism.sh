#!/usr/bin/env bash
# One seed is one history, whoever compiled the program: runs the same seeds
# with each build of sim, and some under valgrind, and compares the hashes of
# all that happened.
#   determinism.sh SIM... [--valgrind SIM]
set -euo pipefail
seeds=$(seq 1 40)
checked_seeds=$(seq 1 6) # valgrind takes fifty times as long
passed=0
failed=0

# hashes SEEDS COMMAND...: a line "SEED HASH" for each.
hashes() {
  local seeds=$1 seed
  shift
  for seed in $seeds; do
    echo "$seed $("$@" --seed "$seed" | sed -n 's/.*trace hash //p')"
  done
}

# same NAME WANTED FOUND: holds two lists against each other.
same() {
  if [ -n "$2" ] && [ "$2" = "$3" ]; then
    echo "same: $1, $(wc -l <<<"$3") seeds"
    passed=$((passed + 1))
  else
    echo "DIFFERENT: $1"
    diff <(echo "$2") <(echo "$3") || true
    failed=$((failed + 1))
  fi
}

first=$1
wanted=$(hashes "$seeds" "$first")
same "$first, twice" "$wanted" "$(hashes "$seeds" "$first")"
shift
while [ $# -gt 0 ]; do
  if [ "$1" = --valgrind ]; then
    same "$2 under valgrind" "$(head -n "$(wc -l <<<"$checked_seeds")" \
      <<<"$wanted")" "$(hashes "$checked_seeds" valgrind --quiet \
      --error-exitcode=9 "$2")"
    shift 2
  else
    same "$1" "$wanted" "$(hashes "$seeds" "$1")"
    shift
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
