/* A server's side of HTTP/1.1, as much of it as the benchmarks need: endpoints,
 * each on a loopback address of its own, and clients that send one request
 * without a body and then wait for the answer.
 *
 * Whoever uses it says what becomes of a request: serve_answer(),
 * serve_answer_in() or serve_drop(), now or later. Exits where it cannot go
 * on. */
#ifndef SERVE_H_
#define SERVE_H_

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#define SERVE_MAX_HEAD 2048u /* of a request */

typedef struct serve_endpoint_s serve_endpoint_t;
typedef struct serve_client_s serve_client_t;
typedef void (*serve_cb)(serve_client_t *client);

struct serve_client_s {
  uv_tcp_t tcp;
  uv_timer_t timer; /* until the answer */
  serve_endpoint_t *endpoint;
  struct serve_client_s *next; /* in the endpoint's list, doubly linked */
  struct serve_client_s **link;
  void *data;      /* the user's; NULL at first */
  unsigned open;   /* handles that are not closed yet */
  unsigned status; /* of the answer that is due */
  size_t len;      /* of what is in `head` */
  char head[SERVE_MAX_HEAD];
};

struct serve_endpoint_s {
  uv_tcp_t listener;
  unsigned number; /* which bench_host() */
  unsigned port;
  serve_cb on_request;
  serve_cb on_gone; /* the client left or was dropped; or NULL */
  serve_client_t *clients;
};

/* Of the clock that uv_hrtime() reads, the same in every process. */
uint64_t serve_now_us(void);

/* Fails when err is not 0. */
void serve_check(const char *what, int err);

/* Listens, for the first time or again after serve_stop(), on the default
 * loop. `number`, `port` and the callbacks are set. */
void serve_listen(serve_endpoint_t *endpoint);

/* Closes the listener and all clients. */
void serve_stop(serve_endpoint_t *endpoint);

/* Answers with a body of 12 bytes; now, or in so many ms. */
void serve_answer(serve_client_t *client, unsigned status);
void serve_answer_in(serve_client_t *client, uint64_t ms, unsigned status);

/* Closes the connection. */
void serve_drop(serve_client_t *client);

/* Says on stdout that it listens, and runs until SIGTERM; then it calls
 * `report` and exits. */
void serve_run(void (*report)(void));

#endif
