/* The simulated clock, and what is to happen when.
 *
 * Time stands still but for timeline_tick() and timeline_wait(): each virtual
 * system call takes a microsecond, and a poll that finds nothing jumps to the
 * next thing that happens. Things due at the same time happen in the order in
 * which they were planned. */
#ifndef SIM_TIMELINE_H_
#define SIM_TIMELINE_H_

#include <stdint.h>

#define TIMELINE_NEVER UINT64_MAX

typedef void (*timeline_cb)(void *arg, uint64_t a, uint64_t b);

/* Starts at one second, with nothing planned. */
void timeline_begin(void);

/* Forgets what is planned and frees its memory. */
void timeline_end(void);

/* Microseconds. */
uint64_t timeline_now(void);

/* Plans cb(arg, a, b) for a time; one in the past is now. */
void timeline_at(uint64_t at_us, timeline_cb cb, void *arg, uint64_t a,
                 uint64_t b);

/* As above, that long from now. */
static inline void timeline_after(uint64_t us, timeline_cb cb, void *arg,
                                  uint64_t a, uint64_t b) {
  timeline_at(timeline_now() + us, cb, arg, a, b);
}

/* Lets time pass, and what falls due happen. */
void timeline_tick(uint64_t us);

/* When the next thing happens, or TIMELINE_NEVER. */
uint64_t timeline_next(void);

/* How many things happened so far. */
uint64_t timeline_count(void);

#endif
