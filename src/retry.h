/* Whether a request that failed is tried again, and when: decisions without
 * effects. The budget has its say after them (budget.h). */
#ifndef POOL_RETRY_H_
#define POOL_RETRY_H_

#include <stddef.h>
#include <stdint.h>

/* What is known of a failed attempt's request. */
typedef enum {
  POOL__RETRY_NEVER,
  POOL__RETRY_UNSENT,    /* no byte of it can have reached a server */
  POOL__RETRY_STALE,     /* it met the end of a connection that was used before:
                            no server has worked on it, very likely */
  POOL__RETRY_AMBIGUOUS, /* a server may have worked on it */
  POOL__RETRY_JUDGED     /* it was answered, and the answer not accepted */
} pool__retry_class_t;

/* How an attempt failed. */
typedef struct {
  int error;               /* a status of ours or of libuv */
  unsigned sent : 1;       /* a byte of it was given to the kernel */
  unsigned reused : 1;     /* its connection had served a request before */
  unsigned answered : 1;   /* a byte of an answer has come */
  unsigned repeatable : 1; /* it may be executed twice */
} pool__retry_failure_t;

/* What kind of failure that is, by RFC 9110 section 9.2.2 and RFC 9112 section
 * 9.3.1: requests that are not repeatable are tried again only when they were
 * not sent; and our own refusals, cancellations, limits never. */
pool__retry_class_t pool__retry_class(const pool__retry_failure_t *failure);

/* What a decision is made of. Times are in ms of the loop's clock. */
typedef struct {
  pool__retry_class_t class;
  uint32_t attempts;      /* so far, without the free one */
  uint32_t max_attempts;  /* 1: never again, not even for free */
  unsigned had_free : 1;  /* the free retry of a stale connection is used up */
  unsigned elsewhere : 1; /* there is an endpoint that was not tried */
  uint32_t delay_ms;      /* JUDGED: asked for, or POOL__RETRY_ANY */
  uint32_t base_ms;       /* of the backoff */
  uint64_t now;
  uint64_t due;       /* the deadline; UINT64_MAX for none */
  uint64_t likely_ms; /* that an attempt takes; 0 when that is not known */
  uint64_t random;    /* any number */
} pool__retry_case_t;

#define POOL__RETRY_ANY    UINT32_MAX
#define POOL__RETRY_CAP_MS 1000u /* of the backoff */

typedef struct {
  uint32_t delay_ms;
  unsigned is_free : 1;  /* costs no attempt and no token */
  unsigned is_fresh : 1; /* on a new connection only */
} pool__retry_plan_t;

/* 1: again, as planned. 0: not.
 *
 * A stale connection is made up for once, at once. Everything else backs off
 * with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): between 0
 * and base * 2^(retry - 1), at most POOL__RETRY_CAP_MS; but a first retry of
 * what was not sent goes elsewhere at once. A retry that would be too late is
 * not begun. */
int pool__retry_decide(const pool__retry_case_t *given,
                       pool__retry_plan_t *plan);

#endif
