/* The endpoints of a pool, and each one's connections as lists.
 *
 * An endpoint is SERVING or LEAVING: it was removed and is waiting for its last
 * connections. Of those that serve
 *
 *   some are OUT      no request goes there (health.c says so)
 *   some are resting  a connect has failed there, the next one has to wait
 *   some are able     a request could go there now: there is an idle
 *                     connection, or one may be opened
 *   some are ready    able, with an idle connection
 *
 * Whether one is able is worked out anew whenever something about it changes,
 * so that a choice among the able ones needs no search: they are an array.
 * Of an endpoint's idle connections the one used last is the first: the
 * warmest, and the others grow old and go (LIFO). */
#ifndef POOL_ENDPOINT_H_
#define POOL_ENDPOINT_H_

#include "address.h"
#include "conn.h"
#include "load.h"
#include "window.h"

#define POOL__ENDPOINT_UNABLE UINT32_MAX

typedef struct pool__endpoint_s pool__endpoint_t;

typedef struct {
  uint32_t max_connections; /* of an endpoint, in any state */
  uint32_t max_connecting;  /* of them, being opened */
} pool__endpoint_limits_t;

typedef struct {
  pool__mem_t *mem;
  pool__endpoint_limits_t limits;
  pool__list_t serving;
  pool__list_t leaving;
  pool__list_t ready;      /* able, with an idle connection: latest first */
  pool__list_t trials;     /* able, on trial */
  pool__list_t resting;    /* the one that failed longest ago first */
  pool__endpoint_t **able; /* [able_count], room for able_room */
  uint32_t able_count;
  uint32_t able_room; /* at least serving.length */
  uint32_t usable;    /* able, or it will be when something there ends */
  uint32_t health[POOL_SLOW_START + 1]; /* serving ones by health */
  uint32_t down;                        /* of those that serve */
  uint32_t last_id;
  uint32_t conns[POOL__CONN_STATES]; /* of all endpoints, by state */
  uint64_t connects;                 /* of all, ever */
  uint64_t connect_fails;
  uint64_t ejections;
  pool__load_t typical; /* of all endpoints */
} pool__endpoints_t;

struct pool__endpoint_s {
  pool__link_t link;  /* on serving or on leaving */
  pool__link_t ready; /* on the ready list, or on none */
  pool__link_t trial; /* on the list of trials, or on none */
  pool__link_t rest;  /* on the resting list, or on none */
  pool__endpoints_t *all;
  uint32_t id;   /* never used again */
  uint32_t able; /* its place among the able ones, or UNABLE */
  uint8_t usable;
  uint8_t steady;    /* in service, and nothing about that is in doubt */
  uint8_t can_open;  /* a connection */
  uint32_t leftover; /* in hand since before its health last changed */
  char *name;        /* as it was added */
  size_t name_size;
  pool__address_t address;
  pool__list_t conns[POOL__CONN_STATES]; /* by state */
  uint32_t conn_count;                   /* in every state */
  pool__timer_t backoff;                 /* armed while it rests */
  uint32_t connect_fails_in_row;
  uint64_t fail_serial; /* when the latest of them failed; 0 for never */
  int last_error;
  unsigned leaving : 1;    /* on that list */
  unsigned farewelled : 1; /* POOL_EVENT_REMOVED was queued */
  uint32_t weight;
  pool__load_t load;
  pool_health_t health;                /* these are health.c's */
  pool__timer_t health_timer;          /* its next change, or ping */
  unsigned is_down : 1;                /* OUT, and a ping has found it so */
  struct pool__health_s *health_owner; /* once it was changed */
  uint32_t fails_in_row;               /* of attempts and connects */
  uint32_t ejected_in_row; /* times, without a good while between them */
  uint32_t ping_gap_ms;    /* between the latest ping and the next */
  uint64_t health_at;      /* when it was last changed */
  pool__window_t window;
  struct pool__ping_s *ping; /* NULL where nobody pings */
  uint64_t pings;
  uint64_t ejections;
  uint64_t attempts;  /* requests sent */
  uint64_t succeeded; /* of them */
  uint64_t failed;    /* of them */
  uint64_t connects;
  uint64_t connect_fails;
};

void pool__endpoints_init(pool__endpoints_t *all, pool__mem_t *mem,
                          const pool__endpoint_limits_t *limits);

/* Frees what is left when all endpoints are destroyed. */
void pool__endpoints_clear(pool__endpoints_t *all);

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

/* Whether it may have another connection. */
static inline int pool__endpoint_has_room(const pool__endpoint_t *endpoint) {
  const pool__endpoint_limits_t *limits = &endpoint->all->limits;

  return endpoint->conns[POOL__CONN_CONNECTING].length <
             limits->max_connecting &&
         endpoint->conn_count < limits->max_connections;
}

/* Attempts there, and connections being opened there. */
static inline uint32_t
pool__endpoint_in_hand(const pool__endpoint_t *endpoint) {
  return endpoint->conns[POOL__CONN_BUSY].length +
         endpoint->conns[POOL__CONN_CONNECTING].length;
}

/* Its connects have to wait; for health.c also takes an endpoint out or back.
 * Only an endpoint that serves can rest. */
void pool__endpoint_rest(pool__endpoint_t *endpoint);
void pool__endpoint_rise(pool__endpoint_t *endpoint);
void pool__endpoint_set_health(pool__endpoint_t *endpoint,
                               pool_health_t health);

/* Whether a ping has found it so; of one that serves. */
static inline void pool__endpoint_set_down(pool__endpoint_t *endpoint,
                                           int is_down) {
  endpoint->all->down += (uint32_t)is_down - endpoint->is_down;
  endpoint->is_down = is_down ? 1 : 0;
}

static inline int pool__endpoint_rests(const pool__endpoint_t *endpoint) {
  return pool__link_listed(&endpoint->rest);
}

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
