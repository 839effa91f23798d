/* What the benchmark programs share: their options, and the measuring of one
 * stretch of a run.
 *
 * A run is a warm-up, until every connection is open and has served, and then
 * a stretch of the asked number of requests, which alone is timed; callgrind
 * counts from bench_run_begin() to bench_run_report() by those names. What
 * else counts from outside (system calls) sees the whole run; two runs of
 * different lengths tell what one request costs.
 *
 * The contestants in peers/ all take these options and all print, as
 * "key value" lines: exchanges, user_us and system_us (of one request),
 * per_second, allocs (of one request), rss_kib (the most that was resident),
 * and with -l p50_us, p99_us, p999_us and max_us. */
#ifndef BENCH_COMMON_H_
#define BENCH_COMMON_H_

#include <stddef.h>
#include <stdint.h>

#include <sys/resource.h>

#include "latency.h"

#define BENCH_PATH     "/hello"
#define BENCH_BODY_LEN 12u /* of the server's answer */

typedef struct {
  unsigned connections;
  unsigned endpoints; /* the connections are spread over them evenly */
  unsigned port;      /* of every endpoint */
  unsigned waiters;   /* requests in hand beyond one for each connection; only
                         for those that have a queue */
  uint64_t requests;  /* of the timed stretch */
  const char *path;
  const char *method;
  const char *body; /* of each request; NULL without */
  size_t body_len;
  size_t answer_len; /* of each answer's body */
  unsigned pause_ms; /* between an answer and the next request */
  int latency;       /* take the time of each request */
} bench_options_t;

typedef struct {
  const bench_options_t *options;
  uint64_t started;  /* requests sent so far */
  uint64_t finished; /* answers so far */
  uint64_t goal;     /* of the answers; UINT64_MAX during the warm-up */
  struct rusage usage;
  uint64_t time_ns;
  uint64_t allocs;
  bench_latency_t latency;
} bench_run_t;

/* Reads -c connections [1], -e endpoints [1], -p port [80], -w waiters [0],
 * -n requests [1000], -P path, -m method [GET], -b bytes of each request's
 * body [0], -a bytes of each answer's body, -d ms of each pause [0], which only
 * some can do, -l. Exits on others. */
void bench_options(bench_options_t *options, int argc, char **argv);

/* A number up to a thousand million. Exits on others. */
unsigned bench_number(const char *text);

/* The address of endpoint i; a text of its own for each of 60,000. */
void bench_host(unsigned i, char *text, size_t size);

/* The request to endpoint i as it goes over the wire. The caller frees it. */
char *bench_request(const bench_options_t *options, unsigned i, size_t *len);

/* Prints why and exits with 1. */
void bench_fail(const char *what, const char *why);

/* Exits unless the answer is the expected one. */
void bench_expect(const bench_options_t *options, long status, size_t body_len);

void bench_run_init(bench_run_t *run, const bench_options_t *options);

/* Not yet in the timed stretch, though as many answers are here as should do
 * for it. */
int bench_run_may_begin(const bench_run_t *run);

/* Ends the warm-up; the timed stretch begins. */
void bench_run_begin(bench_run_t *run);

/* Ends the timed stretch and prints what is known of it. */
void bench_run_report(const bench_run_t *run);

/* A request is sent: the time, or 0 without -l. */
uint64_t bench_run_sent(bench_run_t *run);

/* One answer came, to what was sent then: whether another request is to be
 * sent. Reports when it is the last one of the stretch, in which as many were
 * sent as came back: what is in hand then is left to come back after it. */
int bench_run_next(bench_run_t *run, uint64_t sent_ns);

/* Nothing is in hand any more. */
int bench_run_is_over(const bench_run_t *run);

/* The most that this process had resident; getrusage() would tell what its
 * parent had, where that was more. */
unsigned long bench_peak_kib(void);

/* malloc, calloc, realloc and free of the whole process so far; 0 in the
 * programs that do not count them. */
uint64_t bench_allocs(void);

#endif
