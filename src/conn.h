/* One TCP connection. Knows how to move bytes, not whose.
 *
 *   CONNECTING -> IDLE <-> BUSY       any of them -> CLOSING -> gone
 *
 * The state is the list of its endpoint that it is on, and only the endpoint
 * moves it (pool__endpoint_move). What happens to it is told through one table
 * of functions, from the loop only. A connection that is not connecting is
 * being read, unless who it serves has stopped that: an idle one that ends, or
 * on which bytes appear, is found out by the loop and not by the next request.
 *
 * Memory: the owner's, from pool__conn_open() until on_closed(). */
#ifndef POOL_CONN_H_
#define POOL_CONN_H_

#include "mem.h"
#include "wheel.h"

#define POOL__CONN_READ_BYTES 65536u
#define POOL__CONN_MANY       SIZE_MAX /* bytes: more than can be counted */

struct pool__endpoint_s;
struct pool__attempt_s;

typedef enum {
  POOL__CONN_CONNECTING,
  POOL__CONN_IDLE,
  POOL__CONN_BUSY,
  POOL__CONN_CLOSING,
  POOL__CONN_STATES
} pool__conn_state_t;

typedef struct pool__conn_s pool__conn_t;

/* What a connection tells; never once it is CLOSING, but for on_closed. Each
 * may close it, or make it begin anything that a connection can. */
typedef struct {
  void (*on_connect)(pool__conn_t *conn, int status);
  void (*on_read)(pool__conn_t *conn, const char *bytes, size_t len);
  void (*on_end)(pool__conn_t *conn, int error); /* UV_EOF, or worse */
  void (*on_sent)(pool__conn_t *conn, int status);
  void (*on_timer)(pool__conn_t *conn, uint64_t now);
  void (*on_closed)(pool__conn_t *conn); /* last; its memory may go */
} pool__conn_ops_t;

/* What the connections of a pool share. */
typedef struct {
  uv_loop_t *loop;
  pool__wheel_t *wheel;
  const pool__conn_ops_t *ops;
  void *owner;    /* for the ops */
  char *read_buf; /* [POOL__CONN_READ_BYTES], good during one on_read */
  uint64_t turn;  /* polls of the loop, as far as they mattered */
} pool__conn_env_t;

struct pool__conn_s {
  pool__link_t link; /* on the list of its endpoint that `state` names */
  pool__conn_state_t state;
  pool__conn_env_t *env;
  struct pool__endpoint_s *endpoint; /* whose it is */
  struct pool__attempt_s *attempt;   /* whom it serves; NULL unless BUSY */
  pool__timer_t timer; /* connect, idle, head and stall deadlines, in turn */
  uint64_t moved_at;   /* when a byte last moved, or it was opened */
  uint64_t
      quiet_turn;   /* env->turn of the poll in which it is known to be quiet */
  uint32_t idle_ms; /* how long it may be idle */
  uint32_t requests;     /* that it served */
  uint64_t begun;        /* serial of the failures before it was opened */
  size_t unsent;         /* bytes, when last looked, or MANY; see wrote_some */
  unsigned unread : 1;   /* there may be more than was read */
  unsigned sending : 1;  /* a uv_write() is under way */
  unsigned deaf : 1;     /* it is not being read */
  unsigned was_deaf : 1; /* or was not for a while, since it was at rest */
  uv_tcp_t tcp;
  union {
    uv_connect_t connect;
    uv_write_t write;
  } req; /* one at a time */
};

/* Errors of a connect that are about us, not about who was called: no memory,
 * no descriptor, no port is left. */
int pool__conn_error_is_local(int error);

/* Begins to connect. On failure too the handle exists: the caller moves the
 * connection to CLOSING and closes it, and on_closed follows. */
int pool__conn_open(pool__conn_t *conn, const struct sockaddr *address);

/* Sends the pieces, at once as far as the kernel takes them. 0: all is sent;
 * 1: the rest follows, then on_sent, and the bytes have to stay until then or
 * until the connection is closed; negative: it failed, and *sent tells whether
 * any byte was taken before. */
int pool__conn_send(pool__conn_t *conn, uv_buf_t *pieces, unsigned count,
                    int *sent);

/* Stops reading: what comes fills the kernel's window, and an end is not found
 * out. Begins again; an error means that it stays deaf. Either may be so
 * already. */
void pool__conn_stop_reading(pool__conn_t *conn);
int pool__conn_go_on_reading(pool__conn_t *conn);

/* Whether bytes of the request moved since this was last asked: to the kernel,
 * or from there to the server's. The first answer after pool__conn_send() may
 * be yes too early, for a request that is under way. */
int pool__conn_wrote_some(pool__conn_t *conn);

/* Bytes that libuv has and the kernel has not. */
size_t pool__conn_queued(const pool__conn_t *conn);

/* Looks at the socket without taking anything. 0: nothing to read, as it
 * should be at rest; else it must not be used. */
int pool__conn_peek(const pool__conn_t *conn);

/* The error that the socket has ready, or 0. A reset that comes right behind
 * data may be read as an orderly end; this tells them apart. */
int pool__conn_take_error(const pool__conn_t *conn);

/* Closes it, once; it is CLOSING already. on_closed follows. */
void pool__conn_close(pool__conn_t *conn);

/* The timer, to fire on_timer in `after_ms` or before. */
void pool__conn_arm_by(pool__conn_t *conn, uint64_t after_ms);

#endif
