/* Every number that is told, each in a situation where it is not zero. */
#include "fixture.h"

static const server_step_t silent[] = {EXPECT(), HANG()};

static void a_new_pool_has_a_limit_and_nothing_else(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 77};
  pool_stats_t stats, expected = {0};

  fixture_pool_bare(fx, &config);
  stats = fixture_stats(fx);
  expected.max_pending = 77;
  expected.bytes_allocated = fx->heap.bytes;

  assert_true(stats.bytes_allocated > 0);
  assert_memory_equal(&stats, &expected, sizeof stats);
}

static void what_is_pending_is_waiting_or_active(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  pool_stats_t stats;
  record_t *got = NULL;
  int i;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  for (i = 0; i < 5; i++)
    got = fixture_get(fx, "/x");
  stats = fixture_stats(fx);
  assert_int_equal(stats.accepted, 5);
  assert_int_equal(stats.pending, 5);
  assert_int_equal(stats.waiting, 5);
  assert_int_equal(stats.connecting, 2);
  fixture_run_ms(fx, 5);
  stats = fixture_stats(fx);
  assert_int_equal(stats.waiting, 3);
  assert_int_equal(stats.active, 2);
  assert_int_equal(stats.busy, 2);
  assert_int_equal(stats.connecting, 0);
  assert_int_equal(stats.connects, 2);
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  stats = fixture_stats(fx);
  assert_int_equal(stats.pending, 5); /* until it is told */
  assert_int_equal(stats.waiting, 2);
  assert_int_equal(stats.cancelled, 0);
  fixture_run_record(fx, got);
  stats = fixture_stats(fx);
  assert_int_equal(stats.pending, 4);
  assert_int_equal(stats.cancelled, 1);
  assert_int_equal(stats.peak_pending, 5);
}

static void what_ends_succeeded_failed_or_was_refused(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(),  EXPECT(),
                                         REPLY(),  EXPECT(), CLOSE()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 1};
  pool_stats_t stats;
  int i;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  for (i = 0; i < 3; i++) {
    fixture_get(fx, "/x");
    fixture_get(fx, "/refused");
    fixture_run(fx);
  }
  stats = fixture_stats(fx);

  assert_int_equal(stats.accepted, 3);
  assert_int_equal(stats.refused, 3);
  assert_int_equal(stats.succeeded, 2);
  assert_int_equal(stats.failed, 1);
  assert_int_equal(stats.connects, 1);
  assert_int_equal(stats.reuses, 2);
  assert_int_equal(stats.endpoints, 1);
}

static void connections_by_state(void **state) {
  fixture_t *fx = *state;
  pool_stats_t stats;
  int i;

  fixture_pool(fx, NULL);
  for (i = 0; i < 3; i++)
    fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 3);
  fixture_get(fx, "/x");
  stats = fixture_stats(fx);
  assert_int_equal(stats.idle, 2);
  assert_int_equal(stats.busy, 1);
  pool_drain(fx->pool);
  stats = fixture_stats(fx);
  assert_int_equal(stats.closing, 2);
  assert_int_equal(stats.idle, 0);
  fixture_run(fx);
  fixture_run_ms(fx, 2);
  assert_int_equal(fixture_stats(fx).closing, 0);
}

static void connects_that_fail(void **state) {
  fixture_t *fx = *state;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).connect_fails, 1);
  assert_int_equal(fixture_stats(fx).connects, 0);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).connect_fails, 1);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).last_error,
                   UV_ECONNREFUSED);
}

static void endpoints_that_serve(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, "1.2.3.4"), 0);
  assert_int_equal(fixture_stats(fx).endpoints, 2);
  assert_int_equal(pool_remove_endpoint(fx->pool, "1.2.3.4:80"), 0);
  assert_int_equal(fixture_stats(fx).endpoints, 1);
}

static void the_numbers_of_an_endpoint(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(),  EXPECT(),
                                         REPLY(),  EXPECT(), CLOSE()};
  fixture_t *fx = *state;
  pool_endpoint_stats_t stats;
  record_t *got;
  int i;

  server_script(fx->server, script);
  server_script(fx->server, silent);
  fixture_pool(fx, NULL);
  for (i = 0; i < 3; i++) {
    fixture_get(fx, "/x");
    fixture_run(fx);
  }
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 3);
  stats = fixture_endpoint_stats(fx, fx->server);

  assert_int_equal(stats.attempts, 4);
  assert_int_equal(stats.succeeded, 2);
  assert_int_equal(stats.failed, 1);
  assert_int_equal(stats.connects, 2);
  assert_int_equal(stats.connect_fails, 0);
  assert_int_equal(stats.busy, 1);
  assert_int_equal(stats.idle, 0);
  assert_int_equal(stats.last_error, POOL_EHANGUP);
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  stats = fixture_endpoint_stats(fx, fx->server);
  assert_int_equal(stats.attempts, 4);
  assert_int_equal(stats.failed, 2);
  assert_int_equal(stats.busy, 0);
  assert_int_equal(stats.last_error, POOL_EHANGUP); /* not by its fault */
}

static void the_numbers_of_an_endpoint_by_state(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).connecting, 1);
  fixture_run(fx);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).idle, 1);
  pool_drain(fx->pool);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).closing, 1);
}

static void endpoint_numbers_need_an_endpoint(void **state) {
  fixture_t *fx = *state;
  pool_endpoint_stats_t stats;

  fixture_pool(fx, NULL);
  assert_int_equal(pool_endpoint_stats(fx->pool, "1.2.3.4", &stats), UV_ENOENT);
  assert_int_equal(pool_endpoint_stats(fx->pool, "what", &stats), UV_EINVAL);
  assert_int_equal(pool_endpoint_stats(fx->pool, NULL, &stats), UV_EINVAL);
  assert_int_equal(pool_endpoint_stats(fx->pool, "1.2.3.4", NULL), UV_EINVAL);
}

static void bytes_allocated_are_what_the_allocator_says(void **state) {
  fixture_t *fx = *state;
  uint64_t warm;
  int i;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  warm = fixture_stats(fx).bytes_allocated;
  assert_int_equal(warm, fx->heap.bytes);
  for (i = 0; i < 100; i++) {
    fixture_get(fx, "/x");
    assert_int_equal(fixture_stats(fx).bytes_allocated, fx->heap.bytes);
    fixture_run(fx);
    assert_int_equal(fixture_stats(fx).bytes_allocated, warm);
  }
}

static void a_warm_request_calls_no_allocator(void **state) {
  fixture_t *fx = *state;
  uint64_t calls, frees;
  int i;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  calls = fx->heap.calls;
  frees = fx->heap.frees;
  for (i = 0; i < 100; i++) {
    fixture_get(fx, "/x");
    fixture_run(fx);
  }

  assert_int_equal(fx->heap.calls, calls);
  assert_int_equal(fx->heap.frees, frees);
}

/* A caller that was built with a shorter or a longer struct. */
static void structs_of_other_sizes(void **state) {
  fixture_t *fx = *state;
  struct {
    pool_stats_t stats;
    uint64_t later;
  } longer;
  uint32_t shorter[2] = {0, 99};

  fixture_pool(fx, NULL);
  memset(&longer, 0xff, sizeof longer);
  pool_stats_sized(fx->pool, &longer.stats, sizeof longer);
  pool_stats_sized(fx->pool, (pool_stats_t *)(void *)shorter, 4);

  assert_int_equal(longer.stats.max_pending, 1000);
  assert_int_equal(longer.later, 0);
  assert_int_equal(shorter[0], 1000);
  assert_int_equal(shorter[1], 99);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_new_pool_has_a_limit_and_nothing_else),
      FIXTURE_TEST(what_is_pending_is_waiting_or_active),
      FIXTURE_TEST(what_ends_succeeded_failed_or_was_refused),
      FIXTURE_TEST(connections_by_state),
      FIXTURE_TEST(connects_that_fail),
      FIXTURE_TEST(endpoints_that_serve),
      FIXTURE_TEST(the_numbers_of_an_endpoint),
      FIXTURE_TEST(the_numbers_of_an_endpoint_by_state),
      FIXTURE_TEST(endpoint_numbers_need_an_endpoint),
      FIXTURE_TEST(bytes_allocated_are_what_the_allocator_says),
      FIXTURE_TEST(a_warm_request_calls_no_allocator),
      FIXTURE_TEST(structs_of_other_sizes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
