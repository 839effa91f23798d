/* Numbers. Include httpool.h. */
#ifndef HTTPOOL_STATS_H_
#define HTTPOOL_STATS_H_

#include "event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A pool's numbers. The counters only grow, and at any time
 * accepted == succeeded + failed + cancelled + pending. */
typedef struct {
  uint32_t max_pending;     /* the limit */
  uint32_t pending;         /* accepted, callback not yet run; <= max_pending,
                               unless that was lowered below it */
  uint32_t peak_pending;    /* the most there ever were */
  uint32_t waiting;         /* of pending: no connection yet */
  uint32_t active;          /* of pending: on a connection */
  uint32_t connecting;      /* connections being opened */
  uint32_t idle;            /* open, at rest */
  uint32_t busy;            /* open, with a request */
  uint32_t closing;         /* on their way out */
  uint32_t endpoints;       /* of the pool, those that are out too */
  uint64_t accepted;        /* pool_request() returned 0 */
  uint64_t refused;         /* POOL_EOVERLOADED */
  uint64_t succeeded;       /* ended with an answer, whatever its status */
  uint64_t failed;          /* ended with an error */
  uint64_t cancelled;       /* ended by pool_cancel() */
  uint64_t connects;        /* connections opened */
  uint64_t connect_fails;   /* connections that could not be */
  uint64_t reuses;          /* requests put on a connection used before */
  uint64_t stale;           /* idle connections found dead when wanted */
  uint64_t unsolicited;     /* idle connections closed for bytes on them */
  uint64_t events_lost;     /* events that found their queue full */
  uint64_t bytes_allocated; /* of our memory now: sizes as asked for */
  uint32_t backoff;         /* of pending: waits for the time of its retry */
  uint32_t out;             /* of endpoints: out of service now */
  uint64_t retries;         /* begun; replays too */
  uint64_t replays;         /* of them: on account of a stale connection */
  uint64_t retries_denied;  /* would have been, but for the budget */
  uint64_t ejections;       /* endpoints taken out */
  uint64_t pings;           /* sent */
} pool_stats_t;

/* An endpoint's numbers. */
typedef struct {
  uint32_t connecting; /* these four as in pool_stats_t */
  uint32_t idle;
  uint32_t busy;
  uint32_t closing;
  uint64_t attempts;  /* requests sent to it */
  uint64_t succeeded; /* of them: answered, whatever the status */
  uint64_t failed;    /* of them: ended without an answer */
  uint64_t connects;
  uint64_t connect_fails;
  int last_error; /* the latest failure, 0 when there was none */
  pool_health_t health;
  uint32_t weight;
  uint32_t latency_ms;   /* sent -> first byte, as it is balanced by; 0: none */
  uint32_t fails_in_row; /* these three as in pool_event_t */
  uint32_t recent;
  uint32_t recent_fails;
  uint64_t ejections;
  uint64_t pings;
} pool_endpoint_stats_t;

#ifdef __cplusplus
}
#endif

#endif /* HTTPOOL_STATS_H_ */
