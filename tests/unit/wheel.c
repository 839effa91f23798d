/* The wheel on a real loop, for a few milliseconds; what takes longer, and all
 * the arithmetic, is in wheel_model.c. */
#include "unit_test.h"

#include <unistd.h>

#include "wheel.h"

#define TIMERS 4

typedef struct {
  uv_loop_t loop;
  pool__wheel_t wheel;
  pool__timer_t timers[TIMERS];
  int order[16]; /* which timers fired */
  int fired;
  int goal; /* with this many fired the loop is let go */
  int early;
  uint64_t due[TIMERS];
  int closed;
} fixture_t;

static fixture_t the_fixture; /* there is one wheel at a time */

static fixture_t *begin(uint32_t resolution) {
  fixture_t *f = &the_fixture;

  memset(f, 0, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  pool__wheel_init(&f->wheel, &f->loop, resolution);
  return f;
}

static void on_closed(pool__wheel_t *wheel) {
  POOL__OF(wheel, fixture_t, wheel)->closed++;
}

static void end(fixture_t *f) {
  int i;

  for (i = 0; i < TIMERS; i++)
    pool__wheel_disarm(&f->wheel, &f->timers[i]);
  if (!f->wheel.closed)
    pool__wheel_close(&f->wheel, on_closed);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->closed, 1);
  assert_int_equal(f->early, 0);
  assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void on_timer(pool__timer_t *timer, uint64_t now) {
  fixture_t *f = &the_fixture;
  int number = (int)(timer - f->timers);

  f->early += now < f->due[number];
  f->order[f->fired++] = number;
  if (f->fired == f->goal)
    pool__wheel_let_go(&f->wheel);
}

static void arm(fixture_t *f, int number, uint64_t after, pool__timer_cb cb) {
  f->due[number] = uv_now(&f->loop) + after;
  pool__wheel_arm(&f->wheel, &f->timers[number], after, cb);
}

/* As a pool does: holds the loop until so many have fired. */
static void run_until_fired(fixture_t *f, int count) {
  f->goal = count;
  pool__wheel_hold(&f->wheel);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->fired, count);
}

static void timers_fire_in_the_order_of_their_ticks(void **state) {
  fixture_t *f = begin(5);

  (void)state;
  arm(f, 0, 20, on_timer);
  arm(f, 1, 10, on_timer);
  arm(f, 2, 15, on_timer);
  arm(f, 3, 10, on_timer);
  run_until_fired(f, 4);
  assert_int_equal(f->order[0], 1);
  assert_int_equal(f->order[1], 3);
  assert_int_equal(f->order[2], 2);
  assert_int_equal(f->order[3], 0);
  end(f);
}

static void a_timer_that_moved_fires_once_at_its_new_time(void **state) {
  fixture_t *f = begin(2);

  (void)state;
  arm(f, 0, 2, on_timer);
  arm(f, 1, 4, on_timer);
  arm(f, 0, 8, on_timer);
  run_until_fired(f, 2);
  assert_int_equal(f->order[0], 1);
  assert_int_equal(f->order[1], 0);
  assert_false(pool__timer_armed(&f->timers[0]));
  end(f);
}

static void on_timer_that_disarms(pool__timer_t *timer, uint64_t now) {
  fixture_t *f = &the_fixture;

  on_timer(timer, now);
  pool__wheel_disarm(&f->wheel, &f->timers[1]);
  pool__wheel_disarm(&f->wheel, timer); /* disarmed already is fine */
}

static void a_timer_disarmed_in_a_callback_does_not_fire(void **state) {
  fixture_t *f = begin(5);

  (void)state;
  arm(f, 0, 2, on_timer_that_disarms);
  arm(f, 1, 2, on_timer);
  arm(f, 2, 2, on_timer);
  arm(f, 3, 12, on_timer);
  run_until_fired(f, 3);
  assert_int_equal(f->order[0], 0);
  assert_int_equal(f->order[1], 2);
  assert_int_equal(f->order[2], 3);
  end(f);
}

static void on_timer_that_arms(pool__timer_t *timer, uint64_t now) {
  fixture_t *f = &the_fixture;

  on_timer(timer, now);
  if (f->fired < 5)
    arm(f, 0, (uint64_t)f->fired % 2, on_timer_that_arms);
}

static void a_timer_armed_in_a_callback_fires_later(void **state) {
  fixture_t *f = begin(1);

  (void)state;
  arm(f, 0, 0, on_timer_that_arms);
  run_until_fired(f, 5);
  assert_int_equal(f->fired, 5);
  end(f);
}

static void on_timer_that_closes(pool__timer_t *timer, uint64_t now) {
  on_timer(timer, now);
  pool__wheel_close(&the_fixture.wheel, on_closed);
}

static void a_wheel_closed_in_a_callback_fires_no_more(void **state) {
  fixture_t *f = begin(1);

  (void)state;
  arm(f, 0, 2, on_timer_that_closes);
  arm(f, 1, 2, on_timer);
  arm(f, 2, 4, on_timer);
  pool__wheel_hold(&f->wheel);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->fired, 1);
  assert_int_equal(f->closed, 1);
  assert_true(pool__timer_armed(&f->timers[1]));
  end(f);
}

static void only_a_hold_keeps_the_loop_alive(void **state) {
  fixture_t *f = begin(1);

  (void)state;
  assert_int_equal(uv_loop_alive(&f->loop), 0);
  arm(f, 0, 100000, on_timer);
  assert_int_equal(uv_loop_alive(&f->loop), 0);
  assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(f->fired, 0);
  pool__wheel_hold(&f->wheel);
  assert_int_not_equal(uv_loop_alive(&f->loop), 0);
  pool__wheel_hold(&f->wheel);
  pool__wheel_let_go(&f->wheel);
  assert_int_equal(uv_loop_alive(&f->loop), 0);
  pool__wheel_disarm(&f->wheel, &f->timers[0]);
  pool__wheel_hold(&f->wheel); /* also without a timer */
  assert_int_not_equal(uv_loop_alive(&f->loop), 0);
  assert_int_not_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
  pool__wheel_let_go(&f->wheel);
  assert_int_equal(uv_loop_alive(&f->loop), 0);
  end(f);
}

/* The socket of a pair has bytes while the loop is blocked for long: they have
 * to be read before the deadline is judged. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  fixture_t *f = poll->data;

  (void)status;
  (void)events;
  f->order[f->fired++] = 100;
  pool__wheel_disarm(&f->wheel, &f->timers[0]);
  uv_close((uv_handle_t *)poll, NULL);
}

static void block(uint64_t ms) {
  uint64_t until = uv_hrtime() + ms * 1000000u;

  while (uv_hrtime() < until)
    ;
}

static void answers_come_before_deadlines_that_are_late(void **state) {
  fixture_t *f = begin(1);
  uv_os_sock_t pair[2];
  uv_poll_t poll;

  (void)state;
  assert_int_equal(
      uv_socketpair(SOCK_STREAM, 0, pair, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE),
      0);
  assert_int_equal(uv_poll_init(&f->loop, &poll, pair[0]), 0);
  poll.data = f;
  assert_int_equal(uv_poll_start(&poll, UV_READABLE, on_poll), 0);
  arm(f, 0, 5, on_timer);
  arm(f, 1, 5, on_timer);
  assert_int_equal(write(pair[1], "x", 1), 1);
  block(5 + POOL__WHEEL_GRACE_MS + 5);
  run_until_fired(f, 2);
  assert_int_equal(f->order[0], 100);
  assert_int_equal(f->order[1], 1);
  end(f);
  close(pair[0]);
  close(pair[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_fire_in_the_order_of_their_ticks),
      cmocka_unit_test(a_timer_that_moved_fires_once_at_its_new_time),
      cmocka_unit_test(a_timer_disarmed_in_a_callback_does_not_fire),
      cmocka_unit_test(a_timer_armed_in_a_callback_fires_later),
      cmocka_unit_test(a_wheel_closed_in_a_callback_fires_no_more),
      cmocka_unit_test(only_a_hold_keeps_the_loop_alive),
      cmocka_unit_test(answers_come_before_deadlines_that_are_late),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
