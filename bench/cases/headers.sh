# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# headers: answers with 20 headers of their own

case_headers() {
  compare headers "answers with 20 more headers, 64 connections" -c 64 \
    -P /headers
  counted_rows headers - 2 0
  [ "$check" = 1 ] || own_rows headers
}
