/* libuv's sockets, for scripts: each callback writes down what it is told, and
 * counts, so that a script can wait for it. The peers are plain sockets. */
#ifndef SIM_CONFORM_CLIENT_H_
#define SIM_CONFORM_CLIENT_H_

#include <uv.h>

#include "conform.h"
#include "conform_plain.h"

#define CLIENT_WRITES 8

typedef struct client_s client_t;

typedef struct {
  client_t *client;
  char *bytes; /* or NULL: a literal's */
  uv_write_t req;
} client_write_t;

struct client_s {
  conform_t *log;
  const char *name; /* a literal */
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_shutdown_t shutdown;
  client_write_t writes[CLIENT_WRITES];
  uint32_t write_count;       /* begun */
  uint32_t connects;          /* callbacks so far, of each kind */
  uint32_t written;           /* that of writes */
  uint32_t shutdowns;         /* and so on */
  uint32_t closes;            /* and so on */
  uint32_t ends;              /* reads that were told an end or an error */
  size_t bytes;               /* read */
  int quiet;                  /* bytes that are read are not written down */
  void (*then)(client_t *me); /* runs last in the callback of the connect and of
                                 each read; or NULL */
  void *data;                 /* the script's */
};

/* A loop whose clients write to a log; and its end, when its handles are
 * closed or closing. */
void client_loop(uv_loop_t *loop, conform_t *log);
void client_loop_end(uv_loop_t *loop);

/* Turns of the loop that do not block. */
void client_turns(uv_loop_t *loop, int n);

/* A client that is nothing yet. The struct must stay where it is. */
void client_init(client_t *me, uv_loop_t *loop, const char *name);

/* A client that is connected to a peer, and reads. */
void client_pair(client_t *me, uv_loop_t *loop, const char *name, plain_t *peer,
                 const char *peer_name);

/* As above: "a" and "b", and the loop too. */
void client_open(client_t *a, uv_loop_t *loop, plain_t *b, conform_t *log);

/* Closes them, and the loop. */
void client_end(client_t *a, plain_t *b);

/* What libuv has of that name. What fails at once is written down, and the
 * result of client_try(). */
void client_connect(client_t *me, const plain_t *listener);
void client_read(client_t *me);
void client_try(client_t *me, const char *text);
void client_write(client_t *me, const char *text);
void client_shutdown(client_t *me);
void client_close(client_t *me);
void client_close_reset(client_t *me);

/* uv_write() of so many bytes of the pattern, from `offset` on. */
void client_write_many(client_t *me, size_t len, size_t offset);

/* uv_try_write() until it is EAGAIN for good; how many bytes were taken. */
size_t client_try_all(client_t *me);

/* Waits until the client's socket has one of the events (POLL*), or an error
 * or a hang-up. The loop does not turn. */
void client_await(client_t *me, short events);

/* Runs the loop until a counter of the client is at least `n`. */
void client_until(client_t *me, const uint32_t *counter, uint32_t n);

/* Reads at a plain socket while the loop runs, until `len` bytes or its end. */
void client_feed(client_t *me, plain_t *peer, size_t len);

int client_fd(const client_t *me);

#endif
