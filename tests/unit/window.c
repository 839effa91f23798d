#include "unit_test.h"

#include "window.h"

static void assert_holds(const pool__window_t *window, uint64_t now,
                         uint64_t good, uint64_t bad) {
  pool__window_sum_t sum = pool__window_sum(window, now);

  assert_int_equal(sum.good, good);
  assert_int_equal(sum.bad, bad);
}

static void it_holds_ten_seconds(void **state) {
  pool__window_t window = {0};
  uint64_t second;

  (void)state;
  for (second = 0; second < 10; second++) {
    pool__window_note(&window, second * 1000, 1);
    pool__window_note(&window, second * 1000 + 999, 0);
    assert_holds(&window, second * 1000 + 999, second + 1, second + 1);
  }
  for (second = 10; second < 20; second++) {
    assert_holds(&window, second * 1000, 9, 19 - second);
    pool__window_note(&window, second * 1000, 1);
    assert_holds(&window, second * 1000, 10, 19 - second);
  }
}

static void what_is_old_is_forgotten_without_a_note(void **state) {
  pool__window_t window = {0};

  (void)state;
  pool__window_note(&window, 5000, 1);
  assert_holds(&window, 14999, 1, 0);
  assert_holds(&window, 15000, 0, 0);
  assert_holds(&window, 999999999, 0, 0);
}

static void a_long_gap_forgets_all(void **state) {
  static const uint64_t gaps[] = {10000, 10001, 11000, 25000, 1u << 31};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
    pool__window_t window = {0};
    uint64_t ms;

    for (ms = 0; ms < 10000; ms += 100)
      pool__window_note(&window, ms, (int)(ms / 100 % 2));
    assert_holds(&window, 9999, 50, 50);
    pool__window_note(&window, 9999 + gaps[i], 1);
    assert_holds(&window, 9999 + gaps[i], 1, 0);
  }
}

static void a_clear_one_holds_nothing(void **state) {
  pool__window_t window = {0};

  (void)state;
  pool__window_note(&window, 77000, 0);
  pool__window_clear(&window);
  assert_holds(&window, 77000, 0, 0);
  pool__window_note(&window, 77500, 0);
  assert_holds(&window, 77500, 0, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_holds_ten_seconds),
      cmocka_unit_test(what_is_old_is_forgotten_without_a_note),
      cmocka_unit_test(a_long_gap_forgets_all),
      cmocka_unit_test(a_clear_one_holds_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
