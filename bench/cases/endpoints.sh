# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# endpoints: four endpoints, balanced

case_endpoints() {
  # wrk and h2load know one server. Only a pool chooses: the others have their
  # connections, or requests, spread out by hand.
  local without=(wrk h2load)
  compare endpoints "four endpoints, 64 connections" -c 64 -e 4
  counted_rows endpoints 3800 2 0
  [ "$check" = 1 ] || own_rows endpoints
}
