/* The user of fuzz_pool's pool: acts as the script says, from the loop and from
 * callbacks, and checks each word it is told. */
#ifndef POOL_USER_H_
#define POOL_USER_H_

#include "pool_world.h"

/* Acts until it wants to wait: returns for how many ms, or -1 at the end. */
int64_t user_acts(world_t *world);

/* A request that must be answered well, if it is accepted: for an end. NULL if
 * it is refused. */
const call_t *user_asks_last(world_t *world);

/* What the script says that a callback does: does it, and returns the step, or
 * NULL. */
const script_step_t *user_acts_in_callback(world_t *world);

void user_closes(world_t *world);

/* For the pool's config. */
void user_on_event(pool_t *pool, const pool_event_t *event, void *arg);

/* The pool's numbers are what they have to be. */
void user_checks_stats(const world_t *world);

#endif
