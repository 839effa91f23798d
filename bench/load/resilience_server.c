/* The servers of bench/resilience.sh: several endpoints in one process, each on
 * a loopback address of its own, that can be slow, fail, and break down all at
 * once (resilience_plan.h).
 *
 *   bench_resilience_server -p PORT [-s SEED] [-o OUTAGE] ANSWER...
 *
 * One ANSWER for each endpoint. Prints "listening" when it is, and when it is
 * told to end (SIGTERM) what came:
 *
 *   outage FROM TO                    when it was, if there was one
 *   request TIME ENDPOINT TIME_TO_ANSWER
 *   ping TIME ENDPOINT TIME_TO_ANSWER   of /ping
 *
 * TIME, FROM and TO are in us of the clock that uv_hrtime() reads, which is the
 * same in every process. Requests have no bodies, and the next one is not sent
 * before the answer. */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "resilience_plan.h"
#include "serve.h"

#define MAX_ENDPOINTS 32u
#define FAIL_MS       1u /* until the answer, in an outage of that kind */

typedef struct {
  serve_endpoint_t serve;
  plan_answer_t answer;
  uint64_t seed;
} endpoint_t;

typedef struct {
  uint64_t at_us;
  uint32_t endpoint;
  uint16_t took_ms; /* as it was planned, at most that much */
  uint16_t is_ping;
} arrival_t;

static endpoint_t endpoints[MAX_ENDPOINTS];
static unsigned endpoint_count;
static unsigned port;
static plan_outage_t outage;
static plan_mode_t mode;
static uint64_t outage_from_us, outage_to_us;
static uv_timer_t outage_timer;
static arrival_t *arrivals;
static size_t arrival_count, arrival_room;

/* --- the outage ------------------------------------------------------------
 */

static void on_outage_ends(uv_timer_t *timer) {
  unsigned i;

  (void)timer;
  for (i = 0; mode == PLAN_REFUSE && i < endpoint_count; i++)
    serve_listen(&endpoints[i].serve);
  mode = PLAN_WELL;
  outage_to_us = serve_now_us();
}

static void on_outage_begins(uv_timer_t *timer) {
  unsigned i;

  mode = outage.mode;
  outage_from_us = serve_now_us();
  for (i = 0; mode == PLAN_REFUSE && i < endpoint_count; i++)
    serve_stop(&endpoints[i].serve);
  uv_timer_start(timer, on_outage_ends, outage.to_ms - outage.from_ms, 0);
}

/* --- requests --------------------------------------------------------------
 */

static void note(const serve_client_t *client, uint64_t took_ms, int is_ping) {
  arrival_t *arrival;

  if (arrival_count == 0 && outage.mode != PLAN_WELL)
    uv_timer_start(&outage_timer, on_outage_begins, outage.from_ms, 0);
  if (arrival_count == arrival_room) {
    arrival_room = arrival_room == 0 ? 4096 : 2 * arrival_room;
    arrivals = realloc(arrivals, arrival_room * sizeof *arrivals);
    if (arrivals == NULL)
      bench_fail("arrivals", "no memory");
  }
  arrival = &arrivals[arrival_count++];
  arrival->at_us = serve_now_us();
  arrival->endpoint = client->endpoint->number;
  arrival->took_ms = (uint16_t)(took_ms < UINT16_MAX ? took_ms : UINT16_MAX);
  arrival->is_ping = is_ping ? 1 : 0;
}

static void on_request(serve_client_t *client) {
  endpoint_t *endpoint = &endpoints[client->endpoint->number];
  int is_ping = strncmp(client->head, "GET /ping ", 10) == 0;
  uint64_t ms = FAIL_MS;

  if (mode == PLAN_WELL)
    ms = plan_next_ms(&endpoint->answer, &endpoint->seed);
  note(client, ms, is_ping);
  if (mode == PLAN_HANGUP)
    serve_drop(client);
  else
    serve_answer_in(client, ms,
                    mode == PLAN_FAIL ? 503 : endpoint->answer.status);
}

/* --- beginning and end -----------------------------------------------------
 */

static void report(void) {
  size_t i;

  if (outage_to_us == 0)
    outage_to_us = serve_now_us();
  if (outage_from_us != 0)
    printf("outage %llu %llu\n", (unsigned long long)outage_from_us,
           (unsigned long long)outage_to_us);
  for (i = 0; i < arrival_count; i++)
    printf("%s %llu %u %u\n", arrivals[i].is_ping ? "ping" : "request",
           (unsigned long long)arrivals[i].at_us, arrivals[i].endpoint,
           arrivals[i].took_ms);
}

static void read_arguments(int argc, char **argv) {
  uint64_t seed = 1;
  endpoint_t *endpoint;
  int option;

  while ((option = getopt(argc, argv, "p:s:o:")) != -1) {
    if (option == 'p')
      port = bench_number(optarg);
    else if (option == 's')
      seed = bench_number(optarg);
    else if (option == 'o')
      plan_outage(&outage, optarg);
    else
      exit(2);
  }
  for (; optind < argc; optind++) {
    if (endpoint_count == MAX_ENDPOINTS)
      bench_fail(argv[optind], "too many endpoints");
    endpoint = &endpoints[endpoint_count];
    endpoint->serve.number = endpoint_count;
    endpoint->serve.port = port;
    endpoint->serve.on_request = on_request;
    endpoint->seed = seed * MAX_ENDPOINTS + endpoint_count++;
    plan_answer(&endpoint->answer, argv[optind]);
  }
}

int main(int argc, char **argv) {
  unsigned i;

  read_arguments(argc, argv);
  for (i = 0; i < endpoint_count; i++)
    serve_listen(&endpoints[i].serve);
  serve_check("timer", uv_timer_init(uv_default_loop(), &outage_timer));
  serve_run(report);
  return 0;
}
