/* Requests at a fixed rate through a pool, whatever becomes of them: one GET
 * each 1/RATE seconds, for so many seconds. resilience_poolee.js does the same
 * with the same arguments.
 *
 *   bench_resilience_pool -p PORT -e ENDPOINTS -r RATE -t SECONDS [-s SEED]
 *                         [-g] [-j]
 *
 *   -g   with pings, of /ping
 *   -j   an answer of 500 and above is rejected, for a retry
 *
 * Prints one line for each request in the order in which they ended: when it
 * was due, was made and ended, in us of uv_hrtime()'s clock, and its status, or
 * the name of its error. */
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <httpool.h>

#define MAX_PENDING     10000u
#define MAX_CONNECTIONS 100u
#define GIVE_UP_S       300

typedef struct {
  uint64_t due_us;
  uint64_t made_us;
  uint64_t ended_us;
  int error;
  int status;
} outcome_t;

static unsigned port, endpoint_count, rate, seconds, seed;
static int pings, rejects;
static pool_t *pool;
static uv_timer_t timer;
static uint64_t begun_us;
static outcome_t *outcomes; /* [total], in the order in which they were due */
static outcome_t **ended;   /* [total], in the order in which they ended */
static uint64_t total, offered, ended_count;

static uint64_t now_us(void) {
  return uv_hrtime() / 1000;
}

/* When request i is due, in us since the beginning. */
static uint64_t due_in_us(uint64_t i) {
  return i * 1000000 / rate;
}

static void conclude(outcome_t *outcome, int error, int status) {
  outcome->ended_us = now_us();
  outcome->error = error;
  outcome->status = status;
  ended[ended_count++] = outcome;
  if (ended_count == total)
    pool_close(pool, NULL, NULL);
}

static void on_done(const pool_result_t *result, void *data) {
  conclude(data, result->error, result->status);
}

static void on_tick(uv_timer_t *handle) {
  uint64_t passed_us = now_us() - begun_us;

  while (offered < total && due_in_us(offered) <= passed_us) {
    outcome_t *outcome = &outcomes[offered];
    int err;

    outcome->due_us = begun_us + due_in_us(offered++);
    outcome->made_us = now_us();
    err = pool_get(pool, "/", on_done, outcome);
    if (err != 0)
      conclude(outcome, err, 0);
  }
  if (offered == total)
    uv_close((uv_handle_t *)handle, NULL);
}

static int on_retry(pool_t *of, const pool_result_t *result, void *data) {
  (void)of;
  (void)data;
  return result->status >= 500 ? POOL_BACKOFF : POOL_KEEP;
}

static void make_pool(void) {
  pool_config_t config;
  char host[32], address[48];
  unsigned i;
  int err;

  memset(&config, 0, sizeof config);
  config.max_pending = MAX_PENDING;
  config.max_connections = MAX_CONNECTIONS;
  config.ping_path = pings ? "/ping" : NULL;
  config.on_retry = rejects ? on_retry : NULL;
  config.seed = seed;
  err = pool_create(&pool, uv_default_loop(), &config);
  if (err != 0)
    bench_fail("pool", pool_strerror(err));
  for (i = 0; i < endpoint_count; i++) {
    bench_host(i, host, sizeof host);
    snprintf(address, sizeof address, "%s:%u", host, port);
    err = pool_add_endpoint(pool, address);
    if (err != 0)
      bench_fail(address, pool_strerror(err));
  }
}

static void report(void) {
  uint64_t i;

  for (i = 0; i < total; i++) {
    printf("%llu %llu %llu ", (unsigned long long)ended[i]->due_us,
           (unsigned long long)ended[i]->made_us,
           (unsigned long long)ended[i]->ended_us);
    if (ended[i]->error != 0)
      printf("%s\n", pool_err_name(ended[i]->error));
    else
      printf("%d\n", ended[i]->status);
  }
}

static void read_options(int argc, char **argv) {
  int option;

  while ((option = getopt(argc, argv, "p:e:r:t:s:gj")) != -1) {
    if (option == 'p')
      port = bench_number(optarg);
    else if (option == 'e')
      endpoint_count = bench_number(optarg);
    else if (option == 'r')
      rate = bench_number(optarg);
    else if (option == 't')
      seconds = bench_number(optarg);
    else if (option == 's')
      seed = bench_number(optarg);
    else if (option == 'g')
      pings = 1;
    else if (option == 'j')
      rejects = 1;
    else
      exit(2);
  }
  total = (uint64_t)rate * seconds;
  if (total == 0)
    bench_fail("-r, -t", "no requests");
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  alarm(GIVE_UP_S);
  read_options(argc, argv);
  outcomes = calloc(total, sizeof *outcomes);
  ended = calloc(total, sizeof *ended);
  if (outcomes == NULL || ended == NULL)
    bench_fail("outcomes", "no memory");
  make_pool();
  uv_timer_init(uv_default_loop(), &timer);
  begun_us = now_us();
  uv_timer_start(&timer, on_tick, 0, 1);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  report();
  free(outcomes);
  free(ended);
  return 0;
}
