# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# chunked: chunked answers: 4 KiB in 4 pieces

case_chunked() {
  local without=(epoll) # it does not read them
  compare chunked "chunked answers of 4 KiB, 64 connections" -c 64 \
    -a $((chunks * chunk_bytes)) -P /chunked
  counted_rows chunked - - 0
  [ "$check" = 1 ] || own_rows chunked
}
