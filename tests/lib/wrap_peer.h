/* A server of plain sockets that a test drives by hand, outside the loop: for
 * what has to happen at one exact moment. Each call waits for what it needs,
 * two seconds at most, and asserts that it came. Not for use in callbacks. */
#ifndef WRAP_PEER_H_
#define WRAP_PEER_H_

#include <stddef.h>

#include <uv.h>

typedef struct {
  int listener;     /* -1 when closed */
  int fd;           /* the connection accepted last; -1 when closed */
  char address[64]; /* "127.0.0.1:4711" */
} peer_t;

/* Listens at a free port. `send_buffer` is SO_SNDBUF of the connections, or 0
 * for the system's. */
void peer_open(peer_t *peer, int send_buffer);

/* Accepts a connection. */
void peer_accept(peer_t *peer);

/* Reads until the end of a head is there. */
void peer_read_head(peer_t *peer);

/* Sends all of it; the other side must have room. */
void peer_send(peer_t *peer, const char *bytes, size_t len);

/* Waits until the loop has something to read on the connection, and runs one
 * turn that does not block. */
void peer_turn(uv_loop_t *loop);

/* Closes the connection: with FIN. */
void peer_hang_up(peer_t *peer);

/* Closes everything that is open. */
void peer_close(peer_t *peer);

#endif
