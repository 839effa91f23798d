#!/usr/bin/env bash
# Which functions of libuv and of the C library the library calls. Each of
# libuv's is one that the torture makes fail, or it is named here, because as
# it is called it cannot. Each of the C library's is one that the simulated
# kernel stands in for, or never gets to a kernel.
#   torture_names.sh LIBRARY.a TORTURED-NAMES SIMULATED-NAMES NM
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
  uv_read_stop uv_close uv_ref uv_unref uv_now uv_hrtime uv_is_active uv_is_closing
  uv_stream_get_write_queue_size uv_translate_sys_error
)
no_kernel=(
  memchr memcmp bcmp memcpy memmove memset strchr strcmp strcspn strlen
  strncmp strspn
  # The standard allocator; the torture has one of its own.
  malloc calloc realloc free
  # How a broken invariant is told.
  abort fprintf snprintf vsnprintf fputs fputc fwrite puts stderr
  # The zone of a link-local address, when an endpoint is added: glibc asks
  # through system calls of its own.
  if_nametoindex
)

# What no member of the archive defines, and no compiler's run-time brings: of
# the names that begin with "_" only __recv_chk() and the like, which nobody
# stands in for.
calls=$("$4" --undefined-only --format=posix "$1")
own=$("$4" --defined-only --format=posix "$1")
calls=$(comm -23 <(awk 'NF > 1 { print $1 }' <<<"$calls" | sort -u) \
  <(awk 'NF > 1 { print $1 }' <<<"$own" | sort -u) |
  sed -E '/_chk$/b; /^_|^(pool_|llhttp_)/d')

known=" ${cannot_fail[*]} ${no_kernel[*]} $(cat "$2" "$3" | tr '\n' ' ') "
known+="$(printf '__%s_chk ' "${no_kernel[@]}") "
status=0
for name in $calls; do
  if [[ $known != *" $name "* ]]; then
    echo "not ok - $name: the torture does not know it"
    status=1
  fi
done
# Nothing seen is nothing known.
for name in uv_tcp_connect uv_try_write uv_timer_start recv getsockopt; do
  if ! grep -qx "$name" <<<"$calls"; then
    echo "not ok - $name: not among the calls that were found"
    status=1
  fi
done
[ "$status" -ne 0 ] || echo "ok 1 - the torture knows what can fail"
exit "$status"
