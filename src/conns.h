/* The connections of a pool while they serve nobody: how they come to rest, and
 * how they go. Nothing here runs user code. */
#ifndef POOL_CONNS_H_
#define POOL_CONNS_H_

#include "pool.h"

static inline pool_t *pool__pool_of(const pool__conn_t *conn) {
  return conn->env->owner;
}

/* Closes a connection that serves nobody (any more). `error` is for the event:
 * 0 when that is our own wish. */
void pool__conns_drop(pool__conn_t *conn, int error);

/* As above, one on which bytes came that nobody asked for. */
void pool__conns_drop_unsolicited(pool__conn_t *conn);

/* Closes what serves nobody, but for pings: of one endpoint, or of all (NULL).
 */
void pool__conns_close_unused(pool_t *pool, pool__endpoint_t *endpoint);

/* BUSY or CONNECTING to IDLE, for `idle_ms` at most, or POOL_OFF. One that is
 * not known to be quiet is looked at before use. */
void pool__conns_rest(pool__conn_t *conn, uint32_t idle_ms);

/* Its timer fired while it is idle. */
void pool__conns_check_idle(pool__conn_t *conn, uint64_t now);

/* Looks at a connection that must be quiet: 0, or why it cannot be used. */
int pool__conns_look_at(const pool__conn_t *conn);

/* The idle connection of an endpoint that is used next; it has one. NULL: it
 * was found dead, and is closed. */
pool__conn_t *pool__conns_check_out(pool__endpoint_t *endpoint);

#endif
