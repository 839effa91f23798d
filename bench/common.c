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

static void set_option(bench_options_t *options, int option) {
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
  else if (option == 'P')
    options->path = optarg;
  else if (option == 'm')
    options->method = optarg;
  else if (option == 'b')
    options->body_len = bench_number(optarg);
  else if (option == 'a')
    options->answer_len = bench_number(optarg);
  else if (option == 'd')
    options->pause_ms = bench_number(optarg);
  else if (option == 'l')
    options->latency = 1;
  else
    exit(2);
}

static char *make_body(size_t len) {
  char *body = malloc(len);

  if (body == NULL)
    bench_fail("-b", "no memory");
  return memset(body, 'b', len);
}

void bench_options(bench_options_t *options, int argc, char **argv) {
  int option;

  memset(options, 0, sizeof *options);
  options->connections = 1;
  options->endpoints = 1;
  options->port = 80;
  options->requests = 1000;
  options->path = BENCH_PATH;
  options->method = "GET";
  options->answer_len = BENCH_BODY_LEN;
  while ((option = getopt(argc, argv, "c:e:p:w:n:P:m:b:a:d:l")) != -1)
    set_option(options, option);
  if (options->connections == 0 || options->endpoints == 0 ||
      options->connections % options->endpoints != 0)
    bench_fail("-c, -e", "the connections do not spread evenly");
  if (options->body_len > 0)
    options->body = make_body(options->body_len);
  alarm(GIVE_UP_S);
}

void bench_host(unsigned i, char *text, size_t size) {
  snprintf(text, size, "127.0.%u.%u", i / 250, i % 250 + 1);
}

char *bench_request(const bench_options_t *options, unsigned i, size_t *len) {
  size_t size = strlen(options->path) + options->body_len + 256;
  char *request = malloc(size), host[32];
  int head_len;

  if (request == NULL)
    bench_fail("request", "no memory");
  bench_host(i, host, sizeof host);
  head_len = snprintf(request, size, "%s %s HTTP/1.1\r\nHost: %s:%u\r\n",
                      options->method, options->path, host, options->port);
  if (options->body_len > 0)
    head_len += snprintf(request + head_len, size - (size_t)head_len,
                         "Content-Length: %zu\r\n", options->body_len);
  memcpy(request + head_len, "\r\n", 2);
  if (options->body_len > 0)
    memcpy(request + head_len + 2, options->body, options->body_len);
  *len = (size_t)head_len + 2 + options->body_len;
  return request;
}

void bench_expect(const bench_options_t *options, long status,
                  size_t body_len) {
  char text[96];

  if (status == 200 && body_len == options->answer_len)
    return;
  snprintf(text, sizeof text, "status %ld with %zu bytes, not 200 with %zu",
           status, body_len, options->answer_len);
  bench_fail("answer", text);
}

void bench_run_init(bench_run_t *run, const bench_options_t *options) {
  memset(run, 0, sizeof *run);
  run->options = options;
  run->goal = UINT64_MAX;
}

int bench_run_may_begin(const bench_run_t *run) {
  return run->goal == UINT64_MAX &&
         run->finished >= 2 * (uint64_t)run->options->connections;
}

void bench_run_begin(bench_run_t *run) {
  run->goal = run->finished + run->options->requests;
  run->allocs = bench_allocs();
  getrusage(RUSAGE_SELF, &run->usage);
  run->time_ns = uv_hrtime();
}

static double us_between(const struct timeval *from, const struct timeval *to) {
  return (double)(to->tv_sec - from->tv_sec) * 1e6 +
         (double)(to->tv_usec - from->tv_usec);
}

unsigned long bench_peak_kib(void) {
  FILE *file = fopen("/proc/self/status", "r");
  unsigned long kib = 0;
  char line[128];

  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %lu", &kib) == 1)
      break;
  if (kib == 0)
    bench_fail("/proc/self/status", "does not tell VmHWM");
  fclose(file);
  return kib;
}

void bench_run_report(const bench_run_t *run) {
  uint64_t time_ns = uv_hrtime() - run->time_ns;
  uint64_t allocs = bench_allocs() - run->allocs;
  double n = (double)run->options->requests;
  struct rusage now;

  getrusage(RUSAGE_SELF, &now);
  printf("exchanges %llu\n", (unsigned long long)run->goal);
  printf("user_us %.4f\n", us_between(&run->usage.ru_utime, &now.ru_utime) / n);
  printf("system_us %.4f\n",
         us_between(&run->usage.ru_stime, &now.ru_stime) / n);
  printf("per_second %.0f\n", n * 1e9 / (double)time_ns);
  printf("allocs %.6f\n", (double)allocs / n);
  printf("rss_kib %lu\n", bench_peak_kib());
  if (run->options->latency)
    bench_latency_print(&run->latency);
}

uint64_t bench_run_sent(bench_run_t *run) {
  run->started++;
  return run->options->latency ? uv_hrtime() : 0;
}

int bench_run_next(bench_run_t *run, uint64_t sent_ns) {
  run->finished++;
  if (run->options->latency && run->goal != UINT64_MAX)
    bench_latency_add(&run->latency, uv_hrtime() - sent_ns);
  if (run->finished == run->goal)
    bench_run_report(run);
  return run->finished < run->goal;
}

int bench_run_is_over(const bench_run_t *run) {
  return run->finished == run->started;
}
