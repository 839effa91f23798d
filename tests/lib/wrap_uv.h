/* Stands in for the calls that the pool makes and that can fail; for programs
 * linked with --wrap (see pool/fail_uv.wrap). Calls on handles that are not a
 * pool's go through untouched. */
#ifndef WRAP_UV_H_
#define WRAP_UV_H_

#include <stddef.h>
#include <stdint.h>

typedef enum {
  WRAP_CONNECT,    /* uv_tcp_connect() returns the error */
  WRAP_CONNECTED,  /* ... its callback is told it */
  WRAP_NODELAY,    /* uv_tcp_nodelay() */
  WRAP_READ_START, /* uv_read_start() */
  WRAP_TRY_WRITE,  /* uv_try_write() */
  WRAP_WRITE,      /* uv_write() returns the error */
  WRAP_WRITTEN,    /* ... takes a byte, and its callback is told it */
  WRAP_FILENO,     /* uv_fileno() */
  WRAP_PEEK,       /* recv() with MSG_PEEK; the error is libuv's */
  WRAP_GETSOCKOPT, /* getsockopt() fails */
  WRAP_CALLS
} wrap_call_t;

/* Nothing fails, nothing has been called. */
void wrap_reset(void);

/* The n-th call from now on fails (1 is the next), all later ones too when
 * `and_later`. `error` is a libuv code. */
void wrap_fail(wrap_call_t call, uint32_t n, int and_later, int error);

/* Instead of the above: `cb` says at each call with what it fails, or 0.
 * NULL: no more. */
void wrap_ask(int (*cb)(wrap_call_t call));

/* Each uv_try_write() takes that many bytes at most. */
void wrap_limit_try_write(size_t bytes);

/* How many calls were made to fail so far. */
uint32_t wrap_failures(void);

/* How often it was called. */
uint32_t wrap_called(wrap_call_t call);

#endif
