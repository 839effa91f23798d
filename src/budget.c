#include "budget.h"

#include <string.h>

#define TOKEN     1000u    /* thousandths */
#define LIVE_MIN  10u      /* retries that may always be live */
#define LIVE_PART 2u       /* of calls in hand: one in so many */
#define MILLI_MAX 1000000u /* of one second: no sum overflows */

static uint32_t *slot_of(pool__budget_t *budget, uint64_t second) {
  return &budget->milli[second % POOL__BUDGET_SECONDS];
}

static void put_in(pool__budget_t *budget, uint32_t milli) {
  uint32_t *slot = slot_of(budget, budget->second);

  *slot = *slot < MILLI_MAX - milli ? *slot + milli : MILLI_MAX;
}

/* Half of the attempts at least were answered; or there were none. */
static int does_well(const pool__budget_t *budget) {
  pool__window_sum_t sum =
      pool__window_sum(&budget->window, budget->second * 1000);

  return sum.good >= sum.bad;
}

/* Begins the seconds since the last look, each in the place of the oldest. */
static void begin_seconds(pool__budget_t *budget, uint64_t second) {
  if (second - budget->second > POOL__BUDGET_SECONDS)
    budget->second = second - POOL__BUDGET_SECONDS;
  while (budget->second < second) {
    budget->second++;
    *slot_of(budget, budget->second) = does_well(budget) ? TOKEN : 0;
  }
}

static inline void catch_up(pool__budget_t *budget, uint64_t now) {
  if (now / 1000 > budget->second)
    begin_seconds(budget, now / 1000);
}

void pool__budget_init(pool__budget_t *budget, uint32_t per_cent,
                       uint64_t now) {
  uint32_t i;

  memset(budget, 0, sizeof *budget);
  budget->per_cent = per_cent;
  budget->second = now / 1000;
  for (i = 0; i < POOL__BUDGET_SECONDS; i++)
    budget->milli[i] = TOKEN;
}

void pool__budget_note(pool__budget_t *budget, uint64_t now, int answered) {
  catch_up(budget, now);
  pool__window_note(&budget->window, now, answered);
  if (answered)
    put_in(budget, budget->per_cent * (TOKEN / 100));
}

uint32_t pool__budget_left(pool__budget_t *budget, uint64_t now) {
  uint32_t sum = 0;
  uint32_t i;

  catch_up(budget, now);
  for (i = 0; i < POOL__BUDGET_SECONDS; i++)
    sum += budget->milli[i];
  return sum;
}

/* The oldest first: they would be gone first. */
static void take_out(pool__budget_t *budget, uint32_t milli) {
  uint32_t i;

  for (i = 1; i <= POOL__BUDGET_SECONDS && milli > 0; i++) {
    uint32_t *slot = slot_of(budget, budget->second + i);
    uint32_t part = *slot < milli ? *slot : milli;

    *slot -= part;
    milli -= part;
  }
}

int pool__budget_take(pool__budget_t *budget, uint64_t now, uint32_t live,
                      uint32_t in_hand) {
  uint32_t live_max = in_hand / LIVE_PART;

  if (live >= (live_max > LIVE_MIN ? live_max : LIVE_MIN) ||
      pool__budget_left(budget, now) < TOKEN)
    return 0;
  take_out(budget, TOKEN);
  return 1;
}

void pool__budget_give_back(pool__budget_t *budget, uint64_t now) {
  catch_up(budget, now);
  put_in(budget, TOKEN);
}
