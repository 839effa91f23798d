/* Where endpoints stand: decisions over a clock that is turned by hand, on
 * endpoints that are never called. */
#include "unit_test.h"

#include "health.h"
#include "unit_mem.h"

#define ENDPOINTS 6

typedef struct {
  pool__health_t health; /* first: see of() */
  pool__mem_t mem;
  unit_mem_t unit;
  uv_loop_t loop;
  pool__wheel_t wheel;
  pool__random_t random;
  pool__window_t typical;
  pool__endpoints_t all;
  pool__endpoint_t *endpoints[ENDPOINTS];
  uint32_t changes;
  uint32_t asks;
  pool__endpoint_t *changed; /* the latest one */
  pool__endpoint_t *asked;
  pool_health_reason_t reason;
  uint32_t in_ms;
} fixture_t;

static fixture_t *of(pool__health_t *health) {
  return (fixture_t *)(void *)health;
}

static void on_change(pool__health_t *health, pool__endpoint_t *endpoint,
                      pool_health_reason_t reason, uint32_t in_ms) {
  fixture_t *f = of(health);

  f->changes++;
  f->changed = endpoint;
  f->reason = reason;
  f->in_ms = in_ms;
}

static void on_ask(pool__health_t *health, pool__endpoint_t *endpoint) {
  of(health)->asks++;
  of(health)->asked = endpoint;
}

static void begin(fixture_t *f, int count, int pings) {
  static const pool__health_ops_t ops = {on_change, on_ask};
  static const pool__endpoint_limits_t limits = {10, 4};
  char name[24];
  int i;

  memset(f, 0, sizeof *f);
  unit_mem_init(&f->unit, &f->mem);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->loop.time = 1000000;
  pool__wheel_init(&f->wheel, &f->loop, 10);
  pool__endpoints_init(&f->all, &f->mem, &limits);
  for (i = 0; i < count; i++) {
    snprintf(name, sizeof name, "127.0.0.1:%d", i + 1);
    assert_int_equal(pool__endpoint_add(&f->all, name, &f->endpoints[i]), 0);
  }
  f->random.state = 1;
  f->health.limits.eject_after = 5;
  f->health.limits.eject_ms = 5000;
  f->health.limits.pings = pings ? 1 : 0;
  f->health.all = &f->all;
  f->health.wheel = &f->wheel;
  f->health.random = &f->random;
  f->health.typical = &f->typical;
  f->health.ops = &ops;
}

static void on_closed(pool__wheel_t *wheel) {
  (void)wheel;
}

static void end(fixture_t *f) {
  int i;

  for (i = 0; i < ENDPOINTS; i++) {
    if (f->endpoints[i] == NULL)
      continue;
    pool__wheel_disarm(&f->wheel, &f->endpoints[i]->health_timer);
    pool__endpoint_destroy(f->endpoints[i]);
  }
  pool__endpoints_clear(&f->all);
  pool__wheel_close(&f->wheel, on_closed);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&f->loop), 0);
  unit_mem_check(&f->unit, &f->mem);
}

static void bad(fixture_t *f, int i, int times) {
  while (times-- > 0) {
    pool__window_note(&f->typical, f->loop.time, 0);
    pool__health_bad(&f->health, f->endpoints[i], f->loop.time);
  }
}

static void good(fixture_t *f, int i, int times) {
  while (times-- > 0) {
    pool__window_note(&f->typical, f->loop.time, 1);
    pool__health_good(&f->health, f->endpoints[i], f->loop.time);
  }
}

/* What its timer is there for, when its time comes. */
static void fire(fixture_t *f, int i) {
  pool__timer_t *timer = &f->endpoints[i]->health_timer;

  assert_true(pool__timer_armed(timer));
  f->loop.time = timer->due;
  pool__wheel_disarm(&f->wheel, timer);
  timer->cb(timer, f->loop.time);
}

static void assert_stands(const fixture_t *f, int i, pool_health_t health) {
  assert_int_equal(f->endpoints[i]->health, health);
}

static void it_takes_five_failures_in_a_row(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 2, 0);
  bad(&f, 0, 4);
  good(&f, 0, 1);
  bad(&f, 0, 4);
  assert_int_equal(f.changes, 0);
  bad(&f, 0, 1);
  assert_stands(&f, 0, POOL_OUT);
  assert_int_equal(f.reason, POOL_BECAUSE_FAILS);
  assert_in_range(f.in_ms, 2500, 5000);
  bad(&f, 0, 50); /* what was under way: of no account */
  good(&f, 0, 1);
  assert_int_equal(f.changes, 1);
  end(&f);
}

static void half_of_them_at_the_most(void **state) {
  static const int most[] = {0, 0, 1, 1, 2, 2, 3};
  int n, i;

  (void)state;
  for (n = 1; n <= ENDPOINTS; n++) {
    fixture_t f;

    begin(&f, n, 0);
    for (i = 0; i < n; i++)
      bad(&f, i, 20);
    assert_int_equal(f.all.health[POOL_OUT], most[n]);
    assert_int_equal(f.asks, 0);
    end(&f);
  }
}

static void a_rate_is_held_against_the_others(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 3, 0);
  for (i = 0; i < 60; i++) { /* everybody fails a quarter: so be it */
    good(&f, 0, 3), bad(&f, 0, 1);
    good(&f, 1, 3), bad(&f, 1, 1);
    good(&f, 2, 3), bad(&f, 2, 1);
  }
  assert_int_equal(f.changes, 0);
  f.loop.time += 20000;
  for (i = 0; i < 4; i++) { /* too few to tell */
    good(&f, 0, 3), bad(&f, 0, 1);
    good(&f, 1, 4);
    good(&f, 2, 4);
  }
  assert_int_equal(f.changes, 0);
  for (i = 0; i < 2; i++) {
    good(&f, 0, 3), bad(&f, 0, 1);
    good(&f, 1, 4);
    good(&f, 2, 4);
  }
  assert_stands(&f, 0, POOL_OUT);
  assert_int_equal(f.reason, POOL_BECAUSE_RATE);
  end(&f);
}

static void four_of_five_are_good_enough(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2, 0);
  for (i = 0; i < 60; i++) {
    good(&f, 0, 5), bad(&f, 0, 1);
    good(&f, 1, 6);
  }
  assert_int_equal(f.changes, 0);
  end(&f);
}

static void time_is_doubled_up_to_five_minutes(void **state) {
  static const uint32_t most[] = {5000,  10000,  20000,  40000,
                                  80000, 160000, 300000, 300000};
  fixture_t f;
  size_t i;

  (void)state;
  begin(&f, 2, 0);
  bad(&f, 0, 5);
  for (i = 0; i < sizeof most / sizeof most[0]; i++) {
    assert_in_range(f.in_ms, most[i] / 2, most[i]);
    fire(&f, 0);
    assert_stands(&f, 0, POOL_ON_TRIAL);
    assert_int_equal(f.reason, POOL_BECAUSE_TIME);
    assert_int_equal(f.in_ms, 0);
    bad(&f, 0, 1);
    assert_stands(&f, 0, POOL_OUT);
    assert_int_equal(f.reason, POOL_BECAUSE_TRIAL_FAILED);
  }
  end(&f);
}

static void a_good_while_is_a_pardon(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 2, 0);
  bad(&f, 0, 5);
  fire(&f, 0);
  bad(&f, 0, 1);
  fire(&f, 0);
  good(&f, 0, 1);
  assert_stands(&f, 0, POOL_SLOW_START);
  bad(&f, 0, 5);
  assert_in_range(f.in_ms, 10000, 20000); /* the third time */
  fire(&f, 0);
  good(&f, 0, 1);
  fire(&f, 0);
  assert_stands(&f, 0, POOL_HEALTHY);
  assert_int_equal(f.reason, POOL_BECAUSE_STARTED);
  f.loop.time += 10000;
  bad(&f, 0, 5);
  assert_in_range(f.in_ms, 2500, 5000);
  end(&f);
}

static void most_of_them_do_not_start_slowly(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 5, 0);
  bad(&f, 0, 5), bad(&f, 1, 5);
  fire(&f, 0);
  good(&f, 0, 1);
  fire(&f, 1);
  good(&f, 1, 1);
  assert_stands(&f, 0, POOL_SLOW_START);
  assert_stands(&f, 1, POOL_SLOW_START);
  bad(&f, 2, 5), bad(&f, 3, 5);
  fire(&f, 2);
  good(&f, 2, 1);
  assert_stands(&f, 2, POOL_HEALTHY);
  end(&f);
}

static void one_that_may_not_go_out_again_serves(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 2, 0);
  bad(&f, 0, 5);
  fire(&f, 0);
  bad(&f, 1, 5); /* while the first is on trial */
  assert_stands(&f, 1, POOL_OUT);
  bad(&f, 0, 1);
  assert_stands(&f, 0, POOL_HEALTHY); /* not first in line for ever */
  assert_int_equal(f.reason, POOL_BECAUSE_PANIC);
  end(&f);
}

/* --- pings -----------------------------------------------------------------
 */

static void a_ping_decides_where_suspicion_may_not(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 1, 1);
  bad(&f, 0, 5);
  assert_stands(&f, 0, POOL_HEALTHY);
  assert_ptr_equal(f.asked, f.endpoints[0]);
  pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_VOID);
  pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_ANSWERED);
  assert_stands(&f, 0, POOL_HEALTHY);
  bad(&f, 0, 4);
  assert_int_equal(f.asks, 1);
  bad(&f, 0, 1);
  assert_int_equal(f.asks, 2);
  pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_FAILED);
  assert_stands(&f, 0, POOL_OUT);
  assert_int_equal(f.reason, POOL_BECAUSE_PING_FAILED);
  assert_true(pool__health_all_out(&f.all));
  end(&f);
}

static void it_is_asked_more_and_more_rarely(void **state) {
  static const uint32_t most[] = {1000, 2000, 4000, 8000, 15000, 15000};
  fixture_t f;
  size_t i;

  (void)state;
  begin(&f, 2, 1);
  bad(&f, 0, 5);
  for (i = 0; i < sizeof most / sizeof most[0]; i++) {
    uint64_t before = f.loop.time;

    fire(&f, 0);
    assert_int_equal(f.asks, i + 1);
    assert_in_range(f.loop.time - before, most[i] / 2, most[i]);
    assert_stands(&f, 0, POOL_OUT);
    pool__health_pinged(&f.health, f.endpoints[0],
                        i % 2 == 0 ? POOL__PING_FAILED : POOL__PING_VOID);
  }
  fire(&f, 0);
  pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_ANSWERED);
  assert_stands(&f, 0, POOL_ON_TRIAL);
  assert_int_equal(f.reason, POOL_BECAUSE_PING);
  bad(&f, 0, 1);
  assert_in_range(f.in_ms, 1000, 2000); /* a ping that lied */
  end(&f);
}

/* Two are out on suspicion, and two are found to be down: the suspects have to
 * serve. */
static void in_panic_suspects_serve(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 4, 1);
  bad(&f, 0, 5);
  f.loop.time += 10;
  bad(&f, 1, 5);
  bad(&f, 2, 5);
  assert_stands(&f, 2, POOL_HEALTHY);
  pool__health_pinged(&f.health, f.endpoints[2], POOL__PING_FAILED);
  assert_stands(&f, 2, POOL_OUT);
  assert_stands(&f, 0, POOL_HEALTHY); /* it was out longest */
  assert_stands(&f, 1, POOL_OUT);
  assert_int_equal(f.reason, POOL_BECAUSE_PANIC);
  assert_ptr_equal(f.changed, f.endpoints[0]);
  fire(&f, 1);
  pool__health_pinged(&f.health, f.endpoints[1], POOL__PING_FAILED);
  assert_stands(&f, 1, POOL_OUT); /* down: that is no suspicion */
  bad(&f, 3, 5);
  pool__health_pinged(&f.health, f.endpoints[3], POOL__PING_FAILED);
  assert_stands(&f, 3, POOL_OUT);
  assert_int_equal(f.all.health[POOL_OUT], 3);
  bad(&f, 0, 5);
  pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_FAILED);
  assert_true(pool__health_all_out(&f.all));
  end(&f);
}

/* One has been down for long, and is asked rarely; then the other goes too. */
static void when_all_are_out_they_are_asked_often(void **state) {
  fixture_t f;
  uint64_t before;
  int i;

  (void)state;
  begin(&f, 2, 1);
  bad(&f, 0, 5);
  for (i = 0; i < 6; i++) {
    fire(&f, 0);
    pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_FAILED);
  }
  assert_true(f.endpoints[0]->health_timer.due > f.loop.time + 7000);
  bad(&f, 1, 5);
  pool__health_pinged(&f.health, f.endpoints[1], POOL__PING_FAILED);
  assert_true(pool__health_all_out(&f.all));
  assert_in_range(f.endpoints[0]->health_timer.due - f.loop.time, 1000, 2000);
  for (i = 0; i < 10; i++) {
    before = f.loop.time;
    fire(&f, 0);
    assert_in_range(f.loop.time - before, i == 0 ? 0 : 1000, 2000);
    pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_FAILED);
  }
  end(&f);
}

static void who_leaves_is_asked_no_more(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 4, 1);
  bad(&f, 0, 5), bad(&f, 1, 5);
  pool__endpoint_leave(f.endpoints[0]);
  pool__health_left(&f.health, f.endpoints[0]);
  assert_false(pool__timer_armed(&f.endpoints[0]->health_timer));
  pool__health_pinged(&f.health, f.endpoints[0], POOL__PING_FAILED);
  assert_stands(&f, 1, POOL_OUT); /* one of three */
  pool__endpoint_leave(f.endpoints[2]);
  pool__health_left(&f.health, f.endpoints[2]);
  assert_stands(&f, 1, POOL_OUT); /* one of two */
  pool__endpoint_leave(f.endpoints[3]);
  pool__health_left(&f.health, f.endpoints[3]);
  assert_stands(&f, 1, POOL_HEALTHY); /* the only one */
  end(&f);
}

/* It is removed while its trial request is under way. */
static void a_trial_of_one_that_left_changes_nothing(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 2, 0);
  bad(&f, 0, 5);
  fire(&f, 0);
  pool__endpoint_leave(f.endpoints[0]);
  pool__health_left(&f.health, f.endpoints[0]);
  good(&f, 0, 1);
  bad(&f, 0, 20);
  assert_int_equal(f.changes, 2);
  assert_false(pool__timer_armed(&f.endpoints[0]->health_timer));
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_takes_five_failures_in_a_row),
      cmocka_unit_test(half_of_them_at_the_most),
      cmocka_unit_test(a_rate_is_held_against_the_others),
      cmocka_unit_test(four_of_five_are_good_enough),
      cmocka_unit_test(time_is_doubled_up_to_five_minutes),
      cmocka_unit_test(a_good_while_is_a_pardon),
      cmocka_unit_test(most_of_them_do_not_start_slowly),
      cmocka_unit_test(one_that_may_not_go_out_again_serves),
      cmocka_unit_test(a_ping_decides_where_suspicion_may_not),
      cmocka_unit_test(it_is_asked_more_and_more_rarely),
      cmocka_unit_test(in_panic_suspects_serve),
      cmocka_unit_test(when_all_are_out_they_are_asked_often),
      cmocka_unit_test(who_leaves_is_asked_no_more),
      cmocka_unit_test(a_trial_of_one_that_left_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
