/* One try of a request on one connection.
 *
 *   start -> SENDING -> AWAITING -> RECEIVING -> over
 *
 * An attempt writes the request, feeds what comes back to a reply, and knows
 * when it has waited for too long. It decides nothing about the connection or
 * about trying again: it tells how it ended. */
#ifndef POOL_ATTEMPT_H_
#define POOL_ATTEMPT_H_

#include "endpoint.h"
#include "flow.h"
#include "head.h"
#include "reply.h"

/* An attempt that goes on; other outcomes are 0 (an answer) or an error. */
#define POOL__GOES_ON 1

typedef struct pool__attempt_s pool__attempt_t;

/* All zeroes is one that has not been started. */
struct pool__attempt_s {
  pool__endpoint_t *endpoint; /* where it was last tried; NULL: nowhere yet */
  pool__conn_t *conn;         /* while it is on one */
  pool__reply_t *reply;       /* lent, from the first byte of the answer on */
  const pool__head_t *head;   /* the request */
  pool__flow_t *flow;         /* of a call whose bodies flow, or NULL */
  pool_phase_t phase;
  uint8_t reused;  /* the connection had served before */
  uint8_t sent;    /* bytes of it were given to the kernel */
  uint8_t is_ping; /* the pool's own, no call's */
  uint8_t excused; /* its end tells nothing of the endpoint */
  uint8_t broke;   /* the pipe did, while the request was on its way */
  uint64_t started_at;
  uint64_t sent_at;       /* wholly; 0 while not */
  uint64_t first_byte_at; /* 0 while there is none */
};

typedef struct {
  uint32_t head_timeout_ms;  /* or POOL_OFF */
  uint32_t stall_timeout_ms; /* or POOL_OFF */
  uint32_t timeout_ms;       /* of the whole attempt; or POOL_OFF; as the one
                                of the head not of a flow that its user slows */
  uint32_t is_timed;         /* one of these is not OFF */
  uint32_t expect_ms;        /* a body is held back for so long at most */
  uint32_t min_rate;         /* bytes a second, of bodies that flow; or OFF */
  uint32_t rate_window_ms;   /* over so long */
} pool__attempt_limits_t;

/* Puts the request on a connection, which is BUSY with it then. GOES_ON, or
 * the error of the write; `sent` tells whether a byte of it has left. */
int pool__attempt_start(pool__attempt_t *attempt, pool__conn_t *conn,
                        const pool__head_t *head,
                        const pool__attempt_limits_t *limits);

/* The connection has written the rest of the request, or failed to: GOES_ON or
 * the error. That the server closed is not the end: it may have answered before
 * (RFC 9112 9.5), and what it sent is still to be read. */
int pool__attempt_sent(pool__attempt_t *attempt, int status,
                       const pool__attempt_limits_t *limits);

/* Sends what there is of a body that flows. As above. */
int pool__attempt_flush(pool__attempt_t *attempt,
                        const pool__attempt_limits_t *limits);

/* Bytes have come. */
int pool__attempt_read(pool__attempt_t *attempt, pool__reply_stash_t *stash,
                       const char *bytes, size_t len);

/* As above, for an answer that is told as it comes: it is only made ready for
 * them. 0, or UV_ENOMEM. */
int pool__attempt_hear(pool__attempt_t *attempt, pool__reply_stash_t *stash);

/* After a step of its reply: the body may go now. As of flush. */
int pool__attempt_continue(pool__attempt_t *attempt,
                           const pool__attempt_limits_t *limits);

/* Its user goes on: what is waited for is the network again. */
void pool__attempt_wait_anew(pool__attempt_t *attempt,
                             const pool__attempt_limits_t *limits);

/* The connection has ended. Never GOES_ON. */
int pool__attempt_end(pool__attempt_t *attempt, int error);

/* The connection's timer fired: UV_ETIMEDOUT, or GOES_ON and it is set anew. */
int pool__attempt_check(pool__attempt_t *attempt,
                        const pool__attempt_limits_t *limits, uint64_t now);

/* Since when it is the server that is waited for, and not its user. */
uint64_t pool__attempt_waits_since(const pool__attempt_t *attempt);

/* Of one that ended with 0: whether its connection may serve again. */
int pool__attempt_keeps_alive(const pool__attempt_t *attempt);

/* Takes the attempt off its connection. */
void pool__attempt_leave(pool__attempt_t *attempt);

#endif
