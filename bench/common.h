/* What the benchmark programs share: their options, and the measuring of one
 * stretch of a run.
 *
 * A run is a warm-up, until every connection is open and has served, and then
 * a stretch of the asked number of requests, which alone is timed; callgrind
 * counts from bench_run_begin() to bench_run_report() by those names. What
 * else counts from outside (system calls) sees the whole run; two runs of
 * different lengths tell what one request costs. */
#ifndef BENCH_COMMON_H_
#define BENCH_COMMON_H_

#include <stddef.h>
#include <stdint.h>

#include <sys/resource.h>

#define BENCH_PATH     "/hello"
#define BENCH_BODY_LEN 12u /* of the server's answer */

typedef struct {
  unsigned connections;
  unsigned endpoints; /* the connections are spread over them evenly */
  unsigned port;      /* of every endpoint */
  unsigned waiters;   /* requests in hand beyond one for each connection */
  uint64_t requests;  /* of the timed stretch */
} bench_options_t;

typedef struct {
  uint64_t warm_up;  /* exchanges before the timed stretch */
  uint64_t started;  /* requests sent so far */
  uint64_t finished; /* answers so far */
  uint64_t goal;     /* of the answers; UINT64_MAX during the warm-up */
  struct rusage usage;
  uint64_t time_ns;
  uint64_t allocs;
} bench_run_t;

/* -c connections, -e endpoints, -p port, -w waiters, -n requests. Exits on
 * others. */
void bench_options(bench_options_t *options, int argc, char **argv);

/* A number up to a thousand million. Exits on others. */
unsigned bench_number(const char *text);

/* The address of endpoint i; a text of its own for each of 60,000. */
void bench_host(unsigned i, char *text, size_t size);

/* Prints why and exits with 1. */
void bench_fail(const char *what, const char *why);

void bench_run_init(bench_run_t *run);

/* Ends the warm-up; the timed stretch begins. */
void bench_run_begin(bench_run_t *run, uint64_t requests);

/* Ends the timed stretch and prints what is known of it. */
void bench_run_report(const bench_run_t *run, uint64_t requests);

/* One answer came: whether another request is to be sent. Reports when it is
 * the last one of the stretch, in which as many were sent as came back: what
 * is in hand then is left to come back after it. */
int bench_run_next(bench_run_t *run, uint64_t requests);

/* malloc, calloc, realloc and free of the whole process so far; 0 in the
 * programs that do not count them. */
uint64_t bench_allocs(void);

#endif
