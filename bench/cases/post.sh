# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# post: POSTs of 1 KiB, answered with 1 KiB

case_post() {
  compare post "POST of 1 KiB, answer of 1 KiB, 64 connections" -c 64 \
    -m POST -b "$post_bytes" -a "$post_bytes" -P /kibibyte
  counted_rows post - 2 0
  [ "$check" = 1 ] || own_rows post
}
