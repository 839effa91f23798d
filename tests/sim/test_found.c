/* What the universes found in src/, each as a test of its own: seeds lead to
 * other worlds when the catalogue grows, these stay. And that a pool which
 * waits for nothing is found. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim_test.h"

static void on_connect(void *arg, int port, kernel_route_t *route) {
  (void)arg;
  (void)port;
  route->path.latency_us = 5000;
}

static int setup(void **state) {
  kernel_options_t options = {.seed = 1, .on_connect = on_connect};

  return sim_test_setup(state, &options);
}

static record_t *get_within(fixture_t *fx, const char *path, uint32_t ms) {
  pool_request_t request = {.path = path, .timeout_ms = ms};

  return fixture_request(fx, &request);
}

static void block(record_t *record) {
  fixture_block(200);
  uv_update_time(&record->fx->loop);
}

/* Two deadlines in one turn of the wheel; the callback of the first takes long
 * and says so. The second, of a slot whose timer was set for an earlier call,
 * must be set anew by the time as it is then. */
static void a_callback_that_blocks_puts_no_deadline_off(void **state) {
  static const server_step_t silent[] = {EXPECT(), HANG()};
  static const server_step_t once[] = {EXPECT(), REPLY(), EXPECT(), HANG()};
  fixture_t *fx = *state;
  record_t *first, *second, *third;

  fixture_pool(fx, NULL);
  server_script(fx->server, silent);
  server_script(fx->server, once);
  first = get_within(fx, "/silent", 50);
  first->then = block;
  second = get_within(fx, "/quick", 50);
  fixture_run_record(fx, second);
  third = get_within(fx, "/silent", 400);
  fixture_run(fx);
  assert_int_equal(first->error, UV_ETIMEDOUT);
  assert_int_equal(second->error, 0);
  assert_int_equal(third->error, UV_ETIMEDOUT);
  assert_in_range(third->total_ms, 400, 420);
}

/* A connection's timer that was set for an earlier request fires while the
 * next one is on its way. Its bytes that are not acknowledged yet must not
 * count as an upload that moves: the server says nothing from then on. */
static void a_request_on_its_way_puts_no_stall_off(void **state) {
  static const server_step_t once[] = {EXPECT(), REPLY(), EXPECT(), HANG()};
  pool_config_t config = {.stall_timeout_ms = 1000, .resolution_ms = 1};
  fixture_t *fx = *state;
  record_t *first, *second;
  uint64_t started = uv_now(&fx->loop);

  server_default(fx->server, once);
  fixture_pool(fx, &config);
  first = fixture_get(fx, "/1");
  fixture_run_record(fx, first);
  /* The connect took two latencies, and the timer is set from then on. */
  fixture_run_ms(fx, (uint32_t)(started + 10 + 998 - uv_now(&fx->loop)));
  second = fixture_get(fx, "/2");
  fixture_run(fx);
  assert_int_equal(first->error, 0);
  assert_int_equal(second->error, UV_ETIMEDOUT);
  assert_in_range(second->total_ms, 1000, 1010);
}

/* Nothing is on its way, no timer is near: whoever waits does so for ever, and
 * the kernel says so. In a process of its own, for it aborts. */
static void a_wait_for_nothing_is_a_deadlock(void **state) {
  static const server_step_t silent[] = {EXPECT(), HANG()};
  pool_config_t config = {.timeout_ms = POOL_OFF,
                          .connect_timeout_ms = POOL_OFF};
  fixture_t *fx = *state;
  int status = 0;
  pid_t child;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  fixture_get(fx, "/");
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    if (freopen("/dev/null", "w", stderr) != NULL)
      uv_run(&fx->loop, UV_RUN_DEFAULT);
    _exit(1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SIM_TEST(a_callback_that_blocks_puts_no_deadline_off),
      SIM_TEST(a_wait_for_nothing_is_a_deadlock),
      SIM_TEST(a_request_on_its_way_puts_no_stall_off),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
