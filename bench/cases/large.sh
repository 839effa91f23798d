# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# large: answers of 64 KiB

# The pool keeps a whole body for its user: it copies what the bare loop only
# counts. Callgrind takes each byte of that (rep movsb) for an instruction.
case_large() {
  compare large "answers of 64 KiB, 64 connections" -c 64 -a "$large_bytes" \
    -P /large
  counted_rows large - - -
  [ "$check" = 1 ] || own_rows large
}
