/* Points, each in a process of its own, several at a time: what can fail there
 * fails in one way after the other. A process that does not survive one is
 * followed by another for the ways that are left. */
#ifndef SIM_TORTURE_JOBS_H_
#define SIM_TORTURE_JOBS_H_

#include "torture_faults.h"

typedef enum {
  TORTURE_FAILED,
  TORTURE_ABORTED /* by libuv, which could not enlarge its table of watchers:
                     1.44 does that, and nobody can do anything about it */
} torture_verdict_t;

/* Who hears of what. */
typedef struct {
  /* Runs at this point have passed, as many. */
  void (*passed)(const torture_fault_t *fault, unsigned runs,
                 const torture_report_t *report);
  /* A run has not; with the beginning of what it said. */
  void (*ended)(const torture_fault_t *fault, torture_verdict_t verdict,
                const char *why, const char *output);
} torture_listener_t;

/* `count` processes at a time. `trace`: they say what the kernel does, and what
 * they say is not kept from the reader. */
void torture_jobs_begin(unsigned count, int trace,
                        const torture_listener_t *listener);

/* Starts one for a point, as soon as there is a place. The fault's way does not
 * matter. */
void torture_jobs_start(const torture_fault_t *fault);

/* Waits until all have ended. */
void torture_jobs_wait(void);

void torture_jobs_end(void);

/* How many processes there were. */
uint64_t torture_jobs_count(void);

/* One run, in torture_play.c: 0, or what failed has been said. */
int torture_play(const torture_fault_t *fault, torture_report_t *report,
                 int trace);

#endif
