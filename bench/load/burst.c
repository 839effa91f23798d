/* What a loop that makes far too many requests does to the process it is in.
 * burst.mjs does the same with the same arguments for node.js.
 *
 *   bench_burst_LIBRARY -p PORT -n CALLS [-c CONNECTIONS] [-m MAX_PENDING]
 *                       [-d TIMEOUT_MS]
 *
 *   -m   none: no limit
 *   -d   how long a request may take [the library's]
 *
 * A timer is to fire each 10 ms. After a quarter of a second, with one request
 * answered, -n requests are made in a loop. From the next tick on there is one
 * more request at a time, until one is answered. Prints "key value" lines:
 *
 *   loop_ms       how long the loop took
 *   refused       of its requests: those that failed within it,
 *   failed        later, and
 *   answered      those that were answered
 *   gap_ms        the longest time between two ticks
 *   answers_ms    from the loop's beginning to the answer of a later request
 *   ended_ms      from the loop's beginning to the end of all its requests
 *   peak_kib      by how much the loop raised the process's peak of memory */
#include "../common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "contestant.h"

#define TICK_MS      10u
#define TICKS_BEFORE 25u
#define GIVE_UP_S    300

static contestant_settings_t settings = {.endpoints = 1, .max_connections = 20};
static uint64_t calls;
static uv_timer_t timer;
static uint64_t ticks, last_tick_ns, longest_gap_ns;
static uint64_t begun_ns, looped_ns, answered_ns, ended_ns; /* 0: not yet */
static uint64_t refused, failed, answered;
static int warm, asking;
static unsigned long peak_before_kib;

/* What a request is for: its data is one of these. */
static char warming, burst, asked_later;

static double ms_since(uint64_t from_ns, uint64_t to_ns) {
  return (double)(to_ns - from_ns) / 1e6;
}

static void note_burst(const char *error) {
  if (error == NULL)
    answered++;
  else if (looped_ns == 0)
    refused++;
  else
    failed++;
  if (refused + failed + answered == calls)
    ended_ns = uv_hrtime();
}

void contestant_done(void *request, int status, const char *error) {
  if (error == NULL && status != 200)
    bench_fail("answer", "not a 200");
  if (request == &burst) {
    note_burst(error);
  } else if (request == &warming) {
    warm = error == NULL;
  } else {
    asking = 0;
    if (error == NULL)
      answered_ns = uv_hrtime();
  }
}

static void make_all(void) {
  uint64_t i;

  if (!warm)
    bench_fail("warm-up", "not answered");
  peak_before_kib = bench_peak_kib();
  begun_ns = uv_hrtime();
  for (i = 0; i < calls; i++)
    contestant_get(&burst);
  looped_ns = uv_hrtime();
}

static void ask_later(void) {
  if (answered_ns == 0 && !asking) {
    asking = 1;
    contestant_get(&asked_later);
  }
}

static void report(void) {
  printf("loop_ms %.1f\n", ms_since(begun_ns, looped_ns));
  printf("refused %llu\nfailed %llu\nanswered %llu\n",
         (unsigned long long)refused, (unsigned long long)failed,
         (unsigned long long)answered);
  printf("gap_ms %.1f\n", (double)longest_gap_ns / 1e6);
  printf("answers_ms %.1f\n", ms_since(begun_ns, answered_ns));
  printf("ended_ms %.1f\n", ms_since(begun_ns, ended_ns));
  printf("peak_kib %lu\n", bench_peak_kib() - peak_before_kib);
}

static void on_tick(uv_timer_t *handle) {
  uint64_t now_ns = uv_hrtime();

  if (ticks > 0 && now_ns - last_tick_ns > longest_gap_ns)
    longest_gap_ns = now_ns - last_tick_ns;
  last_tick_ns = now_ns;
  if (ticks++ == 0)
    contestant_get(&warming);
  else if (ticks == TICKS_BEFORE)
    make_all();
  else if (ticks > TICKS_BEFORE)
    ask_later();
  if (ended_ns != 0 && answered_ns != 0) {
    report();
    contestant_close();
    uv_close((uv_handle_t *)handle, NULL);
  }
}

static void read_options(int argc, char **argv) {
  int option;

  while ((option = getopt(argc, argv, "p:n:c:m:d:")) != -1) {
    if (option == 'p')
      settings.port = bench_number(optarg);
    else if (option == 'n')
      calls = bench_number(optarg);
    else if (option == 'c')
      settings.max_connections = bench_number(optarg);
    else if (option == 'm')
      settings.max_pending = bench_number(optarg);
    else if (option == 'd')
      settings.timeout_ms = bench_number(optarg);
    else
      exit(2);
  }
  if (calls == 0)
    bench_fail("-n", "no requests");
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  alarm(GIVE_UP_S);
  read_options(argc, argv);
  contestant_open(uv_default_loop(), &settings);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_tick, 0, TICK_MS);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return 0;
}
