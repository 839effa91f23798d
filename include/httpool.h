/* httpool: HTTP/1.1 client connection pools on libuv.
 *
 * One pool_t stands for one downstream service. It owns keep-alive
 * connections to a set of equivalent endpoints, balances over them, counts
 * the requests that are pending and refuses a new one at once when that count
 * is at its limit.
 *
 *   pool_t *users;
 *   pool_create(&users, loop, NULL);
 *   pool_add_endpoint(users, "127.0.0.1:8080");
 *   pool_get(users, "/users/42", on_user, NULL);
 *   uv_run(loop, UV_RUN_DEFAULT);
 *
 * Rules that hold everywhere:
 *
 *  - Threads: everything of a pool runs on the thread of its loop. A process
 *    with several loops has several pools.
 *  - Callbacks come from uv_run() only, never from inside a pool_*() call, and
 *    any callback may call any function of this library.
 *  - A function that can fail returns 0 or a negative code: one of libuv's as
 *    it is (UV_EINVAL, UV_ENOMEM, UV_ECONNREFUSED, ...) or a POOL_E* below.
 *    pool_strerror() knows both.
 *  - The library never prints, exits or touches a signal. Like every program
 *    on libuv, ignore SIGPIPE: signal(SIGPIPE, SIG_IGN). A peer that closes
 *    while it is being written to would end the process otherwise.
 *  - Times are in milliseconds of the loop's clock, uv_now(). After a callback
 *    of yours blocked the loop for long, uv_update_time() before
 *    pool_request() starts the request's deadline at the true time.
 */
#ifndef HTTPOOL_H_
#define HTTPOOL_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <uv.h>

#include "httpool/base.h"
#include "httpool/event.h"
#include "httpool/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POOL_VERSION_MAJOR 0
#define POOL_VERSION_MINOR 1
#define POOL_VERSION_PATCH 0

/* One header field. In a request a length of 0 means that the string ends with
 * a NUL, and a NULL value is an empty one. In a result both strings have a NUL
 * after their last byte, whatever the lengths. */
typedef struct {
  const char *name;
  const char *value;
  size_t name_len;
  size_t value_len;
} pool_header_t;

/* How far a request has come, or had come when it failed. */
typedef enum {
  POOL_WAITING,    /* accepted, no connection for it yet */
  POOL_CONNECTING, /* as above, and a connection is being opened */
  POOL_SENDING,    /* on a connection, not wholly written */
  POOL_AWAITING,   /* written; not one byte of an answer yet */
  POOL_RECEIVING,  /* some of the answer is here */
  POOL_COMPLETE    /* the whole answer is here */
} pool_phase_t;

/* How a request ended. Read-only, valid until the callback returns; the struct
 * grows only at its end. */
typedef struct {
  int error;          /* 0: an answer is here, whatever its status; else why */
  pool_phase_t phase; /* how far it came, in the attempt that it ended with;
                         POOL_WAITING when it was waiting for one */
  int status;         /* 100 to 999; 0 when there is no whole answer. It is
                         here with POOL_EREJECTED too */
  const pool_header_t *headers; /* in the order of arrival; trailers are not */
  size_t header_count;
  const char *body; /* decoded of its framing; a NUL follows; never NULL */
  size_t body_len;
  const char *endpoint;   /* as it was added; NULL when it was waiting */
  uint32_t attempts;      /* how many times bytes of the request were sent */
  int reused;             /* the connection had served a request before */
  uint32_t waited_ms;     /* accepted -> last put on a connection */
  uint32_t first_byte_ms; /* put on a connection -> first byte of the answer */
  uint32_t total_ms;      /* accepted -> ended */
  int first_error; /* of the attempts that failed, the first and the last: */
  int last_error;  /* 0 when none did. A success may have had some */
  const pool_header_t *trailers; /* that came behind the body (RFC 9110 6.5) */
  size_t trailer_count;
} pool_result_t;

/* Runs exactly once for each request that was accepted, from uv_run(). `data`
 * is what was given to pool_request(). The request no longer counts as
 * pending and its connection is free again, so a request made in here can use
 * both. */
typedef void (*pool_done_cb)(const pool_result_t *result, void *data);

/* Flags of a request. */
enum {
  POOL_COPY_BODY = 1, /* copy the body; it may go when pool_request() returns */
  POOL_IDEMPOTENT = 2, /* may be executed twice, whatever its method */
  POOL_STREAM = 4,     /* the body comes by pool_write() and pool_end() */
  POOL_EXPECT = 8      /* hold the body back until the server says 100
                          (Continue), or for expect_timeout_ms (RFC 9110
                          10.1.1). Without a body it means nothing */
};

/* What on_head and on_body return. */
#define POOL_GO_ON 0
#define POOL_PAUSE 1 /* nothing more until pool_resume() */

/* The answer as it comes; all from uv_run(), `data` is the request's.
 *
 * on_head: status and headers are here (`head->phase` is POOL_RECEIVING, there
 * is no body). Once, and from then on the request is not tried again.
 * on_body: a piece of the body, decoded of its framing, good until the callback
 * returns; with it the body is not gathered and max_body_bytes does not count.
 * Bytes that never make up a whole body are no answer: the request ends with an
 * error.
 * on_drain: pool_write() said UV_EAGAIN, and now the buffer is at most half
 * full. */
typedef int (*pool_head_cb)(pool_t *pool, pool_call_t call,
                            const pool_result_t *head, void *data);
typedef int (*pool_body_cb)(pool_t *pool, pool_call_t call, const char *bytes,
                            size_t len, void *data);
typedef void (*pool_drain_cb)(pool_t *pool, pool_call_t call, void *data);

/* A request. Zeroed, it is a GET of `path` with the pool's settings. Method,
 * path and headers are read before pool_request() returns.
 *
 * The library owns the framing: Host (of the endpoint; one of yours wins),
 * Content-Length, Transfer-Encoding and Connection. Yours may have
 * "Connection: close" or "keep-alive" and a Content-Length that is true.
 * With POOL_STREAM `body` is NULL; body_len, if it is not 0, or a
 * Content-Length declare how long it will be, else it is sent in chunks.
 * UV_EINVAL for every other Connection token, for Transfer-Encoding,
 * Keep-Alive, TE, Trailer, Upgrade, Expect, Proxy-Connection and
 * HTTP2-Settings, and for whatever would not be one well-formed request
 * (RFC 9110 sections 5, 7.2, 8.6, 9; RFC 9112 sections 3, 6). */
typedef struct {
  const char *method; /* a token, sent as it is [GET]; CONNECT is refused */
  const char *path;   /* "/..." of visible ASCII; or "*" for OPTIONS */
  const pool_header_t *headers;
  size_t header_count;
  const char *body; /* borrowed until the callback, or see POOL_COPY_BODY */
  size_t body_len;
  uint32_t flags;         /* POOL_COPY_BODY, POOL_IDEMPOTENT, ... */
  uint32_t timeout_ms;    /* [the pool's] */
  uint32_t max_attempts;  /* [the pool's], to 100; 1: never again */
  pool_head_cb on_head;   /* [none] */
  pool_body_cb on_body;   /* [none: the body is gathered] */
  pool_drain_cb on_drain; /* [none] */
} pool_request_t;

/* What on_retry says of an answer, or a positive number: try again in so many
 * ms. */
#define POOL_KEEP    0  /* it is good */
#define POOL_BACKOFF -1 /* try again, after the usual backoff */

/* Judges a whole answer to a repeatable request that could be tried again, or
 * has no attempt left. Runs from uv_run(); `data` is the config's. */
typedef int (*pool_retry_cb)(pool_t *pool, const pool_result_t *result,
                             void *data);

/* A config value that means "none" or "no limit" where the field allows it. */
#define POOL_OFF UINT32_MAX

/* Memory for the pool; both functions or neither. realloc(ctx, NULL, n)
 * allocates, NULL is a failure. Sockets and timers are libuv's: see
 * uv_replace_allocator(). */
typedef struct {
  void *ctx;
  void *(*realloc)(void *ctx, void *memory, size_t size);
  void (*free)(void *ctx, void *memory);
} pool_allocator_t;

/* A pool's settings. Zeroed, or NULL, it is a good default; the defaults are
 * in brackets. Out of range is UV_EINVAL. */
typedef struct {
  uint32_t max_pending;        /* unfinished requests [1000], to 16777216 */
  uint32_t max_connections;    /* per endpoint, in any state [20], to 65535 */
  uint32_t max_connecting;     /* of them, being opened at once [4] */
  uint32_t connect_timeout_ms; /* [1000], or POOL_OFF */
  uint32_t timeout_ms;         /* the whole request [60000], or POOL_OFF */
  uint32_t head_timeout_ms;    /* request handed to the kernel -> head of the
                                  answer whole [OFF] */
  uint32_t stall_timeout_ms;   /* no byte moved either way [OFF]; of an upload
                                  noticed after up to twice that */
  uint32_t idle_timeout_ms;    /* [4000] or OFF; Keep-Alive may lower it */
  uint32_t max_requests;       /* per connection [OFF] */
  uint32_t resolution_ms;      /* timers are at most this late [10], to 1000 */
  uint32_t max_head_bytes;     /* of a request's head, and of an answer's
                                  heads and trailers [64 KiB], to 16 MiB */
  uint32_t max_body_bytes;     /* of an answer, decoded [16 MiB], to 2 GiB */
  pool_event_cb on_event;      /* [none] */
  void *data;                  /* for on_event and on_retry */
  pool_allocator_t allocator;  /* [malloc] */
  uint32_t max_attempts; /* per request [3], to 100; 1: no retries at all */
  uint32_t attempt_timeout_ms; /* of an attempt: on a connection (of a body
                                  that is written: its end) -> answered
                                  [OFF] */
  uint32_t retry_delay_ms;     /* scale of the backoff [20], to 60000 */
  uint32_t retry_ratio;        /* retries that a hundred successes pay for [10],
                                  to 1000 */
  pool_retry_cb on_retry;      /* [none]: every answer is good */
  uint32_t eject_after;        /* failures in a row that take an endpoint out
                                  [5]; OFF: none is taken out */
  uint32_t eject_ms;         /* how long, at first; doubles [5000], to 300000 */
  const char *ping_path;     /* [none]: GET it to see whether an endpoint that
                                is out is well again; copied */
  uint32_t ping_timeout_ms;  /* [1000], to 60000 */
  uint64_t seed;             /* of random choices [a different one each] */
  uint32_t high_water_bytes; /* of a streamed request's body that wait to be
                                sent, at most [64 KiB], 1 KiB to 16 MiB */
  uint32_t expect_timeout_ms; /* POOL_EXPECT: how long [1000], to 60000 */
  uint32_t min_rate;          /* bytes a second that a streamed body has to move
                                 [OFF], while it is not its user who is waited
                                 for; else UV_ETIMEDOUT */
  uint32_t rate_window_ms;    /* over so long [10000], 100 to 600000 */
} pool_config_t;

/* -------------------------------------------------------------------------
 * Functions. Those that take or fill a struct are inline wrappers that pass
 * its size to a *_sized function: a library newer or older than the header
 * that the caller was built with then does what the caller meant.
 * ---------------------------------------------------------------------- */

POOL_EXTERN int pool_create_sized(pool_t **pool, uv_loop_t *loop,
                                  const pool_config_t *config, size_t size);
POOL_EXTERN int pool_request_sized(pool_t *pool, const pool_request_t *request,
                                   size_t size, pool_done_cb done, void *data,
                                   pool_call_t *call);
POOL_EXTERN void pool_stats_sized(const pool_t *pool, pool_stats_t *stats,
                                  size_t size);
POOL_EXTERN int pool_endpoint_stats_sized(const pool_t *pool,
                                          const char *address,
                                          pool_endpoint_stats_t *stats,
                                          size_t size);

/* Makes a pool on `loop`; `config` may be NULL and is copied. The pool keeps
 * the loop alive while a request is pending or a connection is being opened,
 * not when idle. On failure *pool is left alone. Errors: UV_EINVAL (a NULL, a
 * setting out of range, a size of no known config), UV_ENOMEM. */
static inline int pool_create(pool_t **pool, uv_loop_t *loop,
                              const pool_config_t *config) {
  return pool_create_sized(pool, loop, config, sizeof *config);
}

/* Adds an endpoint: "10.0.0.7:8080", "10.0.0.7" (port 80), "[::1]:8080",
 * "[fe80::1%eth0]:80", each also behind "http://". Requests that wait can go
 * there at once. Errors: UV_EINVAL (no such address), UV_ENOTSUP (a host name,
 * "https://", "unix:"), UV_EEXIST, UV_ENOMEM, POOL_ECLOSING. */
POOL_EXTERN int pool_add_endpoint(pool_t *pool, const char *address);

/* Takes an endpoint out. What is being sent or answered there goes on, its
 * other connections are closed, no new request goes there (added again, it is a
 * new endpoint with connections of its own); requests that wait go elsewhere
 * or, when no endpoint is left, end with POOL_ENOENDPOINT. Errors: UV_EINVAL,
 * UV_ENOENT (not in this pool), POOL_ECLOSING (closed). */
POOL_EXTERN int pool_remove_endpoint(pool_t *pool, const char *address);

/* An endpoint's weight: under load one with weight 2 has about twice as much in
 * hand as one with weight 1, but of n endpoints none gets more than two of n
 * requests; without load the heaviest are asked first. 1 to 1000 [1]. Errors:
 * UV_EINVAL, UV_ENOENT. */
POOL_EXTERN int pool_set_weight(pool_t *pool, const char *address,
                                uint32_t weight);

/* Sends a request, now or as soon as a connection is free.
 *
 * 0: accepted; `done` runs exactly once, from uv_run(), by the deadline.
 * Negative: not accepted; `done` never runs. POOL_EOVERLOADED when as many
 * requests are pending as max_pending allows: the answer costs nothing, so
 * send your own client a 503 on the spot. Also UV_EINVAL (a request that
 * cannot be sent), POOL_ENOENDPOINT, POOL_ECLOSING, UV_ENOMEM, and
 * POOL_EUNHEALTHY when every endpoint is out and did not answer its ping.
 *
 * `call`, if not NULL, gets a name for pool_cancel(); it is written only when
 * the request is accepted. */
static inline int pool_request(pool_t *pool, const pool_request_t *request,
                               pool_done_cb done, void *data,
                               pool_call_t *call) {
  return pool_request_sized(pool, request, sizeof *request, done, data, call);
}

/* pool_request() in one line. The body is borrowed until the callback. */
static inline int pool_send(pool_t *pool, const char *method, const char *path,
                            const char *body, size_t body_len,
                            pool_done_cb done, void *data) {
  pool_request_t request;
  memset(&request, 0, sizeof request);
  request.method = method;
  request.path = path;
  request.body = body;
  request.body_len = body_len;
  return pool_request(pool, &request, done, data, NULL);
}

static inline int pool_get(pool_t *pool, const char *path, pool_done_cb done,
                           void *data) {
  return pool_send(pool, NULL, path, NULL, 0, done, data);
}

static inline int pool_put(pool_t *pool, const char *path, const char *body,
                           size_t body_len, pool_done_cb done, void *data) {
  return pool_send(pool, "PUT", path, body, body_len, done, data);
}

static inline int pool_post(pool_t *pool, const char *path, const char *body,
                            size_t body_len, pool_done_cb done, void *data) {
  return pool_send(pool, "POST", path, body, body_len, done, data);
}

static inline int pool_delete(pool_t *pool, const char *path, pool_done_cb done,
                              void *data) {
  return pool_send(pool, "DELETE", path, NULL, 0, done, data);
}

/* Ends a pending request; its callback follows, with UV_ECANCELED. If it was
 * on a connection, that one is closed. Errors: UV_EINVAL, POOL_EGONE (it has
 * ended, or how it ends is already settled and its callback is on the way). */
POOL_EXTERN int pool_cancel(pool_t *pool, pool_call_t call);

/* More of the body of a POOL_STREAM request: all of it is taken, and copied, or
 * nothing. It may be written before there is a connection. UV_EAGAIN: the
 * buffer is too full for it; on_drain will tell. UV_EINVAL: it is larger than
 * high_water_bytes, the body has ended, or there is none to be written.
 * POOL_EGONE: the request has ended. POOL_ELENGTH: more than was declared, and
 * the request ends with that. UV_ENOMEM. */
POOL_EXTERN int pool_write(pool_t *pool, pool_call_t call, const char *bytes,
                           size_t len);

/* The body is whole. UV_EINVAL (it has ended already, there is none to be
 * written), POOL_EGONE, POOL_ELENGTH (less than was declared; the request ends
 * with that), UV_ENOMEM. */
POOL_EXTERN int pool_end(pool_t *pool, pool_call_t call);

/* Stops an answer: no on_head, on_body or callback of an answer comes until
 * pool_resume(), and the socket is not read, so that the server has to wait.
 * The deadline holds, the other timers of a request do not. For requests with
 * on_head or on_body; already so is fine. UV_EINVAL, POOL_EGONE. */
POOL_EXTERN int pool_pause(pool_t *pool, pool_call_t call);

/* Goes on; what is left over is told from uv_run(). Within on_head and on_body
 * what these return comes after it. UV_EINVAL, POOL_EGONE. */
POOL_EXTERN int pool_resume(pool_t *pool, pool_call_t call);

/* Changes the limit, 1 to 16777216. Below what is pending now it ends nothing:
 * new requests are refused until enough have ended. Errors: UV_EINVAL. */
POOL_EXTERN int pool_set_max_pending(pool_t *pool, uint32_t max_pending);

/* The value of the first header of that name, in whatever case, or NULL. Valid
 * as long as the result. A NUL follows it. */
POOL_EXTERN const char *pool_result_header(const pool_result_t *result,
                                           const char *name);

/* Retry-After of an answer (RFC 9110 section 10.2.3) in ms from now, as
 * on_retry returns it: 1 to 300000; POOL_BACKOFF when there is none. */
POOL_EXTERN int pool_result_retry_after(const pool_result_t *result);

/* Fills `stats`; all zeroes without a pool. No allocation, no system call,
 * O(1). */
static inline void pool_stats(const pool_t *pool, pool_stats_t *stats) {
  pool_stats_sized(pool, stats, sizeof *stats);
}

/* Errors: UV_EINVAL, UV_ENOENT. */
static inline int pool_endpoint_stats(const pool_t *pool, const char *address,
                                      pool_endpoint_stats_t *stats) {
  return pool_endpoint_stats_sized(pool, address, stats, sizeof *stats);
}

/* Takes no new request from now on (POOL_ECLOSING); what is pending goes on,
 * and connections are closed as they come free. POOL_EVENT_DRAINED tells when
 * nothing is pending any more. It cannot be undone; pool_close() follows. */
POOL_EXTERN void pool_drain(pool_t *pool);

/* Ends every pending request with POOL_ECLOSING, closes every connection and
 * frees the pool. The callbacks of the requests come first, then `cb(data)`,
 * if not NULL, when nothing of the pool is left: its memory is given back, its
 * handles are closed. The pool must not be used after pool_close(), except
 * from the callbacks of its requests, where every call fails cleanly. A second
 * call is ignored. Closing a pool keeps the loop alive until it is done. */
POOL_EXTERN void pool_close(pool_t *pool, void (*cb)(void *data), void *data);

#ifdef __cplusplus
}
#endif

#endif /* HTTPOOL_H_ */
