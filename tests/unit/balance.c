/* Decisions on endpoints that are made by hand: lengths of lists stand for
 * connections, nothing is ever opened. */
#include "unit_test.h"

#include "balance.h"

#define ENDPOINTS 3

typedef struct {
  pool__endpoints_t all;
  pool__endpoint_t endpoints[ENDPOINTS];
  pool__list_t armed; /* where backoff timers are put to look armed */
} fixture_t;

static const pool__balance_limits_t limits = {10, 4};

static void begin(fixture_t *f) {
  int i, k;

  memset(f, 0, sizeof *f);
  pool__endpoints_init(&f->all, NULL);
  pool__list_init(&f->armed);
  for (i = 0; i < ENDPOINTS; i++) {
    f->endpoints[i].all = &f->all;
    for (k = 0; k < POOL__CONN_STATES; k++)
      pool__list_init(&f->endpoints[i].conns[k]);
    pool__list_append(&f->all.serving, &f->endpoints[i].link);
  }
}

static void have(fixture_t *f, int i, pool__conn_state_t state, uint32_t n) {
  f->endpoints[i].conns[state].length += n;
  f->all.conns[state] += n;
}

static void back_off(fixture_t *f, int i, uint64_t serial) {
  f->endpoints[i].fail_serial = serial;
  pool__list_append(&f->armed, &f->endpoints[i].backoff.link);
}

/* The number of the endpoint, or -1. */
static int connect_to(const fixture_t *f) {
  const pool__endpoint_t *chosen = pool__balance_connect(&f->all, &limits);

  return chosen == NULL ? -1 : (int)(chosen - f->endpoints);
}

static void the_least_busy_gets_the_connection(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  assert_int_equal(connect_to(&f), 0);
  have(&f, 0, POOL__CONN_BUSY, 1);
  assert_int_equal(connect_to(&f), 1);
  have(&f, 1, POOL__CONN_CONNECTING, 1);
  assert_int_equal(connect_to(&f), 2);
  have(&f, 2, POOL__CONN_BUSY, 2);
  assert_int_equal(connect_to(&f), 0);
  have(&f, 0, POOL__CONN_CONNECTING, 1);
  assert_int_equal(connect_to(&f), 1);
}

static void idle_and_closing_ones_do_not_make_it_busy(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  have(&f, 0, POOL__CONN_IDLE, 3);
  have(&f, 0, POOL__CONN_CLOSING, 3);
  have(&f, 1, POOL__CONN_BUSY, 1);
  have(&f, 2, POOL__CONN_BUSY, 1);
  assert_int_equal(connect_to(&f), 0);
}

static void a_full_endpoint_gets_none(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f);
  have(&f, 0, POOL__CONN_CLOSING, 10); /* whatever state they are in */
  assert_int_equal(connect_to(&f), 1);
  have(&f, 1, POOL__CONN_IDLE, 5);
  have(&f, 1, POOL__CONN_CLOSING, 4);
  have(&f, 2, POOL__CONN_BUSY, 9);
  assert_int_equal(connect_to(&f), 1);
  have(&f, 1, POOL__CONN_IDLE, 1);
  assert_int_equal(connect_to(&f), 2);
  have(&f, 2, POOL__CONN_BUSY, 1);
  assert_int_equal(connect_to(&f), -1);
  begin(&f);
  for (i = 0; i < ENDPOINTS; i++)
    have(&f, i, POOL__CONN_CONNECTING, i == 1 ? 3 : 4);
  assert_int_equal(connect_to(&f), 1);
  have(&f, 1, POOL__CONN_CONNECTING, 1);
  assert_int_equal(connect_to(&f), -1);
}

static void one_that_backs_off_is_passed_over(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  back_off(&f, 0, 3);
  have(&f, 1, POOL__CONN_BUSY, 5);
  have(&f, 2, POOL__CONN_BUSY, 5);
  assert_int_equal(connect_to(&f), 1);
  back_off(&f, 1, 1);
  assert_int_equal(connect_to(&f), 2);
  back_off(&f, 2, 2);
  assert_int_equal(connect_to(&f), -1); /* there is hope */
}

static void without_hope_the_one_that_failed_longest_ago_is_tried(void **s) {
  static const pool__conn_state_t hopes[] = {
      POOL__CONN_IDLE, POOL__CONN_BUSY, POOL__CONN_CONNECTING,
      POOL__CONN_CLOSING /* it makes room */};
  fixture_t f;
  size_t i;

  (void)s;
  begin(&f);
  back_off(&f, 0, 7);
  back_off(&f, 1, 5);
  back_off(&f, 2, 6);
  assert_int_equal(connect_to(&f), 1);
  for (i = 0; i < sizeof hopes / sizeof hopes[0]; i++) {
    have(&f, 0, hopes[i], 1);
    assert_int_equal(connect_to(&f), -1);
    f.endpoints[0].conns[hopes[i]].length = 0;
    f.all.conns[hopes[i]] = 0;
  }
  assert_int_equal(connect_to(&f), 1);
}

static void without_endpoints_there_is_nothing_to_choose(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  pool__list_init(&f.all.serving);
  assert_int_equal(connect_to(&f), -1);
  assert_null(pool__balance_ready(&f.all));
  assert_true(pool__balance_exhausted(&f.all, 0));
}

static void the_first_that_is_ready_serves(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  assert_null(pool__balance_ready(&f.all));
  pool__list_append(&f.all.ready, &f.endpoints[2].ready);
  pool__list_append(&f.all.ready, &f.endpoints[1].ready);
  assert_ptr_equal(pool__balance_ready(&f.all), &f.endpoints[2]);
}

static void all_have_to_fail_before_it_is_hopeless(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  assert_false(pool__balance_exhausted(&f.all, 0));
  f.endpoints[0].fail_serial = 5;
  f.endpoints[1].fail_serial = 6;
  assert_false(pool__balance_exhausted(&f.all, 4));
  f.endpoints[2].fail_serial = 7;
  assert_true(pool__balance_exhausted(&f.all, 4));
  assert_false(pool__balance_exhausted(&f.all, 5)); /* 0 failed before that */
  have(&f, 1, POOL__CONN_CONNECTING, 1);
  have(&f, 1, POOL__CONN_CLOSING, 1);
  assert_true(pool__balance_exhausted(&f.all, 4));
  have(&f, 1, POOL__CONN_IDLE, 1);
  assert_false(pool__balance_exhausted(&f.all, 4));
  f.all.conns[POOL__CONN_IDLE] = 0;
  have(&f, 1, POOL__CONN_BUSY, 1);
  assert_false(pool__balance_exhausted(&f.all, 4));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_least_busy_gets_the_connection),
      cmocka_unit_test(idle_and_closing_ones_do_not_make_it_busy),
      cmocka_unit_test(a_full_endpoint_gets_none),
      cmocka_unit_test(one_that_backs_off_is_passed_over),
      cmocka_unit_test(without_hope_the_one_that_failed_longest_ago_is_tried),
      cmocka_unit_test(without_endpoints_there_is_nothing_to_choose),
      cmocka_unit_test(the_first_that_is_ready_serves),
      cmocka_unit_test(all_have_to_fail_before_it_is_hopeless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
