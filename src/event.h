/* Events that wait to be told: a ring with room for 64. */
#ifndef POOL_EVENT_H_
#define POOL_EVENT_H_

#include "mem.h"

#define POOL__EVENTS_MAX 64u

typedef struct {
  pool__mem_t *mem;
  pool_event_t *ring; /* NULL when nobody wants to know */
  uint32_t first;
  uint32_t count;
  uint64_t lost; /* since the last one that found room */
  uint64_t lost_ever;
} pool__events_t;

/* With `wanted` 0 events are dropped, uncounted. UV_ENOMEM. */
int pool__events_init(pool__events_t *events, pool__mem_t *mem, int wanted);
void pool__events_clear(pool__events_t *events);

/* A copy of it, with `lost` set; its endpoint has to live until it is told. */
void pool__events_add(pool__events_t *events, const pool_event_t *event);

/* Whether the next one would be lost. */
int pool__events_full(const pool__events_t *events);

/* The oldest one, off the ring: 1. Or 0. */
int pool__events_take(pool__events_t *events, pool_event_t *event);

#endif
