#include "budget.h"

#include <string.h>

#define TOKEN     1000u    /* thousandths */
#define LIVE_MIN  10u      /* retries that may always be live */
#define LIVE_PART 2u       /* of calls in hand: one in so many */
#define MILLI_MAX 1000000u /* of one second: no sum overflows */

static pool__budget_slot_t *slot_of(pool__budget_t *budget, uint64_t second) {
  return &budget->slots[second % POOL__BUDGET_SECONDS];
}

static pool__budget_sum_t sum_of(const pool__budget_t *budget) {
  pool__budget_sum_t sum = {0, 0};
  uint32_t i;

  for (i = 0; i < POOL__BUDGET_SECONDS; i++) {
    sum.answered += budget->slots[i].answered;
    sum.failed += budget->slots[i].failed;
  }
  return sum;
}

/* Half of the attempts at least; or there were none. */
static int does_well(const pool__budget_t *budget) {
  pool__budget_sum_t sum = sum_of(budget);

  return sum.answered >= sum.failed;
}

static void put_in(pool__budget_slot_t *slot, uint32_t milli) {
  slot->milli =
      slot->milli < MILLI_MAX - milli ? slot->milli + milli : MILLI_MAX;
}

/* Begins the seconds since the last look, each in the place of the oldest. */
static void begin_seconds(pool__budget_t *budget, uint64_t second) {
  if (second - budget->second > POOL__BUDGET_SECONDS)
    budget->second = second - POOL__BUDGET_SECONDS;
  while (budget->second < second) {
    pool__budget_slot_t *slot = slot_of(budget, ++budget->second);

    budget->newest = (uint32_t)(budget->second % POOL__BUDGET_SECONDS);
    memset(slot, 0, sizeof *slot);
    if (does_well(budget))
      slot->milli = TOKEN;
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
  budget->newest = (uint32_t)(budget->second % POOL__BUDGET_SECONDS);
  for (i = 0; i < POOL__BUDGET_SECONDS; i++)
    budget->slots[i].milli = TOKEN;
}

void pool__budget_note(pool__budget_t *budget, uint64_t now, int answered) {
  pool__budget_slot_t *slot;

  catch_up(budget, now);
  slot = &budget->slots[budget->newest];
  if (!answered) {
    slot->failed++;
    return;
  }
  slot->answered++;
  put_in(slot, budget->per_cent * (TOKEN / 100));
}

pool__budget_sum_t pool__budget_sum(pool__budget_t *budget, uint64_t now) {
  catch_up(budget, now);
  return sum_of(budget);
}

uint32_t pool__budget_left(pool__budget_t *budget, uint64_t now) {
  uint32_t sum = 0;
  uint32_t i;

  catch_up(budget, now);
  for (i = 0; i < POOL__BUDGET_SECONDS; i++)
    sum += budget->slots[i].milli;
  return sum;
}

/* The oldest first: they would be gone first. */
static void take_out(pool__budget_t *budget, uint32_t milli) {
  uint32_t i;

  for (i = 1; i <= POOL__BUDGET_SECONDS && milli > 0; i++) {
    pool__budget_slot_t *slot = slot_of(budget, budget->second + i);
    uint32_t part = slot->milli < milli ? slot->milli : milli;

    slot->milli -= part;
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
  put_in(&budget->slots[budget->newest], TOKEN);
}
