/* Pings: how the pool asks an endpoint whether it is well.
 *
 * A ping is a GET of its own on a connection of its own, opened for it: that an
 * endpoint takes a connection is part of the question. It is no call and does
 * not count as pending. When it is answered, its connection stays. */
#ifndef POOL_PING_H_
#define POOL_PING_H_

#include "attempt.h"
#include "health.h"

/* Of one endpoint; as long as that. */
typedef struct pool__ping_s {
  pool__attempt_t attempt;
  pool__conn_t *conn; /* being opened for it, or with it; NULL: not under way */
  unsigned needs_room : 1; /* it begins when a connection there has gone */
} pool__ping_t;

typedef struct {
  pool__head_t head; /* the request, the same for all */
  pool__attempt_limits_t limits;
  uint32_t connecting; /* connections being opened for pings */
  uint32_t active;     /* pings on connections */
  uint64_t sent;
} pool__pings_t;

/* `path` may be NULL: no pings. UV_EINVAL: it is no path; UV_ENOMEM. */
int pool__pings_init(pool__pings_t *pings, pool__mem_t *mem,
                     const pool_config_t *config);
void pool__pings_clear(pool__pings_t *pings);

/* What an endpoint needs to be pinged, and its end. UV_ENOMEM. */
int pool__ping_add(pool__endpoint_t *endpoint);
void pool__ping_remove(pool__endpoint_t *endpoint);

extern const pool__health_ops_t pool__ping_health_ops;

static inline int pool__ping_is_of(const pool__conn_t *conn) {
  return conn->endpoint->ping != NULL && conn->endpoint->ping->conn == conn;
}

/* Whether a connection there is in the way of a ping; and one has gone. */
static inline int pool__ping_needs_room(const pool__endpoint_t *endpoint) {
  return endpoint->ping != NULL && endpoint->ping->needs_room;
}
void pool__ping_has_room(pool__endpoint_t *endpoint);

/* The connection that was opened for a ping is there, and IDLE; or could not be
 * opened, and is closed. */
void pool__ping_connected(pool__conn_t *conn);
void pool__ping_not_connected(pool__conn_t *conn, int error);

/* A ping's attempt is over. */
void pool__ping_conclude(pool__attempt_t *attempt, int error);

/* Ends a ping that is under way, if there is one: its connection is closed, and
 * nobody is told. */
void pool__ping_stop(pool__endpoint_t *endpoint);

#endif
