/* The endpoints of a pool, and each one's connections as lists.
 *
 * An endpoint is SERVING (requests may go there) or LEAVING (it was removed
 * and is waiting for its last connections). One that serves and has an idle
 * connection is also on the ready list, the latest to get one first. Of its
 * idle connections the one used last is the first too: the warmest, and the
 * others grow old and go (LIFO). */
#ifndef POOL_ENDPOINT_H_
#define POOL_ENDPOINT_H_

#include "address.h"
#include "conn.h"

typedef struct pool__endpoint_s pool__endpoint_t;

typedef struct {
  pool__mem_t *mem;
  pool__list_t serving;
  pool__list_t leaving;
  pool__list_t ready;                /* serving, with an idle connection */
  uint32_t conns[POOL__CONN_STATES]; /* of all endpoints, by state */
  uint64_t connects;                 /* of all, ever */
  uint64_t connect_fails;
} pool__endpoints_t;

struct pool__endpoint_s {
  pool__link_t link;  /* on serving or on leaving */
  pool__link_t ready; /* on the ready list, or on none */
  pool__endpoints_t *all;
  char *name; /* as it was added */
  size_t name_size;
  pool__address_t address;
  pool__list_t conns[POOL__CONN_STATES]; /* by state */
  pool__timer_t backoff; /* while armed, a connect is likely to fail again */
  uint32_t fails_in_row; /* of its connects, the latest ones */
  uint64_t fail_serial;  /* when the latest of them failed; 0 for never */
  int last_error;
  unsigned leaving : 1;    /* on that list */
  unsigned farewelled : 1; /* POOL_EVENT_REMOVED was queued */
  uint64_t attempts;       /* requests sent */
  uint64_t succeeded;      /* of them */
  uint64_t failed;         /* of them */
  uint64_t connects;
  uint64_t connect_fails;
};

void pool__endpoints_init(pool__endpoints_t *all, pool__mem_t *mem);

/* Makes one and lets it serve. UV_EINVAL, UV_ENOTSUP, UV_EEXIST, UV_ENOMEM. */
int pool__endpoint_add(pool__endpoints_t *all, const char *name,
                       pool__endpoint_t **endpoint);

/* The serving endpoint of that address. UV_EINVAL, UV_ENOENT. */
int pool__endpoint_find(const pool__endpoints_t *all, const char *name,
                        pool__endpoint_t **endpoint);

/* From serving to leaving. */
void pool__endpoint_leave(pool__endpoint_t *endpoint);

/* Frees one without connections. */
void pool__endpoint_destroy(pool__endpoint_t *endpoint);

/* Connections in every state. */
uint32_t pool__endpoint_conns(const pool__endpoint_t *endpoint);

/* Makes a connection and begins to open it; it is CONNECTING, or, after an
 * error of the socket, CLOSING. UV_ENOMEM comes without a connection. */
int pool__endpoint_connect(pool__endpoint_t *endpoint, pool__conn_env_t *env,
                           pool__conn_t **out);

/* The one function that moves a connection between states. */
void pool__endpoint_move(pool__conn_t *conn, pool__conn_state_t state);

/* Moves a connection to CLOSING and closes it; it serves nobody. */
void pool__endpoint_close_conn(pool__conn_t *conn);

/* Frees a connection that is closed. */
void pool__endpoint_forget(pool__conn_t *conn);

#endif
