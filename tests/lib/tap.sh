# shellcheck shell=bash disable=SC2154
# Tests that are scripts: TAP, as cmocka prints it. Needs a directory $work. The
# reason for a failure is on lines before it that start with "#".
count=0
failures=0

# check WHAT COMMAND...: one test.
check() {
  local what=$1
  shift
  count=$((count + 1))
  if "$@" >"$work/check.log" 2>&1; then
    echo "ok $count - $what"
  else
    failures=$((failures + 1))
    tail -n 25 "$work/check.log" | sed 's/^/#   /'
    echo "not ok $count - $what"
  fi
}

# skip WHAT TOOL: a test that cannot be made.
skip() {
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2 is not installed"
}

# The plan; whether all is well.
finish() {
  echo "1..$count"
  [ "$failures" -eq 0 ]
}
