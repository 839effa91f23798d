/* What a pool does on its own, and tells of: retries, the health of endpoints,
 * events. Include httpool.h. */
#ifndef HTTPOOL_EVENT_H_
#define HTTPOOL_EVENT_H_

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Retries. A request whose attempt fails is tried again, on another endpoint
 * than those it was tried on while there is one, when that is safe (RFC 9110
 * section 9.2.2, RFC 9112 section 9.3.1):
 *
 *  - unsent: not one byte of it can have reached a server. Any method.
 *  - stale: its connection had served before, and ended before the first byte
 *    of an answer. Repeatable requests: once, at once, on a new connection; it
 *    is not blamed on the endpoint, and counts as no attempt.
 *  - ambiguous: any other failure of an attempt. Repeatable requests.
 *  - rejected: answered, and on_retry did not accept it. Repeatable requests.
 *
 * Repeatable are GET, HEAD, OPTIONS, TRACE, PUT and DELETE, requests with an
 * Idempotency-Key field, and those with POOL_IDEMPOTENT. Retries back off
 * exponentially with full jitter, end by the request's deadline, count as
 * pending, and are paid for by successes (retry_ratio): where nothing succeeds
 * there are none. Refusals and limits of ours are final. */
typedef enum {
  POOL_RETRY_UNSENT = 1,
  POOL_RETRY_STALE,
  POOL_RETRY_AMBIGUOUS,
  POOL_RETRY_REJECTED
} pool_retry_t;

/* Where an endpoint stands. */
typedef enum {
  POOL_HEALTHY,   /* in service */
  POOL_OUT,       /* taken out: no request goes there */
  POOL_ON_TRIAL,  /* it gets one request, and that decides */
  POOL_SLOW_START /* back, with a share that grows for ten seconds */
} pool_health_t;

/* Why that changed. */
typedef enum {
  POOL_BECAUSE_FAILS = 1,   /* it failed eject_after times in a row */
  POOL_BECAUSE_RATE,        /* it fails much more often than the others */
  POOL_BECAUSE_PING_FAILED, /* it did not answer a ping either */
  POOL_BECAUSE_PING,        /* it answered a ping */
  POOL_BECAUSE_TIME,        /* it has been out for its time */
  POOL_BECAUSE_TRIAL,       /* it answered its trial request */
  POOL_BECAUSE_TRIAL_FAILED,
  POOL_BECAUSE_PANIC,  /* too few would be in service without it */
  POOL_BECAUSE_STARTED /* its slow start is over */
} pool_health_reason_t;

/* What happened to a pool's connections and endpoints. */
typedef enum {
  POOL_EVENT_CONNECT,      /* a connection was opened */
  POOL_EVENT_CONNECT_FAIL, /* one could not be; `error` tells why */
  POOL_EVENT_DISCONNECT,  /* one was closed; `error` is 0 when by us, at rest */
  POOL_EVENT_UNSOLICITED, /* bytes came on an idle connection; it was closed */
  POOL_EVENT_REMOVED,     /* a removed endpoint has closed its last one */
  POOL_EVENT_DRAINED,     /* after pool_drain(): nothing is pending any more */
  POOL_EVENT_RETRY,       /* a request will be tried again; `error` is why */
  POOL_EVENT_HEALTH       /* an endpoint was taken out or comes back */
} pool_event_type_t;

/* Read-only, valid until the callback returns; grows only at its end. */
typedef struct {
  pool_event_type_t type;
  int error;
  const char *endpoint; /* NULL for POOL_EVENT_DRAINED */
  uint64_t lost;        /* events before this one that found the queue full */
  uint32_t delay_ms;    /* RETRY: until it is tried again. HEALTH: until it is
                           asked or changes, at the latest; 0: open */
  pool_retry_t retry;   /* RETRY: why it may be */
  pool_call_t call;     /* RETRY: which request */
  uint32_t attempts;    /* RETRY: how often it was sent so far */
  pool_health_t health; /* HEALTH: where the endpoint stands now, and why */
  pool_health_reason_t reason;
  uint32_t fails_in_row; /* HEALTH: of its attempts and connects */
  uint32_t recent; /* HEALTH: of the latest ten seconds, how many counted */
  uint32_t recent_fails; /* and how many of them failed */
  uint32_t out;          /* HEALTH: endpoints that are out now, */
  uint32_t endpoints;    /* of how many */
} pool_event_t;

/* Events are told in order, from uv_run(), soon after they happened, and none
 * after pool_close(). At most 64 wait to be told; what is more is counted in
 * `lost`, but POOL_EVENT_DRAINED and POOL_EVENT_REMOVED are never lost. */
typedef void (*pool_event_cb)(pool_t *pool, const pool_event_t *event,
                              void *data);

#ifdef __cplusplus
}
#endif

#endif /* HTTPOOL_EVENT_H_ */
