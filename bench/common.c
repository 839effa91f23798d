#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#define GIVE_UP_S 300 /* a benchmark that hangs is killed by SIGALRM */

void bench_fail(const char *what, const char *why) {
  fprintf(stderr, "bench: %s: %s\n", what, why);
  exit(1);
}

unsigned bench_number(const char *text) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);

  if (*text == '\0' || *end != '\0' || value > 1000000000)
    bench_fail(text, "not a number that can be used");
  return (unsigned)value;
}

void bench_options(bench_options_t *options, int argc, char **argv) {
  int option;

  options->connections = 1;
  options->endpoints = 1;
  options->port = 80;
  options->waiters = 0;
  options->requests = 1000;
  while ((option = getopt(argc, argv, "c:e:p:w:n:")) != -1) {
    if (option == 'c')
      options->connections = bench_number(optarg);
    else if (option == 'e')
      options->endpoints = bench_number(optarg);
    else if (option == 'p')
      options->port = bench_number(optarg);
    else if (option == 'w')
      options->waiters = bench_number(optarg);
    else if (option == 'n')
      options->requests = bench_number(optarg);
    else
      exit(2);
  }
  if (options->connections == 0 || options->endpoints == 0 ||
      options->connections % options->endpoints != 0)
    bench_fail("-c, -e", "the connections do not spread evenly");
  alarm(GIVE_UP_S);
}

void bench_host(unsigned i, char *text, size_t size) {
  snprintf(text, size, "127.0.%u.%u", i / 250, i % 250 + 1);
}

void bench_run_init(bench_run_t *run) {
  memset(run, 0, sizeof *run);
  run->goal = UINT64_MAX;
}

void bench_run_begin(bench_run_t *run, uint64_t requests) {
  run->warm_up = run->finished;
  run->goal = run->finished + requests;
  run->allocs = bench_allocs();
  getrusage(RUSAGE_SELF, &run->usage);
  run->time_ns = uv_hrtime();
}

static double us_between(const struct timeval *from, const struct timeval *to) {
  return (double)(to->tv_sec - from->tv_sec) * 1e6 +
         (double)(to->tv_usec - from->tv_usec);
}

void bench_run_report(const bench_run_t *run, uint64_t requests) {
  uint64_t time_ns = uv_hrtime() - run->time_ns;
  uint64_t allocs = bench_allocs() - run->allocs;
  struct rusage now;

  getrusage(RUSAGE_SELF, &now);
  printf("exchanges %llu\n", (unsigned long long)run->goal);
  printf("user_us %.4f\n",
         us_between(&run->usage.ru_utime, &now.ru_utime) / (double)requests);
  printf("system_us %.4f\n",
         us_between(&run->usage.ru_stime, &now.ru_stime) / (double)requests);
  printf("per_second %.0f\n", (double)requests * 1e9 / (double)time_ns);
  printf("allocs %.6f\n", (double)allocs / (double)requests);
}

int bench_run_next(bench_run_t *run, uint64_t requests) {
  run->finished++;
  if (run->finished == run->goal)
    bench_run_report(run, requests);
  return run->finished < run->goal;
}
