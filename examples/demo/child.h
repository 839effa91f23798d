/* An origin server as a child process. */
#ifndef DEMO_CHILD_H_
#define DEMO_CHILD_H_

#include <uv.h>

#define CHILD_ARGS 12

typedef struct {
  uv_loop_t *loop;
  uv_process_t process;
  uv_pipe_t lifeline; /* its standard input: when it ends, the child does */
  uv_pipe_t output;   /* where it prints its port */
  char line[16];      /* what it has printed */
  size_t line_len;
  int port;         /* 0 until it has told */
  int running;      /* its process exists */
  int handles;      /* of the three, not closed yet */
  char address[32]; /* "127.0.0.1:port", for pool_add_endpoint() */
} child_t;

/* Starts one on `port`, or on a free one for 0, with further options (a list
 * that ends with NULL), and waits until it listens. Runs the loop meanwhile.
 * 0, an error of libuv, or UV_EOF when it ended without listening. */
int child_start(child_t *child, uv_loop_t *loop, int port,
                const char *const *options);

/* Ends it with a signal and waits until it is gone. Runs the loop meanwhile.
 * One that does not run is left alone. */
void child_end(child_t *child, int signal_number);

/* The same for a program that is about to exit: does not wait. */
void child_abandon(child_t *child);

#endif
