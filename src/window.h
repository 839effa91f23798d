/* The latest ten seconds: how much went well, and how much did not.
 *
 * Time is in ms of the loop's clock. Nothing here has a timer: seconds are
 * caught up with when somebody asks. */
#ifndef POOL_WINDOW_H_
#define POOL_WINDOW_H_

#include <stdint.h>

#define POOL__WINDOW_SECONDS 10u

typedef struct {
  uint64_t second; /* the newest slot's */
  uint32_t newest; /* second modulo POOL__WINDOW_SECONDS */
  uint32_t good[POOL__WINDOW_SECONDS];
  uint32_t bad[POOL__WINDOW_SECONDS]; /* by second, modulo */
} pool__window_t;

typedef struct {
  uint64_t good;
  uint64_t bad;
} pool__window_sum_t;

void pool__window_note(pool__window_t *window, uint64_t now, int good);

/* What the window holds now, the second that has begun included. */
pool__window_sum_t pool__window_sum(const pool__window_t *window, uint64_t now);

/* Forgets everything. */
void pool__window_clear(pool__window_t *window);

#endif
