/* The retry budget, second by second. */
#include "unit_test.h"

#include "budget.h"

#define START 5000u /* ms */

static void note(pool__budget_t *budget, uint64_t now, int answered, int n) {
  while (n-- > 0)
    pool__budget_note(budget, now, answered);
}

/* How many retries it pays for at once. */
static int takes(pool__budget_t *budget, uint64_t now) {
  int n = 0;

  while (n < 1000 && pool__budget_take(budget, now, 0, 0))
    n++;
  return n;
}

static void a_new_pool_has_ten(void **state) {
  pool__budget_t budget;

  (void)state;
  pool__budget_init(&budget, 10, START);
  assert_int_equal(pool__budget_left(&budget, START), 10000);
  assert_int_equal(takes(&budget, START), 10);
  assert_int_equal(takes(&budget, START + 999), 0);
}

static void a_quiet_pool_gets_one_a_second(void **state) {
  pool__budget_t budget;
  int i;

  (void)state;
  pool__budget_init(&budget, 10, START);
  takes(&budget, START);
  for (i = 1; i < 30; i++)
    assert_int_equal(takes(&budget, START + 1000 * (uint64_t)i), 1);
  assert_int_equal(takes(&budget, START + 1000 * 33), 4);
  assert_int_equal(takes(&budget, START + 1000 * 100000), 10);
}

static void successes_pay_their_share(void **state) {
  pool__budget_t budget;

  (void)state;
  pool__budget_init(&budget, 10, START);
  takes(&budget, START);
  note(&budget, START, 1, 1000);
  assert_int_equal(takes(&budget, START), 100);
  note(&budget, START, 1, 9);
  assert_int_equal(takes(&budget, START), 0);
  note(&budget, START, 1, 1);
  assert_int_equal(takes(&budget, START), 1);
}

static void what_is_not_spent_in_ten_seconds_is_gone(void **state) {
  pool__budget_t budget;

  (void)state;
  pool__budget_init(&budget, 10, START);
  takes(&budget, START);
  note(&budget, START, 1, 1000);
  assert_int_equal(pool__budget_left(&budget, START + 9000), 109000);
  assert_int_equal(pool__budget_left(&budget, START + 10000), 10000);
}

static void the_oldest_are_spent_first(void **state) {
  pool__budget_t budget;

  (void)state;
  pool__budget_init(&budget, 10, START);
  takes(&budget, START);
  note(&budget, START, 1, 100);        /* ten */
  note(&budget, START + 5000, 1, 100); /* ten, and five for the seconds */
  assert_int_equal(pool__budget_left(&budget, START + 5000), 25000);
  assert_true(pool__budget_take(&budget, START + 5000, 0, 0));
  assert_int_equal(pool__budget_left(&budget, START + 10000), 20000);
}

/* A hundred requests a second, and nothing answers any more. */
static void in_an_outage_retries_go_to_nothing(void **state) {
  pool__budget_t budget;
  int retries = 0;
  int second;

  (void)state;
  pool__budget_init(&budget, 10, START);
  for (second = 0; second < 20; second++)
    note(&budget, START + 1000 * (uint64_t)second, 1, 100);
  for (; second < 30; second++) {
    note(&budget, START + 1000 * (uint64_t)second, 0, 100);
    retries += takes(&budget, START + 1000 * (uint64_t)second);
  }
  assert_in_range(retries, 90, 120);
  for (; second < 300; second++) {
    note(&budget, START + 1000 * (uint64_t)second, 0, 100);
    assert_int_equal(takes(&budget, START + 1000 * (uint64_t)second), 0);
  }
  for (retries = 0; second < 330; second++) {
    note(&budget, START + 1000 * (uint64_t)second, 1, 100);
    retries += takes(&budget, START + 1000 * (uint64_t)second);
  }
  assert_in_range(retries, 300, 330);
}

static void live_ones_are_half_or_ten(void **state) {
  pool__budget_t budget;

  (void)state;
  pool__budget_init(&budget, 10, START);
  assert_true(pool__budget_take(&budget, START, 9, 0));
  assert_false(pool__budget_take(&budget, START, 10, 0));
  assert_false(pool__budget_take(&budget, START, 10, 21));
  assert_true(pool__budget_take(&budget, START, 10, 22));
  assert_false(pool__budget_take(&budget, START, 20, 41));
  assert_int_equal(pool__budget_left(&budget, START), 8000);
}

static void what_was_not_sent_is_given_back(void **state) {
  pool__budget_t budget;

  (void)state;
  pool__budget_init(&budget, 10, START);
  assert_int_equal(takes(&budget, START), 10);
  pool__budget_give_back(&budget, START);
  assert_int_equal(takes(&budget, START), 1);
}

static void no_sum_overflows(void **state) {
  pool__budget_t budget;
  int i;

  (void)state;
  pool__budget_init(&budget, 100, START);
  for (i = 0; i < 10; i++)
    note(&budget, START + 1000 * (uint64_t)i, 1, 100000);
  assert_int_equal(pool__budget_left(&budget, START + 9000), 10000000);
  assert_int_equal(takes(&budget, START + 9000), 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_pool_has_ten),
      cmocka_unit_test(a_quiet_pool_gets_one_a_second),
      cmocka_unit_test(successes_pay_their_share),
      cmocka_unit_test(what_is_not_spent_in_ten_seconds_is_gone),
      cmocka_unit_test(the_oldest_are_spent_first),
      cmocka_unit_test(in_an_outage_retries_go_to_nothing),
      cmocka_unit_test(live_ones_are_half_or_ten),
      cmocka_unit_test(what_was_not_sent_is_given_back),
      cmocka_unit_test(no_sum_overflows),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
