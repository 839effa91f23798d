/* A binary heap by time and order of planning. */
#include "timeline.h"

#include <stddef.h>
#include <stdlib.h>

typedef struct {
  uint64_t at;
  uint64_t order;
  timeline_cb cb;
  void *arg;
  uint64_t a;
  uint64_t b;
} plan_t;

static uint64_t now_us = 1000000;
static uint64_t orders;
static uint64_t happened;
static plan_t *heap;
static size_t count;
static size_t room;

void timeline_begin(void) {
  timeline_end();
  now_us = 1000000;
  orders = happened = 0;
}

void timeline_end(void) {
  free(heap);
  heap = NULL;
  count = room = 0;
}

uint64_t timeline_now(void) {
  return now_us;
}

uint64_t timeline_next(void) {
  return count == 0 ? TIMELINE_NEVER : heap[0].at;
}

uint64_t timeline_count(void) {
  return happened;
}

static int is_before(const plan_t *a, const plan_t *b) {
  return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void make_room(void) {
  if (count < room)
    return;
  room = room == 0 ? 256 : room * 2;
  heap = realloc(heap, room * sizeof *heap);
  if (heap == NULL)
    abort();
}

void timeline_at(uint64_t at_us, timeline_cb cb, void *arg, uint64_t a,
                 uint64_t b) {
  plan_t plan = {at_us > now_us ? at_us : now_us, orders++, cb, arg, a, b};
  size_t i;

  make_room();
  for (i = count++; i > 0; i = (i - 1) / 2) {
    if (!is_before(&plan, &heap[(i - 1) / 2]))
      break;
    heap[i] = heap[(i - 1) / 2];
  }
  heap[i] = plan;
}

static plan_t take_first(void) {
  plan_t first = heap[0];
  plan_t last = heap[--count];
  size_t i = 0;

  for (;;) {
    size_t child = 2 * i + 1;

    if (child >= count)
      break;
    if (child + 1 < count && is_before(&heap[child + 1], &heap[child]))
      child++;
    if (!is_before(&heap[child], &last))
      break;
    heap[i] = heap[child];
    i = child;
  }
  if (count > 0)
    heap[i] = last;
  return first;
}

void timeline_tick(uint64_t us) {
  now_us += us;
  while (count > 0 && heap[0].at <= now_us) {
    plan_t plan = take_first();

    happened++;
    plan.cb(plan.arg, plan.a, plan.b);
  }
}
