#include "window.h"

#include <string.h>

/* Begins the seconds since the last note, each in the place of the oldest. */
static void catch_up(pool__window_t *window, uint64_t second) {
  uint64_t gap = second - window->second;
  uint64_t i;

  if (gap > POOL__WINDOW_SECONDS)
    gap = POOL__WINDOW_SECONDS;
  for (i = 0; i < gap; i++) {
    window->good[(second - i) % POOL__WINDOW_SECONDS] = 0;
    window->bad[(second - i) % POOL__WINDOW_SECONDS] = 0;
  }
  window->second = second;
  window->newest = (uint32_t)(second % POOL__WINDOW_SECONDS);
}

void pool__window_note(pool__window_t *window, uint64_t now, int good) {
  uint64_t second = now / 1000;

  if (second > window->second)
    catch_up(window, second);
  if (good)
    window->good[window->newest]++;
  else
    window->bad[window->newest]++;
}

pool__window_sum_t pool__window_sum(const pool__window_t *window,
                                    uint64_t now) {
  uint64_t second = now / 1000;
  uint64_t gap = second > window->second ? second - window->second : 0;
  pool__window_sum_t sum = {0, 0};
  uint64_t i;

  /* Of the seconds that were noted, those that have not passed away. */
  for (i = 0; i + gap < POOL__WINDOW_SECONDS && i <= window->second; i++) {
    sum.good += window->good[(window->second - i) % POOL__WINDOW_SECONDS];
    sum.bad += window->bad[(window->second - i) % POOL__WINDOW_SECONDS];
  }
  return sum;
}

void pool__window_clear(pool__window_t *window) {
  memset(window, 0, sizeof *window);
}
