/* Brings waiting calls and connections together, and hears from both. */
#ifndef POOL_DISPATCH_H_
#define POOL_DISPATCH_H_

#include "pool.h"

/* What connections tell a pool. */
extern const pool__conn_ops_t pool__dispatch_ops;

/* Gives idle connections to waiting calls, oldest first, and opens connections
 * while calls that wait outnumber those being opened. Runs no user code. */
void pool__dispatch(pool_t *pool);

/* The callback of a call's deadline. */
void pool__dispatch_deadline(pool__timer_t *timer, uint64_t now);

/* Takes a pending call off its connection, which is closed, and settles how it
 * ends; its callback runs from the loop. */
void pool__dispatch_abort(pool_t *pool, pool__call_t *call, int error);

/* Closes connections that serve nobody: of one endpoint, or of all (NULL). */
void pool__dispatch_close_unused(pool_t *pool, pool__endpoint_t *endpoint);

#endif
