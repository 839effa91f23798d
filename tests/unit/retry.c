/* Whether again, and when. */
#include "unit_test.h"

#include <uv.h>

#include "httpool.h"
#include "retry.h"

/* --- classes ---------------------------------------------------------------
 */

static pool__retry_class_t class_of(int error, int sent, int reused,
                                    int answered, int repeatable) {
  pool__retry_failure_t failure = {.error = error};

  failure.sent = sent != 0;
  failure.reused = reused != 0;
  failure.answered = answered != 0;
  failure.repeatable = repeatable != 0;
  return pool__retry_class(&failure);
}

static void what_was_not_sent_may_go_again_whatever_it_is(void **state) {
  static const int errors[] = {UV_ECONNREFUSED, UV_ETIMEDOUT, UV_EMFILE,
                               UV_EHOSTUNREACH, UV_ECONNRESET};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    assert_int_equal(class_of(errors[i], 0, 0, 0, 0), POOL__RETRY_UNSENT);
    assert_int_equal(class_of(errors[i], 0, 1, 0, 0), POOL__RETRY_UNSENT);
  }
}

static void what_was_sent_and_may_not_be_twice_is_not(void **state) {
  static const int errors[] = {POOL_EHANGUP, UV_ECONNRESET, UV_EPIPE,
                               UV_ETIMEDOUT, POOL_EPARSE};
  size_t i;
  int reused;

  (void)state;
  for (i = 0; i < sizeof errors / sizeof errors[0]; i++)
    for (reused = 0; reused < 2; reused++)
      assert_int_equal(class_of(errors[i], 1, reused, 0, 0), POOL__RETRY_NEVER);
}

static void only_a_used_connection_without_a_byte_is_stale(void **state) {
  (void)state;
  assert_int_equal(class_of(POOL_EHANGUP, 1, 1, 0, 1), POOL__RETRY_STALE);
  assert_int_equal(class_of(UV_ECONNRESET, 1, 1, 0, 1), POOL__RETRY_STALE);
  assert_int_equal(class_of(UV_EPIPE, 1, 1, 0, 1), POOL__RETRY_STALE);
  assert_int_equal(class_of(UV_ETIMEDOUT, 1, 1, 0, 1), POOL__RETRY_AMBIGUOUS);
  assert_int_equal(class_of(POOL_EHANGUP, 1, 0, 0, 1), POOL__RETRY_AMBIGUOUS);
  assert_int_equal(class_of(POOL_EHANGUP, 1, 1, 1, 1), POOL__RETRY_AMBIGUOUS);
  assert_int_equal(class_of(POOL_EPARSE, 1, 1, 1, 1), POOL__RETRY_AMBIGUOUS);
}

static void our_own_verdicts_are_final(void **state) {
  static const int errors[] = {
      UV_ECANCELED,   POOL_ECLOSING, POOL_EOVERLOADED, POOL_ENOENDPOINT,
      POOL_ETOOLARGE, UV_ENOMEM,     UV_EINVAL};
  size_t i;
  int sent;

  (void)state;
  for (i = 0; i < sizeof errors / sizeof errors[0]; i++)
    for (sent = 0; sent < 2; sent++)
      assert_int_equal(class_of(errors[i], sent, 1, 0, 1), POOL__RETRY_NEVER);
}

/* --- decisions -------------------------------------------------------------
 */

static pool__retry_case_t case_of(pool__retry_class_t class) {
  pool__retry_case_t given = {.class = class,
                              .attempts = 1,
                              .max_attempts = 3,
                              .delay_ms = POOL__RETRY_ANY,
                              .base_ms = 20,
                              .now = 1000,
                              .due = UINT64_MAX};

  return given;
}

static void attempts_have_an_end(void **state) {
  pool__retry_case_t given = case_of(POOL__RETRY_AMBIGUOUS);
  pool__retry_plan_t plan;

  (void)state;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  given.attempts = 2;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  given.attempts = 3;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
  given.attempts = given.max_attempts = 1;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
  given = case_of(POOL__RETRY_NEVER);
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
}

static void a_stale_connection_is_made_up_for_once(void **state) {
  pool__retry_case_t given = case_of(POOL__RETRY_STALE);
  pool__retry_plan_t plan;

  (void)state;
  given.attempts = given.max_attempts = 2; /* it costs none */
  given.random = UINT64_MAX;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 0);
  assert_true(plan.is_free && plan.is_fresh);
  given.had_free = 1;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
  given.max_attempts = 3;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_false(plan.is_free || plan.is_fresh);
  given.had_free = 0;
  given.max_attempts = 1; /* who wants no retries gets none */
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
}

static void the_backoff_doubles_and_is_jittered(void **state) {
  static const uint32_t most[] = {20, 40, 80, 160, 320, 640, 1000, 1000, 1000};
  pool__retry_case_t given = case_of(POOL__RETRY_AMBIGUOUS);
  pool__retry_plan_t plan;
  uint32_t i;

  (void)state;
  given.max_attempts = UINT32_MAX;
  for (i = 0; i < sizeof most / sizeof most[0]; i++) {
    given.attempts = i + 1;
    given.random = most[i];
    assert_int_equal(pool__retry_decide(&given, &plan), 1);
    assert_int_equal(plan.delay_ms, most[i]);
    given.random = most[i] + 1ull;
    assert_int_equal(pool__retry_decide(&given, &plan), 1);
    assert_int_equal(plan.delay_ms, 0);
  }
  given.attempts = UINT32_MAX - 1;
  given.base_ms = UINT32_MAX;
  given.random = 1000;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 1000);
}

static void what_was_not_sent_goes_elsewhere_at_once(void **state) {
  pool__retry_case_t given = case_of(POOL__RETRY_UNSENT);
  pool__retry_plan_t plan;

  (void)state;
  given.random = 20;
  given.elsewhere = 1;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 0);
  given.elsewhere = 0;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 20);
  given.elsewhere = 1;
  given.attempts = 2;
  given.random = 40;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 40);
}

static void a_judge_names_the_delay(void **state) {
  pool__retry_case_t given = case_of(POOL__RETRY_JUDGED);
  pool__retry_plan_t plan;

  (void)state;
  given.random = 7;
  given.delay_ms = 5000;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 5000);
  given.delay_ms = 0;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 0);
  given.delay_ms = POOL__RETRY_ANY;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  assert_int_equal(plan.delay_ms, 7);
}

static void what_would_be_too_late_is_not_begun(void **state) {
  pool__retry_case_t given = case_of(POOL__RETRY_JUDGED);
  pool__retry_plan_t plan;

  (void)state;
  given.delay_ms = 50;
  given.due = given.now + 51;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  given.due = given.now + 50;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
  given.due = given.now + 60;
  given.likely_ms = 9;
  assert_int_equal(pool__retry_decide(&given, &plan), 1);
  given.likely_ms = 10;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
  given = case_of(POOL__RETRY_STALE);
  given.due = given.now;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
  given.due = given.now - 1;
  assert_int_equal(pool__retry_decide(&given, &plan), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_not_sent_may_go_again_whatever_it_is),
      cmocka_unit_test(what_was_sent_and_may_not_be_twice_is_not),
      cmocka_unit_test(only_a_used_connection_without_a_byte_is_stale),
      cmocka_unit_test(our_own_verdicts_are_final),
      cmocka_unit_test(attempts_have_an_end),
      cmocka_unit_test(a_stale_connection_is_made_up_for_once),
      cmocka_unit_test(the_backoff_doubles_and_is_jittered),
      cmocka_unit_test(what_was_not_sent_goes_elsewhere_at_once),
      cmocka_unit_test(a_judge_names_the_delay),
      cmocka_unit_test(what_would_be_too_late_is_not_begun),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
