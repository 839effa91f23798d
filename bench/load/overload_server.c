/* A server of known capacity: so many workers, each busy for the same time with
 * a request, and one queue before them, oldest first and without an end.
 * Whoever hangs up is not noticed: the work for him is done all the same, as by
 * most servers.
 *
 *   bench_overload_server -p PORT -w WORKERS -s SERVICE_US
 *                         [-b FROM:TO:TIMES_AS_LONG]
 *
 *   -b   a brownout: what a worker begins from and to when, in ms since the
 *        first request, takes so many times as long
 *
 * Prints "listening" when it is, and when it is told to end (SIGTERM):
 *
 *   brownout FROM TO   in us of uv_hrtime()'s clock, if there was one
 *   served N           requests worked on to their end
 *   wasted N           of them, those whose client was gone by then
 *   queued N           the most that were there at once, with those worked on
 *
 * Time is reckoned, not measured: a worker's next request begins when the one
 * before should have ended, so that the capacity does not depend on how busy
 * the machine is. As the time that each takes is known, it is also known at the
 * arrival which worker will be free first: the queue is kept as one for each.
 */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#include "serve.h"

#define MAX_WORKERS 64u

typedef struct job_s {
  struct job_s *next;
  serve_client_t *client; /* NULL: gone */
  uint64_t end_us;
} job_t;

typedef struct {
  job_t *first;
  job_t **last;     /* where the next one is put */
  uint64_t free_us; /* when all of them are done */
} worker_t;

static worker_t workers[MAX_WORKERS];
static unsigned worker_count, service_us;
static unsigned from_ms, to_ms, times_as_long = 1;
static uint64_t first_us; /* 0: no request has come */
static serve_endpoint_t endpoint;
static uint64_t served, wasted, queued, most_queued;

static int is_brownout(uint64_t at_us) {
  return at_us >= first_us + from_ms * UINT64_C(1000) &&
         at_us < first_us + to_ms * UINT64_C(1000);
}

static worker_t *free_first(void) {
  worker_t *best = &workers[0];
  unsigned i;

  for (i = 1; i < worker_count; i++)
    if (workers[i].free_us < best->free_us)
      best = &workers[i];
  return best;
}

static void on_request(serve_client_t *client) {
  worker_t *worker = free_first();
  uint64_t begin_us = serve_now_us();
  job_t *job = malloc(sizeof *job);

  if (job == NULL)
    bench_fail("job", "no memory");
  if (first_us == 0)
    first_us = begin_us;
  if (begin_us < worker->free_us)
    begin_us = worker->free_us;
  worker->free_us =
      begin_us + service_us * (is_brownout(begin_us) ? times_as_long : 1);
  job->next = NULL;
  job->client = client;
  job->end_us = worker->free_us;
  client->data = job;
  *worker->last = job;
  worker->last = &job->next;
  if (++queued > most_queued)
    most_queued = queued;
}

static void on_gone(serve_client_t *client) {
  job_t *job = client->data;

  if (job != NULL)
    job->client = NULL;
}

static void finish_first(worker_t *worker) {
  job_t *job = worker->first;
  serve_client_t *client = job->client;

  worker->first = job->next;
  if (worker->first == NULL)
    worker->last = &worker->first;
  free(job);
  queued--;
  served++;
  if (client == NULL) {
    wasted++;
    return;
  }
  client->data = NULL;
  serve_answer(client, 200);
}

static void on_tick(uv_timer_t *timer) {
  uint64_t now_us = serve_now_us();
  unsigned i;

  (void)timer;
  for (i = 0; i < worker_count; i++)
    while (workers[i].first != NULL && workers[i].first->end_us <= now_us)
      finish_first(&workers[i]);
}

static void report(void) {
  if (to_ms > 0 && first_us > 0)
    printf("brownout %llu %llu\n",
           (unsigned long long)(first_us + from_ms * UINT64_C(1000)),
           (unsigned long long)(first_us + to_ms * UINT64_C(1000)));
  printf("served %llu\nwasted %llu\nqueued %llu\n", (unsigned long long)served,
         (unsigned long long)wasted, (unsigned long long)most_queued);
}

static void read_options(int argc, char **argv) {
  int option;

  while ((option = getopt(argc, argv, "p:w:s:b:")) != -1) {
    if (option == 'p')
      endpoint.port = bench_number(optarg);
    else if (option == 'w')
      worker_count = bench_number(optarg);
    else if (option == 's')
      service_us = bench_number(optarg);
    else if (option != 'b' ||
             sscanf(optarg, "%u:%u:%u", &from_ms, &to_ms, &times_as_long) != 3)
      exit(2);
  }
  if (worker_count == 0 || worker_count > MAX_WORKERS || service_us == 0)
    bench_fail("-w, -s", "no server that can be had");
}

int main(int argc, char **argv) {
  uv_timer_t ticks;
  unsigned i;

  read_options(argc, argv);
  for (i = 0; i < worker_count; i++)
    workers[i].last = &workers[i].first;
  endpoint.on_request = on_request;
  endpoint.on_gone = on_gone;
  serve_listen(&endpoint);
  serve_check("timer", uv_timer_init(uv_default_loop(), &ticks));
  uv_timer_start(&ticks, on_tick, 1, 1);
  serve_run(report);
  return 0;
}
