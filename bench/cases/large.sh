# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# large: answers of 64 KiB

case_large() {
  counts=(httpool uv)
  [ "$quick" = 1 ] || counts=("${peers[@]}")
  compare large "answers of 64 KiB, 64 connections" -c 64 -a "$large_bytes" \
    -P /large
  counted_rows large - - -
  [ "$check" = 1 ] || own_rows large
}
