/* The simulated kernel itself: the clock jumps, and a pool and a server on one
 * loop talk over it. */
#include "sim_test.h"

static int setup(void **state) {
  kernel_options_t options = {.seed = 1};

  return sim_test_setup(state, &options);
}

static void a_get_is_answered(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/a");
  fixture_run(fx);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "/a");
}

static void a_minute_takes_no_time(void **state) {
  static const server_step_t silent[] = {EXPECT(), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 9000};
  uint64_t wall = kernel_wall_us();
  record_t *got;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/a");
  fixture_run(fx);
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_in_range(got->total_ms, 9000, 9020);
  assert_true(kernel_wall_us() - wall < 3000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SIM_TEST(a_get_is_answered),
      SIM_TEST(a_minute_takes_no_time),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
