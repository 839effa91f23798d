#include "wheel.h"

#include <assert.h>
#include <string.h>

#define NEVER  UINT64_MAX
#define FAR_MS (UINT64_MAX / 4) /* to be active and never run */

static uint32_t slot_of(uint64_t tick) {
  return (uint32_t)(tick % POOL__WHEEL_SLOTS);
}

static void on_uv_timer(uv_timer_t *handle);

/* Arms the uv_timer_t for `tick`, the next one with a timer, or for no tick.
 * Without timers it stays active only to hold the loop. */
static void set_next(pool__wheel_t *wheel, uint64_t tick) {
  uint64_t now = pool__wheel_now(wheel);
  uint64_t due = tick == NEVER ? now + FAR_MS : tick * wheel->resolution;
  int err;

  wheel->next = tick;
  if (tick == NEVER && !wheel->held) {
    uv_timer_stop(&wheel->uv);
    return;
  }
  err = uv_timer_start(&wheel->uv, on_uv_timer, due > now ? due - now : 0, 0);
  assert(err == 0); /* it fails only for a closing handle or without callback */
  (void)err;
}

/* The first tick after wheel->tick whose slot is in use, or NEVER. */
static uint64_t find_next(const pool__wheel_t *wheel) {
  uint64_t tick = wheel->tick + 1;
  uint32_t looked = 0;

  if (wheel->armed == 0)
    return NEVER;
  while (looked <= POOL__WHEEL_SLOTS) {
    uint32_t slot = slot_of(tick);
    uint64_t word = wheel->full[slot / 64] >> (slot % 64);
    uint32_t step = 64 - slot % 64;

    if (word != 0)
      return tick + (uint64_t)__builtin_ctzll(word);
    tick += step;
    looked += step;
  }
  return NEVER;
}

static void put_in_slot(pool__wheel_t *wheel, pool__timer_t *timer) {
  uint32_t slot = slot_of(timer->tick);

  pool__list_append(&wheel->slots[slot], &timer->link);
  wheel->full[slot / 64] |= 1ull << (slot % 64);
  wheel->armed++;
}

/* Runs what is due in one slot. The list is worked on where it is, since a
 * callback may disarm any timer; what was there at first bounds the round. */
static void run_slot(pool__wheel_t *wheel, uint32_t slot, uint64_t now) {
  pool__list_t *list = &wheel->slots[slot];
  uint32_t left = list->length;
  pool__link_t *link;

  while (left-- > 0 && (link = pool__list_first(list)) != NULL) {
    pool__timer_t *timer = POOL__OF(link, pool__timer_t, link);

    pool__list_remove(list, link);
    if (timer->due > now) {
      pool__list_append(list, link);
      continue;
    }
    wheel->armed--;
    /* The time as it is: a callback before this one may have taken long. */
    timer->cb(timer, pool__wheel_now(wheel));
    if (wheel->closed)
      return;
  }
  if (pool__list_empty(list))
    wheel->full[slot / 64] &= ~(1ull << (slot % 64));
}

static void run_due(pool__wheel_t *wheel, uint64_t now) {
  uint64_t last = now / wheel->resolution;

  if (last > wheel->tick + POOL__WHEEL_SLOTS)
    wheel->tick = last - POOL__WHEEL_SLOTS; /* each slot once is enough */
  while (wheel->tick < last) {
    uint32_t slot = slot_of(++wheel->tick);

    if ((wheel->full[slot / 64] >> (slot % 64) & 1) != 0)
      run_slot(wheel, slot, now);
    if (wheel->closed)
      return;
  }
}

/* How late the loop is. */
static uint64_t lateness(const pool__wheel_t *wheel, uint64_t now) {
  uint64_t due = wheel->next * wheel->resolution;

  return wheel->next != NEVER && now > due ? now - due : 0;
}

static void on_uv_timer(uv_timer_t *handle) {
  pool__wheel_t *wheel = POOL__OF(handle, pool__wheel_t, uv);
  uint64_t now = pool__wheel_now(wheel);
  uint64_t late = lateness(wheel, now);

  if (late > POOL__WHEEL_BLOCKED_MS) {
    wheel->blocked_from = now - late;
    wheel->blocked_at = now;
  }
  if (late > POOL__WHEEL_GRACE_MS && !wheel->graced) {
    wheel->graced = 1;
    /* 1, not 0: some versions of libuv would run it again before they poll. */
    uv_timer_start(&wheel->uv, on_uv_timer, 1, 0);
    return;
  }
  wheel->graced = 0;
  wheel->next = 0; /* callbacks that arm timers need not set the uv_timer_t */
  run_due(wheel, now);
  if (!wheel->closed)
    set_next(wheel, find_next(wheel));
}

void pool__wheel_init(pool__wheel_t *wheel, uv_loop_t *loop,
                      uint32_t resolution_ms) {
  uint32_t i;
  int err;

  memset(wheel, 0, sizeof *wheel);
  for (i = 0; i < POOL__WHEEL_SLOTS; i++)
    pool__list_init(&wheel->slots[i]);
  wheel->resolution = resolution_ms;
  wheel->next = NEVER;
  err = uv_timer_init(loop, &wheel->uv);
  assert(err == 0); /* it only fills in the handle */
  (void)err;
  uv_unref((uv_handle_t *)&wheel->uv);
  wheel->tick = pool__wheel_now(wheel) / wheel->resolution;
}

static void on_closed(uv_handle_t *handle) {
  pool__wheel_t *wheel = POOL__OF(handle, pool__wheel_t, uv);

  wheel->closed_cb(wheel);
}

void pool__wheel_close(pool__wheel_t *wheel, void (*cb)(pool__wheel_t *wheel)) {
  assert(!wheel->closed);
  wheel->closed = 1;
  wheel->closed_cb = cb;
  uv_close((uv_handle_t *)&wheel->uv, on_closed);
}

void pool__wheel_arm(pool__wheel_t *wheel, pool__timer_t *timer,
                     uint64_t after_ms, pool__timer_cb cb) {
  uint64_t now = pool__wheel_now(wheel);

  assert(!wheel->closed);
  pool__wheel_disarm(wheel, timer);
  if (wheel->armed == 0 && wheel->next == NEVER)
    wheel->tick = now / wheel->resolution; /* nothing before it to judge */
  timer->due = now + (after_ms > 0 ? after_ms : 1);
  timer->tick = (timer->due + wheel->resolution - 1) / wheel->resolution;
  timer->cb = cb;
  put_in_slot(wheel, timer);
  if (timer->tick < wheel->next)
    set_next(wheel, timer->tick);
}

void pool__wheel_arm_by(pool__wheel_t *wheel, pool__timer_t *timer,
                        uint64_t after_ms, pool__timer_cb cb) {
  if (pool__timer_armed(timer) &&
      timer->due <= pool__wheel_now(wheel) + after_ms)
    timer->cb = cb;
  else
    pool__wheel_arm(wheel, timer, after_ms, cb);
}

void pool__wheel_disarm(pool__wheel_t *wheel, pool__timer_t *timer) {
  uint32_t slot;

  if (!pool__timer_armed(timer))
    return;
  slot = slot_of(timer->tick);
  pool__list_remove(&wheel->slots[slot], &timer->link);
  if (pool__list_empty(&wheel->slots[slot]))
    wheel->full[slot / 64] &= ~(1ull << (slot % 64));
  wheel->armed--;
}

void pool__wheel_hold(pool__wheel_t *wheel) {
  assert(!wheel->closed);
  if (wheel->held)
    return;
  wheel->held = 1;
  uv_ref((uv_handle_t *)&wheel->uv);
  if (!uv_is_active((const uv_handle_t *)&wheel->uv))
    set_next(wheel, wheel->next);
}

void pool__wheel_let_go(pool__wheel_t *wheel) {
  if (!wheel->held || wheel->closed)
    return;
  wheel->held = 0;
  uv_unref((uv_handle_t *)&wheel->uv);
}
