#!/usr/bin/env bash
# Which functions of libuv the library calls: each is one that the torture
# makes fail, or it is named here, because as it is called it cannot.
#   torture_names.sh LIBRARY.a WRAPPED-NAMES NM
set -euo pipefail

cannot_fail=(
  # They fill in what is there already.
  uv_tcp_init uv_timer_init uv_idle_init uv_check_init
  # They want a callback and a handle that is not closing, and get both.
  uv_timer_start uv_timer_stop uv_idle_start uv_idle_stop
  uv_check_start uv_check_stop
  # They say no to a text, never for want of anything.
  uv_ip4_addr uv_ip6_addr
  # They have nothing to say no with.
  uv_close uv_ref uv_unref uv_now uv_is_active uv_is_closing
  uv_stream_get_write_queue_size uv_translate_sys_error
)
known=" ${cannot_fail[*]} $(tr '\n' ' ' <"$2") "
status=0
while read -r name; do
  if [[ $known != *" $name "* ]]; then
    echo "not ok - $name: the torture does not know it"
    status=1
  fi
done < <("$3" -u "$1" | sed -n 's/^ *U \(uv_[a-z0-9_]*\)$/\1/p' | sort -u)
[ "$status" -ne 0 ] || echo "ok 1 - the torture knows what can fail"
exit "$status"
