/* Sockets without libuv, for scripts that act by hand: clients, and the peers
 * of libuv's clients. None ever blocks but in plain_await(). What a function
 * says that it writes down is one line of the script's log. */
#ifndef SIM_CONFORM_PLAIN_H_
#define SIM_CONFORM_PLAIN_H_

#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/epoll.h>

#include "conform.h"

typedef struct {
  conform_t *log;
  const char *name; /* a literal */
  int fd;
  size_t given; /* by plain_write_all() */
  size_t got;   /* by plain_read_all() and plain_read_ready() */
  int ended;    /* plain_read_ready() has found the end */
} plain_t;

/* A socket that is nothing yet. */
plain_t plain_open(conform_t *log, const char *name);

/* One that listens at a free port of 127.0.0.1. */
plain_t plain_listener(conform_t *log, const char *name, int backlog);

/* Where a listener listens. */
struct sockaddr_in plain_address(const plain_t *listener);

/* A port at which nobody listens, as long as the socket is open. */
plain_t plain_refusing(conform_t *log, const char *name);

/* connect(); writes down the result. */
void plain_connect(const plain_t *p, const plain_t *listener);

/* Waits for a connection and accepts it; writes down the result. */
plain_t plain_accept(const plain_t *listener, const char *name);

/* A connection of two, a client "a" and a server "b". */
void plain_pair(conform_t *log, plain_t *a, plain_t *b);

/* Waits until one of the events (EPOLL*) is there, or an error or a hang-up;
 * writes down when it waits in vain. */
void plain_await(const plain_t *p, uint32_t events);

/* Writes down which events are there, but for those of `but`. */
void plain_look(const plain_t *p, uint32_t but);

/* Writes down what a dead or dying socket still says, call by call. */
void plain_look_through(const plain_t *p);

/* One system call each; writes down the result, and what was read. */
void plain_read(const plain_t *p, size_t len);
void plain_peek(const plain_t *p, size_t len);
void plain_write(const plain_t *p, const char *text);
void plain_take_error(const plain_t *p);
void plain_shutdown(const plain_t *p);
void plain_name_peer(const plain_t *p);
void plain_close(plain_t *p); /* if it is open */

/* close() with SO_LINGER 0. */
void plain_reset(plain_t *p);

/* Writes until it is full for good; returns how many bytes were taken. Writes
 * down only what else ended it. */
size_t plain_write_all(plain_t *p);

/* Reads `len` bytes of what the other side's plain_write_all() writes, waiting
 * for them; returns how many came. Writes down what ended it before, and
 * whether the bytes are wrong. */
size_t plain_read_all(plain_t *p, size_t len);

/* The same without waiting: what is there, `len` at most. Writes down only the
 * end, once: then it has ended. */
size_t plain_read_ready(plain_t *p, size_t len);

/* Bytes that the peer's kernel has not acknowledged. */
int plain_unsent(const plain_t *p);

/* Waits until it has acknowledged all. */
void plain_await_sent(const plain_t *p);

#endif
