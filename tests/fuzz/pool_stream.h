/* Bodies that flow, of fuzz_pool's user: writes, ends, pauses and goes on as
 * the script says, and checks what it is told. */
#ifndef POOL_STREAM_H_
#define POOL_STREAM_H_

#include "pool_world.h"

/* The lowest bit: the answer comes in pieces; the next: the body is written in
 * pieces; without either it waits for a 100 (Continue). */
void stream_prepare(call_t *call, pool_request_t *request, unsigned kind);

/* Steps. `a`: which call. `b` of writes: how much; of goes_on: to pause. */
void stream_writes(world_t *world, const script_step_t *step);
void stream_goes_on(world_t *world, const script_step_t *step);
void stream_ends(world_t *world, const script_step_t *step);

/* Nobody is paused any more, and what was begun is ended. */
void streams_heal(world_t *world);

#endif
