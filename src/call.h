/* Accepted requests: where each one is, and how it ends.
 *
 *   accept -> WAITING ----> ACTIVE ----> ENDED -> callback
 *              ^   ^          |  |
 *              |   `- BACKOFF <  `-> FRESH -> ACTIVE
 *              `--------------'
 *
 * A call whose attempt failed may go back to wait: for a time (BACKOFF), for a
 * connection, or for a connection that is new (FRESH). ENDED: how it ends is
 * settled, the callback is due; any of them may come to that.
 *
 * A call is a slot of a slab. It is on the list of its state; but an active one
 * is where its attempt is, on a busy connection, and on no
 * list of ours: a list of thousands would be two cache misses a request.
 * pool__call_finish is the only end, and the only place where a done callback
 * runs. An id is the slot's number and how often the slot was used, so that an
 * old one finds nothing.
 *
 * Deadlines are lazy: a slot's timer stays armed when its call ends, and is
 * moved only for a call with an earlier deadline. When it fires it looks at
 * the call that is there then. */
#ifndef POOL_CALL_H_
#define POOL_CALL_H_

#include "attempt.h"

#define POOL__MAX_PENDING  (1u << 24)
#define POOL__MAX_ATTEMPTS 100u
#define POOL__CALL_TRIED   8u /* endpoints that it remembers */

/* For so long a call waits for what it would like best, as RFC 8305 section 5
 * does for an address. It counts from when it begins to wait. */
#define POOL__CALL_PATIENCE_MS 250u

typedef enum {
  POOL__CALL_FREE, /* not accepted */
  POOL__CALL_WAITING,
  POOL__CALL_FRESH,   /* waits for a new connection */
  POOL__CALL_BACKOFF, /* waits for its time */
  POOL__CALL_ACTIVE,
  POOL__CALL_ENDED,
  POOL__CALL_STATES
} pool__call_state_t;

typedef struct {
  pool__mem_t *mem;
  pool__wheel_t *wheel;
  pool__slab_t slab;
  pool__flows_t flows;
  pool__list_t lists[POOL__CALL_STATES]; /* all but FREE and ACTIVE */
  uint32_t active;
  uint32_t max_pending;
  uint32_t pending;
  uint32_t peak_pending;
  uint64_t accepted;
  uint64_t refused;
  uint64_t succeeded;
  uint64_t failed;
  uint64_t cancelled;
  uint64_t reuses;
} pool__calls_t;

typedef struct pool__call_s {
  pool__link_t link; /* on the list of its state, or on none */
  pool__call_state_t state;
  uint32_t index;      /* of the slot */
  uint32_t generation; /* of the slot's use; never 0 while accepted */
  int error;           /* ENDED: how */
  uint8_t cancelled;   /* ENDED: by its user */
  uint8_t had_free;    /* it was replayed for free */
  uint8_t paid;        /* a retry that the budget paid for is under way */
  uint32_t max_attempts;
  uint32_t tries;  /* attempts that count: not the one that was replayed */
  uint32_t sends;  /* how many times bytes of it were sent */
  int first_error; /* of its attempts that failed; 0 */
  int last_error;
  uint32_t tried_count;
  uint32_t tried[POOL__CALL_TRIED]; /* ids of endpoints, the latest ones */
  struct pool_s *pool;              /* whose it is; not for this room */
  pool_done_cb done;
  void *data;
  pool__timer_t deadline; /* due then or before; may be armed for nobody */
  uint64_t due;           /* the call's deadline; UINT64_MAX for none */
  uint64_t retry_at;      /* BACKOFF: until then */
  uint64_t patient_until; /* WAITING: for an endpoint that it likes; FRESH: for
                             a new connection */
  uint64_t accepted_at;
  uint64_t serial;    /* connect failures before it was accepted */
  pool__flow_t *flow; /* its own, or NULL: both bodies are whole */
  pool__attempt_t attempt;
  pool__head_t head;
} pool__call_t;

/* `high`: bytes of an upload that wait at most. */
void pool__calls_init(pool__calls_t *calls, pool__mem_t *mem,
                      pool__wheel_t *wheel, uint32_t max_pending, size_t high);

/* Frees the slots; no call may be pending. */
void pool__calls_clear(pool__calls_t *calls);

/* Accepts a request: it is WAITING, last in line, and pending. The caller has
 * seen that there is room. UV_EINVAL, UV_ENOMEM: it is not accepted. */
int pool__call_accept(pool__calls_t *calls, const pool_request_t *request,
                      size_t max_head_bytes, pool__call_t **out);

pool_call_t pool__call_id(const pool__call_t *call);

/* The call of an id, or NULL when it has ended or never was. */
pool__call_t *pool__call_find(const pool__calls_t *calls, pool_call_t id);

/* The call that waits longest, or NULL. */
static inline pool__call_t *
pool__call_first_waiting(const pool__calls_t *calls) {
  pool__link_t *link = pool__list_first(&calls->lists[POOL__CALL_WAITING]);

  return link == NULL ? NULL : POOL__OF(link, pool__call_t, link);
}

/* Sets the deadline of a call, from now on; POOL_OFF for none. `cb` may come
 * too early, or for a call that has ended. */
void pool__call_set_deadline(pool__calls_t *calls, pool__call_t *call,
                             uint32_t timeout_ms, pool__timer_cb cb);

/* WAITING or FRESH to ACTIVE: it is on a connection. */
void pool__call_activate(pool__calls_t *calls, pool__call_t *call);

/* To WAITING, FRESH or BACKOFF, for another attempt. What the last one left
 * behind is forgotten; it must not be on a connection any more. */
void pool__call_again(pool__calls_t *calls, pool__call_t *call,
                      pool__call_state_t state);

/* BACKOFF to WAITING, last in line. */
void pool__call_wait(pool__calls_t *calls, pool__call_t *call);

/* Notes that an attempt failed, and on which endpoint (0: on none). Of
 * endpoints each is remembered once. */
void pool__call_note_failure(pool__call_t *call, int error, uint32_t endpoint);

/* Settles how a call ends: it is ENDED. It must not be on a connection any
 * more. */
void pool__call_end(pool__calls_t *calls, pool__call_t *call, int error);

/* What is known of a call that is ENDED; it lives until that is finished. */
void pool__call_tell(const pool__calls_t *calls, const pool__call_t *call,
                     pool_result_t *result);

/* Runs the callback of a call that is ENDED. The call is gone before that. */
void pool__call_finish(pool__calls_t *calls, pool__call_t *call);

#endif
