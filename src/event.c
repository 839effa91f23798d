#include "event.h"

int pool__events_init(pool__events_t *events, pool__mem_t *mem, int wanted) {
  memset(events, 0, sizeof *events);
  events->mem = mem;
  if (!wanted)
    return 0;
  events->ring = pool__mem_take(mem, POOL__EVENTS_MAX, sizeof *events->ring);
  return events->ring == NULL ? UV_ENOMEM : 0;
}

void pool__events_clear(pool__events_t *events) {
  pool__mem_give(events->mem, events->ring,
                 POOL__EVENTS_MAX * sizeof *events->ring);
  events->ring = NULL;
  events->count = 0;
}

int pool__events_full(const pool__events_t *events) {
  return events->count == POOL__EVENTS_MAX;
}

void pool__events_add(pool__events_t *events, const pool_event_t *event) {
  pool_event_t *to;

  if (events->ring == NULL)
    return;
  if (pool__events_full(events)) {
    events->lost++;
    events->lost_ever++;
    return;
  }
  to = &events->ring[(events->first + events->count++) % POOL__EVENTS_MAX];
  *to = *event;
  to->lost = events->lost;
  events->lost = 0;
}

int pool__events_take(pool__events_t *events, pool_event_t *event) {
  if (events->count == 0)
    return 0;
  *event = events->ring[events->first];
  events->first = (events->first + 1) % POOL__EVENTS_MAX;
  events->count--;
  return 1;
}
