/* A small HTTP/1.1 server that can be slow, fail, close or never answer.
 *
 * It answers every request with the same body, whatever it asks for. Its
 * failings are options, so that what a client makes of them can be seen. */
#ifndef ORIGIN_SERVER_H_
#define ORIGIN_SERVER_H_

#include <stdint.h>

#include <uv.h>

typedef struct {
  uint32_t delay_ms;     /* each answer comes so much later */
  uint32_t fail_percent; /* of the requests, answered 503 */
  uint32_t close_after;  /* requests on one connection; 0: no such limit */
  uint32_t body_bytes;   /* of each answer */
  int stall;             /* accepts, reads, and never answers */
} server_options_t;

typedef struct client_s client_t;

typedef struct {
  uv_loop_t *loop;
  uv_tcp_t listener;
  server_options_t options;
  client_t *clients;    /* a list; the latest is first */
  uint64_t requests;    /* so far, on all connections */
  int stopping;         /* no new connection, no new request */
  char *body;           /* [options.body_bytes] */
  char read_buf[65536]; /* shared: what is in it is used at once */
} server_t;

/* Listens on `address`. 0 or an error of libuv; after an error the listener is
 * closed by the next uv_run(). */
int server_start(server_t *server, uv_loop_t *loop,
                 const server_options_t *options,
                 const struct sockaddr *address);

/* The port it listens on, or an error of libuv. */
int server_port(const server_t *server);

/* Takes no new connection or request; requests in hand are answered. */
void server_stop(server_t *server);

/* Closes every connection at once. */
void server_abort(server_t *server);

/* Frees what is left, after the loop has run to its end. */
void server_clear(server_t *server);

#endif
