/* What the demo prints. */
#include "demo.h"

#include <stdarg.h>
#include <stdio.h>

#define PLAIN_EVERY 4 /* status lines, when they cannot replace each other */

typedef unsigned long long number_t; /* for printf */

/* --- while it runs ------------------------------------------------------- */

void report_live(demo_t *demo) {
  const tally_t *tally = demo->load.tally;
  double seconds = (double)(uv_now(demo->loop) - demo->started_at) / 1000;
  pool_stats_t stats;

  if (!demo->is_terminal && demo->ticks++ % PLAIN_EVERY != 0)
    return;
  pool_stats(demo->pool, &stats);
  printf("%s%5.1f s  pending %4u/%u  ok %6llu  failed %3llu  refused %6llu  "
         "conns %2u%s",
         demo->is_terminal ? "\r\033[K" : "", seconds, stats.pending,
         stats.max_pending, (number_t)tally->ok, (number_t)tally->failed,
         (number_t)tally->refused,
         stats.connecting + stats.idle + stats.busy + stats.closing,
         demo->is_terminal ? "" : "\n");
  fflush(stdout);
}

void report_say(demo_t *demo, const char *text) {
  printf("%s-- %s\n", demo->is_terminal ? "\r\033[K" : "", text);
  demo->ticks = 0;
  fflush(stdout);
}

/* --- afterwards ---------------------------------------------------------- */

static void print_row(const demo_t *demo, act_t act) {
  const tally_t *tally = &demo->tallies[act];
  const deeds_t *deeds = &demo->deeds[act];
  char errors[160];

  printf("%-26s %6llu %6llu %6llu %7llu %6u %6u %6llu\n", demo_titles[act],
         (number_t)tally->calls, (number_t)tally->ok, (number_t)tally->failed,
         (number_t)tally->refused, tally_percentile(tally, 50),
         tally_percentile(tally, 99), (number_t)deeds->opened);
  tally_errors(tally, errors, sizeof errors);
  if (errors[0] != '\0')
    printf("    failed with %s\n", errors);
  if (deeds->retries + deeds->denied > 0)
    printf("    retries %llu, of them replays %llu; %llu denied; slowest "
           "answer %u ms\n",
           (number_t)deeds->retries, (number_t)deeds->replays,
           (number_t)deeds->denied, tally->slowest);
}

/* What there is to say of one act only. */
static void print_story(const demo_t *demo, act_t act) {
  if (act == KILLED)
    printf("    the others gave %llu answers while it was down; it answered "
           "again\n    %llu ms after its restart\n",
           (number_t)demo->ok_while_down, (number_t)demo->back_ms);
  if (act == ROLLED)
    printf("    restarts %u: %u stopped with SIGTERM, %u with kill -9\n",
           demo->stops + demo->kills, demo->stops, demo->kills);
  if (act == STUCK)
    printf("    it got %llu requests and answered %llu; each was given up "
           "after %d ms,\n    and then it was taken out of service\n",
           (number_t)demo->at_stuck.attempts,
           (number_t)demo->at_stuck.succeeded, DEMO_HEAD_MS);
}

static void print_acts(const demo_t *demo) {
  int act;

  printf("%-26s %6s %6s %6s %7s %6s %6s %6s\n", "", "calls", "ok", "failed",
         "refused", "p50 ms", "p99 ms", "opened");
  for (act = 0; act < ACTS; act++) {
    print_row(demo, (act_t)act);
    print_story(demo, (act_t)act);
  }
}

static double kib(uint64_t bytes) {
  return (double)bytes / 1024;
}

static double mib(uint64_t bytes) {
  return kib(bytes) / 1024;
}

static void print_flood(const demo_t *demo) {
  const tally_t *tally = &demo->tallies[FLOOD];
  const flood_t *flood = &demo->flood;
  uint64_t calls = tally->refused > 0 ? tally->refused : 1;

  printf("%s: pool_get() %d times, no turn of the loop\n", demo_titles[FLOOD],
         DEMO_CALLS);
  printf("  accepted     %7llu  (max_pending is %d), %.0f ns each\n",
         (number_t)tally->accepted, DEMO_MAX_PENDING,
         (double)flood->accept_ns /
             (double)(tally->accepted > 0 ? tally->accepted : 1));
  printf("  refused      %7llu  in %.2f ms: %.1f ns each\n",
         (number_t)tally->refused, (double)flood->refuse_ns / 1e6,
         (double)flood->refuse_ns / (double)calls);
  printf("  pool memory  %7.0f KiB before, %.0f at the first refusal, %.0f at "
         "the last\n",
         kib(flood->bytes_before), kib(flood->bytes_full),
         kib(flood->bytes_after));
  printf("  process RSS  %7.1f MiB before, %.1f after; its peak so far %.1f\n",
         mib(flood->rss_before), mib(flood->rss_after), mib(flood->rss_peak));
  printf("  sockets open %7u  (at most %u endpoints x %d)\n", flood->sockets,
         flood->endpoints, DEMO_MAX_CONNS);
  printf("  all accepted requests had ended after %u ms\n", flood->drained_ms);
}

void report_table(const demo_t *demo) {
  printf("%s\n", demo->is_terminal ? "\r\033[K" : "");
  print_acts(demo);
  printf("\n");
  print_flood(demo);
  printf("\n");
}

/* --- what was expected --------------------------------------------------- */

/* 1 when the expectation failed. */
static int expect(int is_met, const char *text) {
  printf("%s  %s\n", is_met ? "yes" : "NO ", text);
  return !is_met;
}

static int every_request_ended_once(const demo_t *demo) {
  int act;

  for (act = 0; act < ACTS; act++) {
    const tally_t *tally = &demo->tallies[act];

    if (tally->accepted != tally->ok + tally->failed)
      return 0;
  }
  return 1;
}

int report_verdict(const demo_t *demo) {
  const tally_t *acts = demo->tallies;
  const flood_t *flood = &demo->flood;
  int failed = 0;

  failed += expect(every_request_ended_once(demo),
                   "every accepted request had its callback, once");
  /* Not all: a machine that sleeps for a second lets requests time out. */
  failed += expect(acts[NORMAL].ok > 0 &&
                       acts[NORMAL].failed * 100 <= acts[NORMAL].ok,
                   "normal load was answered, 99 of 100 at least");
  failed += expect(demo->ok_while_down > 0 && demo->back_ms < 15000,
                   "the others served on; the killed origin came back");
  failed += expect(acts[ROLLED].calls >= DEMO_GETS && acts[ROLLED].failed == 0,
                   "no GET failed while each origin was restarted twice");
  failed +=
      expect(demo->at_stuck.attempts > 0 && demo->at_stuck.succeeded == 0 &&
                 demo->at_stuck.ejections > 0,
             "the stuck origin was found out and taken out of service");
  failed += expect(acts[STUCK].ok > acts[STUCK].failed,
                   "the others served on beside it");
  failed += expect(acts[FLOOD].accepted == DEMO_MAX_PENDING &&
                       flood->pending == DEMO_MAX_PENDING &&
                       acts[FLOOD].refused == DEMO_CALLS - DEMO_MAX_PENDING,
                   "max_pending requests were accepted, the rest refused");
  failed += expect(flood->bytes_after == flood->bytes_full,
                   "refusals allocated nothing");
  failed += expect(flood->sockets <= flood->endpoints * DEMO_MAX_CONNS,
                   "no more sockets than max_connections allows");
  return failed;
}
