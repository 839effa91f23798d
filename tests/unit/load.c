/* What an endpoint costs, over time. */
#include "unit_test.h"

#include "load.h"

#define NOW 1000000u

static uint64_t latency(const pool__load_t *load, const pool__load_t *typical,
                        uint64_t now) {
  return pool__load_now(load, typical, now).latency_us;
}

static uint32_t penalty(const pool__load_t *load, uint64_t now) {
  pool__load_t typical = {0};

  return pool__load_now(load, &typical, now).penalty;
}

static void a_slower_answer_counts_at_once(void **state) {
  pool__load_t load = {0}, typical = {0};

  (void)state;
  pool__load_answered(&load, &typical, NOW, 10);
  assert_int_equal(latency(&load, &typical, NOW), 10000);
  pool__load_answered(&load, &typical, NOW, 200);
  assert_int_equal(latency(&load, &typical, NOW), 200000);
}

static void faster_ones_bring_it_down_over_ten_seconds(void **state) {
  pool__load_t load = {0}, typical = {0};
  uint64_t before = 1000000;
  uint64_t ms;

  (void)state;
  pool__load_answered(&load, &typical, NOW, 1000);
  for (ms = 100; ms <= 30000; ms += 100) {
    uint64_t now_us;

    pool__load_answered(&load, &typical, NOW + ms, 10);
    now_us = latency(&load, &typical, NOW + ms);
    assert_true(now_us < before);
    before = now_us;
    if (ms == 1000)
      assert_in_range(now_us, 880000, 930000);
    if (ms == 10000)
      assert_in_range(now_us, 340000, 400000);
  }
  assert_in_range(before, 10000, 70000);
}

static void many_answers_at_once_are_no_more_than_the_time(void **state) {
  pool__load_t load = {0}, typical = {0};
  int i;

  (void)state;
  pool__load_answered(&load, &typical, NOW, 1000);
  for (i = 0; i < 1000; i++)
    pool__load_answered(&load, &typical, NOW, 1);
  assert_int_equal(latency(&load, &typical, NOW), 1000000);
}

static void an_unknown_one_is_typical(void **state) {
  pool__load_t load = {0}, other = {0}, typical = {0};

  (void)state;
  assert_int_equal(latency(&load, &typical, NOW), 1000);
  pool__load_answered(&other, &typical, NOW, 40);
  assert_int_equal(latency(&load, &typical, NOW), 40000);
}

static void what_is_not_observed_becomes_typical(void **state) {
  pool__load_t load = {0}, other = {0}, typical = {0};
  int i;

  (void)state;
  pool__load_answered(&load, &typical, NOW, 1000);
  for (i = 0; i < 1000; i++)
    pool__load_answered(&other, &typical, NOW, 10);
  assert_int_equal(latency(&load, &typical, NOW), 1000000);
  assert_in_range(latency(&load, &typical, NOW + 10000), 495000, 515000);
  assert_in_range(latency(&load, &typical, NOW + 1000000), 10000, 22000);
}

static void what_makes_no_difference_is_not_told(void **state) {
  pool__load_t load = {0}, typical = {0};

  (void)state;
  pool__load_answered(&load, &typical, NOW, 0);
  assert_int_equal(latency(&load, &typical, NOW), 1000);
  pool__load_answered(&load, &typical, NOW, UINT64_MAX);
  assert_int_equal(latency(&load, &typical, NOW), 1u << 24);
}

static void failures_raise_the_penalty(void **state) {
  pool__load_t load = {0}, typical = {0};
  uint32_t before = POOL__LOAD_ONE;
  int i;

  (void)state;
  assert_int_equal(penalty(&load, NOW), POOL__LOAD_ONE);
  for (i = 0; i < 25; i++) {
    pool__load_failed(&load, &typical, NOW);
    assert_true(penalty(&load, NOW) > before);
    before = penalty(&load, NOW);
  }
  for (i = 0; i < 1000; i++)
    pool__load_failed(&load, &typical, NOW);
  assert_int_equal(penalty(&load, NOW), 1024 * POOL__LOAD_ONE);
}

static void half_of_them_is_a_factor_of_four(void **state) {
  pool__load_t load = {0}, typical = {0};
  uint64_t sum = 0;
  int i;

  (void)state;
  for (i = 0; i < 1000; i++) {
    pool__load_failed(&load, &typical, NOW);
    sum += penalty(&load, NOW);
    pool__load_answered(&load, &typical, NOW, 1);
    sum += penalty(&load, NOW);
  }
  assert_in_range(sum / 2000, 3 * POOL__LOAD_ONE, 5 * POOL__LOAD_ONE);
}

static void it_is_forgiven_with_time(void **state) {
  pool__load_t load = {0}, typical = {0};
  int i;

  (void)state;
  for (i = 0; i < 100; i++)
    pool__load_failed(&load, &typical, NOW);
  assert_in_range(penalty(&load, NOW + 10000), 3 * POOL__LOAD_ONE,
                  5 * POOL__LOAD_ONE);
  assert_int_equal(penalty(&load, NOW + 1000000), POOL__LOAD_ONE);
}

static void a_fast_failure_tells_no_latency(void **state) {
  pool__load_t load = {0}, typical = {0};

  (void)state;
  pool__load_answered(&load, &typical, NOW, 50);
  pool__load_failed(&load, &typical, NOW);
  assert_int_equal(latency(&load, &typical, NOW), 50000);
  assert_int_equal(latency(&typical, &typical, NOW), 50000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slower_answer_counts_at_once),
      cmocka_unit_test(faster_ones_bring_it_down_over_ten_seconds),
      cmocka_unit_test(many_answers_at_once_are_no_more_than_the_time),
      cmocka_unit_test(an_unknown_one_is_typical),
      cmocka_unit_test(what_is_not_observed_becomes_typical),
      cmocka_unit_test(what_makes_no_difference_is_not_told),
      cmocka_unit_test(failures_raise_the_penalty),
      cmocka_unit_test(half_of_them_is_a_factor_of_four),
      cmocka_unit_test(it_is_forgiven_with_time),
      cmocka_unit_test(a_fast_failure_tells_no_latency),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
