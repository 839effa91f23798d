/* What has to be true of fuzz_pool's pool, whatever happens to it. */
#ifndef POOL_ORACLE_H_
#define POOL_ORACLE_H_

#include "pool_world.h"

/* At each poll: every invariant, every number, every socket. */
void oracle_poll(const world_t *world);

/* The pool's numbers against the world's. */
void oracle_stats(const world_t *world);

/* What a call is told. Returns a digest of it, which must be the same when the
 * callback returns. */
uint64_t oracle_result(const call_t *call, const pool_result_t *result);
uint64_t oracle_digest(const pool_result_t *result);

/* How often a call may be sent, at most. */
uint32_t oracle_attempts(const call_t *call);

/* What a call to pool_request() costs. */
typedef struct {
  uint64_t allocations;
  uint64_t failures; /* of them */
  uint64_t calls;    /* of the system */
  uint64_t now_us;
} oracle_costs_t;

oracle_costs_t oracle_costs(const world_t *world);

typedef enum { ORACLE_FINE, ORACLE_UNSURE, ORACLE_BAD } oracle_request_t;

/* What pool_request() said of a request; `before` is the costs before it. */
void oracle_verdict(const world_t *world, int rc, oracle_request_t request,
                    const oracle_costs_t *before);

/* The name of an endpoint that a user is told. */
void oracle_name(const world_t *world, const char *endpoint);

/* Endpoints that requests may go to. */
uint32_t oracle_serving(const world_t *world);

#endif
