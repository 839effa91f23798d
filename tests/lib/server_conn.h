/* One connection of the scripted server; for server.c. */
#ifndef SERVER_CONN_H_
#define SERVER_CONN_H_

#include "server.h"

struct server_conn_s {
  server_t *server;
  server_conn_t *next;
  uint32_t number;
  const server_step_t *script;
  const server_step_t *step;
  uv_tcp_t tcp;
  uv_idle_t turn;
  uv_timer_t timer;
  unsigned handles;
  int closing;
  int running;    /* run() is on the stack */
  uint32_t turns; /* to wait for in this step; 0: not begun */
  size_t dripped; /* bytes of this step that are sent */
  char *in;       /* received, not consumed; a NUL follows */
  size_t in_len;
  size_t in_room;
  size_t drop;   /* bytes of a body that nobody waits for */
  char *request; /* the latest one; a NUL follows */
};

/* Accepts a connection and starts its script. */
void server_conn_accept(server_t *server, uv_stream_t *listener);

/* Sends bytes, at once or as soon as the kernel takes them. */
void server_conn_send(server_conn_t *conn, const char *bytes, size_t len);

/* Closes it, with FIN or RST; once. It is off the server's list then. */
void server_conn_close(server_conn_t *conn, int reset);

#endif
