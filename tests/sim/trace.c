#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "timeline.h"

static uint64_t hash;
static uint64_t count;
static int printing;
static void (*failure_cb)(void);

void trace_begin(int print) {
  hash = 0xcbf29ce484222325u;
  count = 0;
  printing = print;
}

static void mix(uint64_t value) {
  hash = (hash ^ value) * 0x100000001b3u;
  hash ^= hash >> 29;
}

static uint64_t hash_of(const char *word) {
  uint64_t sum = 0;

  while (*word != '\0')
    sum = sum * 31 + (unsigned char)*word++;
  return sum;
}

void trace(const char *what, int64_t a, int64_t b, int64_t c) {
  count++;
  mix(timeline_now());
  mix(hash_of(what));
  mix((uint64_t)a);
  mix((uint64_t)b);
  mix((uint64_t)c);
  if (printing)
    printf("%12.6f %-14s %" PRId64 " %" PRId64 " %" PRId64 "\n",
           (double)timeline_now() / 1e6, what, a, b, c);
}

uint64_t trace_hash(void) {
  return hash;
}

uint64_t trace_count(void) {
  return count;
}

void trace_on_failure(void (*cb)(void)) {
  failure_cb = cb;
}

void trace_fail(const char *format, ...) {
  va_list args;

  fflush(stdout);
  fprintf(stderr, "BROKEN at %.6f s: ", (double)timeline_now() / 1e6);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, "\n");
  if (failure_cb != NULL)
    failure_cb();
  abort();
}
