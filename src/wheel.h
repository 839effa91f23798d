/* All deadlines of a pool: a hashed timing wheel (Varghese and Lauck, scheme
 * 6) behind one uv_timer_t.
 *
 * A timer's tick is its due time, rounded up to the resolution; its slot is
 * the tick modulo the number of slots. Arm and disarm are O(1). The uv_timer_t
 * is armed for the next slot that has anyone in it; who finds there that a
 * timer is due only in a later round leaves it where it is.
 *
 * Answers before timers: when the loop was blocked, what the sockets received
 * meanwhile has not been read yet. So when the uv_timer_t comes late, it first
 * lets the loop poll once more, and only then are the deadlines judged.
 *
 * The uv_timer_t also is what keeps the loop alive for the pool: pool__wheel_
 * hold() while there is something to wait for. Otherwise it holds nothing. */
#ifndef POOL_WHEEL_H_
#define POOL_WHEEL_H_

#include <uv.h>

#include "queue.h"

#define POOL__WHEEL_SLOTS    512u
#define POOL__WHEEL_GRACE_MS 2u /* a loop that is later was busy elsewhere */
#define POOL__WHEEL_BLOCKED_MS                                                 \
  20u /* later, and what went wrong meanwhile is our own fault */

typedef struct pool__timer_s pool__timer_t;
typedef struct pool__wheel_s pool__wheel_t;

/* Runs once when the timer is due; it is disarmed by then, and may be armed
 * again. Anything may be done in it, pool__wheel_close() included. */
typedef void (*pool__timer_cb)(pool__timer_t *timer, uint64_t now);

/* All zeroes is a disarmed timer. It must be disarmed before its memory goes.
 */
struct pool__timer_s {
  pool__link_t link; /* on its slot's list while armed */
  uint64_t due;      /* in ms of the loop's clock */
  uint64_t tick;     /* of the wheel, when it is due */
  pool__timer_cb cb;
};

struct pool__wheel_s {
  uv_timer_t uv;
  uint64_t resolution;   /* ms in a tick */
  uint64_t tick;         /* all ticks up to this one have been judged */
  uint64_t next;         /* the tick the uv_timer_t is armed for, or NEVER */
  uint64_t blocked_from; /* the loop was blocked since then, the last time */
  uint64_t blocked_at;   /* and found to be then; 0: never */
  uint32_t armed;        /* timers */
  unsigned held : 1;     /* the loop is kept alive */
  unsigned graced : 1;   /* the sockets have been polled since it was late */
  unsigned closed : 1;
  void (*closed_cb)(pool__wheel_t *wheel);
  uint64_t full[POOL__WHEEL_SLOTS / 64]; /* one bit for a slot in use */
  pool__list_t slots[POOL__WHEEL_SLOTS];
};

void pool__wheel_init(pool__wheel_t *wheel, uv_loop_t *loop,
                      uint32_t resolution_ms);

/* Closes the uv_timer_t; `cb` follows. No timer fires any more, armed ones may
 * be disarmed still. */
void pool__wheel_close(pool__wheel_t *wheel, void (*cb)(pool__wheel_t *wheel));

/* Arms a timer `after_ms` from the loop's now, or moves it there. */
void pool__wheel_arm(pool__wheel_t *wheel, pool__timer_t *timer,
                     uint64_t after_ms, pool__timer_cb cb);

/* As above, but a timer that is armed for that time or before stays: for
 * deadlines that are pushed on and on. Its callback has to look again. */
void pool__wheel_arm_by(pool__wheel_t *wheel, pool__timer_t *timer,
                        uint64_t after_ms, pool__timer_cb cb);

/* Disarmed already is fine. */
void pool__wheel_disarm(pool__wheel_t *wheel, pool__timer_t *timer);

/* Keeps the loop alive, from now on, and no longer. Twice is fine; so is to let
 * go of the loop when the wheel is closed. */
void pool__wheel_hold(pool__wheel_t *wheel);
void pool__wheel_let_go(pool__wheel_t *wheel);

static inline int pool__timer_armed(const pool__timer_t *timer) {
  return pool__link_listed(&timer->link);
}

static inline uint64_t pool__wheel_now(const pool__wheel_t *wheel) {
  return uv_now(wheel->uv.loop);
}

/* For how long of that time the loop is known to have been blocked, when it was
 * blocked last. Known is what a timer shows that was due meanwhile. */
static inline uint64_t pool__wheel_blocked_ms(const pool__wheel_t *wheel,
                                              uint64_t from, uint64_t to) {
  if (from < wheel->blocked_from)
    from = wheel->blocked_from;
  if (to > wheel->blocked_at)
    to = wheel->blocked_at;
  return to > from ? to - from : 0;
}

/* Whether what is found now is found late, for the loop was blocked. */
static inline int pool__wheel_is_late(const pool__wheel_t *wheel) {
  return wheel->blocked_at != 0 &&
         pool__wheel_now(wheel) <= wheel->blocked_at + POOL__WHEEL_GRACE_MS;
}

#endif
