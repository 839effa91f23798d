/* A library that makes requests, as one of its users would set it up, behind
 * the three functions that the programs of overload.sh, burst.sh and
 * resilience.sh need. contestant_*.c are the libraries; contestants.mjs has
 * those of node.js. */
#ifndef CONTESTANT_H_
#define CONTESTANT_H_

#include <uv.h>

typedef struct {
  unsigned port;
  unsigned endpoints;       /* bench_host() of each number below it */
  unsigned max_connections; /* to each */
  unsigned max_pending;     /* where the library has that; 0: no limit */
  unsigned timeout_ms;      /* of a request; 0: the library's own */
  unsigned seed;            /* of random choices; 0: the library's own */
  int pings;                /* of /ping, where the library has them */
  int rejects;              /* answers of 500 and above are tried again */
} contestant_settings_t;

/* Exits when there can be none. */
void contestant_open(uv_loop_t *loop, const contestant_settings_t *settings);

/* GET /. It ends with one contestant_done(), maybe in here. */
void contestant_get(void *request);

/* When nothing is pending. The loop has nothing of it left soon after. */
void contestant_close(void);

/* The program's own. `error` is NULL when there is an answer of that status,
 * else what the library says, a text that stays. */
void contestant_done(void *request, int status, const char *error);

#endif
