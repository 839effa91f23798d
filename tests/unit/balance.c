/* Decisions on endpoints that are made by hand: lengths of lists stand for
 * connections, nothing is ever opened. */
#include "unit_test.h"

#include "balance.h"
#include "unit_mem.h"

#define ENDPOINTS 5
#define PICKS     10000u
#define NOW       1000000u

typedef struct {
  pool__mem_t mem;
  unit_mem_t unit;
  pool__endpoints_t all;
  pool__endpoint_t *endpoints[ENDPOINTS];
  pool__random_t random;
  pool__balance_case_t given;
} fixture_t;

static void begin(fixture_t *f, int count) {
  static const char names[ENDPOINTS][12] = {"127.0.0.1:1", "127.0.0.1:2",
                                            "127.0.0.1:3", "127.0.0.1:4",
                                            "127.0.0.1:5"};
  static const pool__endpoint_limits_t limits = {10, 4};
  int i;

  memset(f, 0, sizeof *f);
  unit_mem_init(&f->unit, &f->mem);
  pool__endpoints_init(&f->all, &f->mem, &limits);
  for (i = 0; i < count; i++)
    assert_int_equal(pool__endpoint_add(&f->all, names[i], &f->endpoints[i]),
                     0);
  f->random.state = 1;
  f->given.now = NOW;
  f->given.repeatable = 1;
  f->given.patient = 1;
}

static void end(fixture_t *f) {
  int i, s;

  for (i = 0; i < ENDPOINTS && f->endpoints[i] != NULL; i++) {
    for (s = 0; s < POOL__CONN_STATES; s++)
      f->endpoints[i]->conns[s].length = 0;
    f->endpoints[i]->conn_count = 0;
    pool__endpoint_destroy(f->endpoints[i]);
  }
  pool__endpoints_clear(&f->all);
  unit_mem_check(&f->unit, &f->mem);
}

/* So many connections in that state. */
static void have(fixture_t *f, int i, pool__conn_state_t state, uint32_t n) {
  pool__endpoint_t *endpoint = f->endpoints[i];

  f->all.conns[state] += n - endpoint->conns[state].length;
  endpoint->conn_count += n - endpoint->conns[state].length;
  endpoint->conns[state].length = n;
  pool__endpoint_set_health(endpoint, endpoint->health); /* looks again */
}

static int number_of(const fixture_t *f, const pool__endpoint_t *endpoint) {
  int i;

  for (i = 0; i < ENDPOINTS; i++)
    if (endpoint != NULL && f->endpoints[i] == endpoint)
      return i;
  return -1;
}

static int pick(fixture_t *f) {
  return number_of(f, pool__balance_pick(&f->all, &f->random, &f->given));
}

/* How often each was picked, of PICKS. */
static void count(fixture_t *f, uint32_t *counts) {
  uint32_t i;

  memset(counts, 0, ENDPOINTS * sizeof *counts);
  for (i = 0; i < PICKS; i++)
    counts[pick(f)]++;
}

static void answered(fixture_t *f, int i, uint64_t ms) {
  pool__load_answered(&f->endpoints[i]->load, &f->all.typical, NOW, ms);
}

/* --- who is chosen ---------------------------------------------------------
 */

static void equals_get_equal_shares(void **state) {
  uint32_t counts[ENDPOINTS];
  fixture_t f;
  int i;

  (void)state;
  begin(&f, ENDPOINTS);
  count(&f, counts);
  for (i = 0; i < ENDPOINTS; i++)
    assert_in_range(counts[i], PICKS / ENDPOINTS * 9 / 10,
                    PICKS / ENDPOINTS * 11 / 10);
  end(&f);
}

static void one_seed_makes_one_choice(void **state) {
  fixture_t a, b;
  int i, differ = 0;

  (void)state;
  begin(&a, ENDPOINTS);
  begin(&b, ENDPOINTS);
  for (i = 0; i < 1000; i++)
    assert_int_equal(pick(&a), pick(&b));
  b.random.state++;
  for (i = 0; i < 1000; i++)
    differ += pick(&a) != pick(&b);
  assert_in_range(differ, 700, 900);
  end(&a);
  end(&b);
}

static void of_two_the_one_with_less_in_hand_is_chosen(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2);
  have(&f, 0, POOL__CONN_BUSY, 2);
  have(&f, 1, POOL__CONN_CONNECTING, 1);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 1);
  have(&f, 1, POOL__CONN_CONNECTING, 3);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 0);
  end(&f);
}

static void the_worst_of_many_is_never_chosen(void **state) {
  uint32_t counts[ENDPOINTS];
  fixture_t f;

  (void)state;
  begin(&f, ENDPOINTS);
  have(&f, 3, POOL__CONN_BUSY, 1);
  count(&f, counts);
  assert_int_equal(counts[3], 0);
  assert_in_range(counts[0], PICKS / 5, PICKS / 3);
  end(&f);
}

static void a_warm_connection_only_breaks_ties(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2);
  have(&f, 0, POOL__CONN_IDLE, 1);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 0);
  have(&f, 0, POOL__CONN_BUSY, 1);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 1);
  end(&f);
}

static void twice_as_slow_is_twice_as_dear(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2);
  answered(&f, 0, 10);
  answered(&f, 1, 50);
  have(&f, 0, POOL__CONN_BUSY, 3);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 0);
  have(&f, 0, POOL__CONN_BUSY, 5);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 1);
  end(&f);
}

static void a_little_slower_makes_no_difference(void **state) {
  uint32_t counts[ENDPOINTS];
  fixture_t f;

  (void)state;
  begin(&f, 2);
  answered(&f, 0, 10);
  answered(&f, 1, 19);
  count(&f, counts);
  assert_in_range(counts[0], PICKS * 45 / 100, PICKS * 55 / 100);
  end(&f);
}

static void weights_divide_the_cost(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 2);
  f.endpoints[1]->weight = 3;
  have(&f, 1, POOL__CONN_BUSY, 1);
  assert_int_equal(pick(&f), 1);
  have(&f, 0, POOL__CONN_BUSY, 1);
  have(&f, 1, POOL__CONN_BUSY, 6);
  assert_int_equal(pick(&f), 0);
  end(&f);
}

static void one_that_fails_fast_is_not_cheap(void **state) {
  uint32_t counts[ENDPOINTS];
  fixture_t f;
  int i;

  (void)state;
  begin(&f, ENDPOINTS);
  for (i = 1; i < ENDPOINTS; i++) {
    answered(&f, i, 50);
    have(&f, i, POOL__CONN_BUSY, 9);
  }
  for (i = 0; i < 40; i++)
    pool__load_failed(&f.endpoints[0]->load, &f.all.typical, NOW);
  for (i = 0; i < 400; i++)
    answered(&f, 1, 50);
  count(&f, counts);
  assert_int_equal(counts[0], 0);
  end(&f);
}

/* It is not passed over, but has to be less busy than others. */
static void some_failures_make_an_endpoint_dearer(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2);
  for (i = 0; i < 4; i++) /* about three times as dear */
    pool__load_failed(&f.endpoints[0]->load, &f.all.typical, NOW);
  have(&f, 1, POOL__CONN_BUSY, 1);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 1);
  have(&f, 1, POOL__CONN_BUSY, 3);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 0);
  end(&f);
}

static void a_slow_start_is_one(void **state) {
  uint64_t cold, warm;
  fixture_t f;

  (void)state;
  begin(&f, 2);
  pool__endpoint_set_health(f.endpoints[0], POOL_SLOW_START);
  f.endpoints[0]->health_at = NOW;
  warm = pool__balance_cost(f.endpoints[1], NOW);
  cold = pool__balance_cost(f.endpoints[0], NOW);
  assert_in_range(cold, warm * 9, warm * 11);
  cold = pool__balance_cost(f.endpoints[0], NOW + 5000);
  assert_in_range(cold, warm * 19 / 10, warm * 21 / 10);
  assert_int_equal(pool__balance_cost(f.endpoints[0], NOW + 10000), warm);
  assert_int_equal(pool__balance_cost(f.endpoints[0], NOW + 99999), warm);
  end(&f);
}

/* --- who can be ------------------------------------------------------------
 */

static void only_what_can_serve_is_chosen(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 3);
  have(&f, 0, POOL__CONN_BUSY, 10); /* full */
  have(&f, 1, POOL__CONN_CONNECTING, 4);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 2);
  have(&f, 2, POOL__CONN_CLOSING, 10);
  assert_int_equal(pick(&f), -1);
  have(&f, 1, POOL__CONN_IDLE, 1);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 1);
  pool__endpoint_set_health(f.endpoints[1], POOL_OUT);
  assert_int_equal(pick(&f), -1);
  end(&f);
}

static void one_that_rests_serves_by_what_it_has(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 2);
  have(&f, 1, POOL__CONN_BUSY, 9);
  pool__endpoint_rest(f.endpoints[0]);
  assert_int_equal(pick(&f), 1);
  have(&f, 0, POOL__CONN_IDLE, 1);
  assert_int_equal(pick(&f), 0);
  have(&f, 0, POOL__CONN_IDLE, 0);
  pool__endpoint_rise(f.endpoints[0]);
  assert_int_equal(pick(&f), 0);
  end(&f);
}

static void without_hope_the_one_that_failed_longest_ago_is_tried(void **s) {
  static const pool__conn_state_t hopes[] = {POOL__CONN_BUSY,
                                             POOL__CONN_CONNECTING};
  fixture_t f;
  size_t i;

  (void)s;
  begin(&f, 3);
  pool__endpoint_rest(f.endpoints[0]);
  pool__endpoint_rest(f.endpoints[1]);
  pool__endpoint_rest(f.endpoints[2]);
  pool__endpoint_rest(f.endpoints[0]); /* again */
  assert_int_equal(pick(&f), 1);
  for (i = 0; i < sizeof hopes / sizeof hopes[0]; i++) {
    have(&f, 0, hopes[i], 1);
    assert_int_equal(pick(&f), -1);
    have(&f, 0, hopes[i], 0);
  }
  assert_int_equal(pick(&f), 1);
  have(&f, 1, POOL__CONN_CLOSING, 10); /* it will have room soon */
  assert_int_equal(pick(&f), -1);
  end(&f);
}

static void without_endpoints_there_is_nothing_to_choose(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 0);
  assert_int_equal(pick(&f), -1);
  assert_null(pool__balance_ready(&f.all, &f.given));
  assert_true(pool__balance_exhausted(&f.all, 0));
  end(&f);
}

static void what_was_tried_is_passed_over(void **state) {
  uint32_t tried[2];
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 3);
  tried[0] = f.endpoints[0]->id;
  tried[1] = f.endpoints[2]->id;
  f.given.tried = tried;
  f.given.tried_count = 2;
  have(&f, 1, POOL__CONN_BUSY, 9);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 1);
  assert_true(pool__balance_elsewhere(&f.all, &f.given));
  have(&f, 1, POOL__CONN_BUSY, 10); /* it will have room again: worth waiting */
  assert_int_equal(pick(&f), -1);
  have(&f, 0, POOL__CONN_IDLE, 1);
  assert_null(pool__balance_ready(&f.all, &f.given));
  f.given.patient = 0; /* but not for ever */
  assert_int_not_equal(pick(&f), -1);
  pool__endpoint_set_health(f.endpoints[1], POOL_OUT);
  assert_false(pool__balance_elsewhere(&f.all, &f.given));
  assert_in_range(pick(&f), 0, 2); /* better than nothing */
  end(&f);
}

static void one_that_fails_much_is_passed_over_while_others_work(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2);
  for (i = 0; i < 40; i++)
    pool__load_failed(&f.endpoints[0]->load, &f.all.typical, NOW);
  for (i = 0; i < 400; i++)
    answered(&f, 1, 5);
  have(&f, 1, POOL__CONN_BUSY, 10);
  have(&f, 0, POOL__CONN_IDLE, 1);
  assert_int_equal(pick(&f), -1);
  assert_null(pool__balance_ready(&f.all, &f.given));
  pool__endpoint_rest(f.endpoints[1]);
  have(&f, 1, POOL__CONN_BUSY, 0);
  assert_int_equal(pick(&f), 0);
  end(&f);
}

static void a_new_connection_needs_room(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 3);
  f.given.fresh = 1;
  have(&f, 0, POOL__CONN_IDLE, 10);
  have(&f, 1, POOL__CONN_IDLE, 1);
  have(&f, 1, POOL__CONN_CONNECTING, 4);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 2);
  have(&f, 2, POOL__CONN_IDLE, 10);
  assert_int_equal(pick(&f), -1);
  end(&f);
}

/* --- on trial --------------------------------------------------------------
 */

static void a_trial_comes_first_and_is_one_request(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 3);
  pool__endpoint_set_health(f.endpoints[2], POOL_ON_TRIAL);
  f.endpoints[2]->health_at = NOW;
  assert_int_equal(pick(&f), 2);
  have(&f, 2, POOL__CONN_CONNECTING, 1);
  for (i = 0; i < 100; i++)
    assert_int_not_equal(pick(&f), 2);
  have(&f, 2, POOL__CONN_CONNECTING, 0);
  have(&f, 2, POOL__CONN_IDLE, 3);
  assert_int_equal(pick(&f), 2);
  have(&f, 2, POOL__CONN_BUSY, 1);
  for (i = 0; i < 100; i++)
    assert_int_not_equal(pick(&f), 2);
  end(&f);
}

static void a_trial_is_not_for_what_cannot_be_repeated(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f, 2);
  f.given.repeatable = 0;
  pool__endpoint_set_health(f.endpoints[1], POOL_ON_TRIAL);
  f.endpoints[1]->health_at = NOW;
  have(&f, 0, POOL__CONN_BUSY, 9);
  for (i = 0; i < 100; i++)
    assert_int_equal(pick(&f), 0);
  f.given.now = NOW + POOL__TRIAL_PATIENCE_MS; /* somebody has to be first */
  assert_int_equal(pick(&f), 1);
  f.given.now = NOW;
  have(&f, 0, POOL__CONN_BUSY, 10);
  assert_int_equal(pick(&f), -1);
  f.given.patient = 0;
  assert_int_equal(pick(&f), 1); /* better than to wait for long */
  end(&f);
}

static void all_have_to_fail_before_it_is_hopeless(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 3);
  assert_false(pool__balance_exhausted(&f.all, 0));
  f.endpoints[0]->fail_serial = 5;
  f.endpoints[1]->fail_serial = 6;
  assert_false(pool__balance_exhausted(&f.all, 4));
  f.endpoints[2]->fail_serial = 7;
  assert_true(pool__balance_exhausted(&f.all, 4));
  assert_false(pool__balance_exhausted(&f.all, 5)); /* 0 failed before that */
  have(&f, 1, POOL__CONN_CONNECTING, 1);
  have(&f, 1, POOL__CONN_CLOSING, 1);
  assert_true(pool__balance_exhausted(&f.all, 4));
  have(&f, 1, POOL__CONN_IDLE, 1);
  assert_false(pool__balance_exhausted(&f.all, 4));
  pool__endpoint_set_health(f.endpoints[1], POOL_OUT);
  assert_true(pool__balance_exhausted(&f.all, 4));
  have(&f, 0, POOL__CONN_BUSY, 1);
  assert_false(pool__balance_exhausted(&f.all, 4));
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equals_get_equal_shares),
      cmocka_unit_test(one_seed_makes_one_choice),
      cmocka_unit_test(of_two_the_one_with_less_in_hand_is_chosen),
      cmocka_unit_test(the_worst_of_many_is_never_chosen),
      cmocka_unit_test(a_warm_connection_only_breaks_ties),
      cmocka_unit_test(twice_as_slow_is_twice_as_dear),
      cmocka_unit_test(a_little_slower_makes_no_difference),
      cmocka_unit_test(weights_divide_the_cost),
      cmocka_unit_test(one_that_fails_fast_is_not_cheap),
      cmocka_unit_test(some_failures_make_an_endpoint_dearer),
      cmocka_unit_test(a_slow_start_is_one),
      cmocka_unit_test(only_what_can_serve_is_chosen),
      cmocka_unit_test(one_that_rests_serves_by_what_it_has),
      cmocka_unit_test(without_hope_the_one_that_failed_longest_ago_is_tried),
      cmocka_unit_test(without_endpoints_there_is_nothing_to_choose),
      cmocka_unit_test(what_was_tried_is_passed_over),
      cmocka_unit_test(one_that_fails_much_is_passed_over_while_others_work),
      cmocka_unit_test(a_new_connection_needs_room),
      cmocka_unit_test(a_trial_comes_first_and_is_one_request),
      cmocka_unit_test(a_trial_is_not_for_what_cannot_be_repeated),
      cmocka_unit_test(all_have_to_fail_before_it_is_hopeless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
