/* Create, drain and close, in every state. The fixture asserts after each test
 * that no handle and no byte is left. */
#include "fixture.h"

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t half[] = {EXPECT(), SEND("HTTP/1.1 200 O"), HANG()};
static const server_step_t slow[] = {EXPECT(), DELAY(15), REPLY(), REPEAT()};

/* --- create --------------------------------------------------------------- */

static void create_says_what_it_cannot_use(void **state) {
  fixture_t *fx = *state;
  pool_t *pool = (pool_t *)fx; /* any mark */
  pool_config_t config = {0};

  assert_int_equal(pool_create(NULL, &fx->loop, NULL), UV_EINVAL);
  assert_int_equal(pool_create(&pool, NULL, NULL), UV_EINVAL);
  config.max_pending = (1u << 24) + 1;
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  config = (pool_config_t){.max_connections = 65536};
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  config = (pool_config_t){.resolution_ms = 1001};
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  config = (pool_config_t){.max_head_bytes = 255};
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  config = (pool_config_t){.max_body_bytes = POOL_OFF};
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  config = (pool_config_t){.max_pending = POOL_OFF};
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  config = (pool_config_t){.allocator.free = heap_allocator(&fx->heap).free};
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_EINVAL);
  assert_ptr_equal(pool, fx);
}

static void create_needs_memory(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.allocator = heap_allocator(&fx->heap)};
  pool_t *pool = NULL;

  heap_fail(&fx->heap, 1, 0);
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_ENOMEM);
  heap_fail(&fx->heap, 2, 0);
  assert_int_equal(pool_create(&pool, &fx->loop, &config), UV_ENOMEM);
  assert_null(pool);
  assert_int_equal(fx->heap.blocks, 0);
}

static void functions_without_a_pool_say_so(void **state) {
  pool_endpoint_stats_t endpoint;
  pool_call_t call = {0};
  pool_stats_t stats;

  (void)state;
  assert_int_equal(pool_get(NULL, "/", fixture_done, NULL), UV_EINVAL);
  assert_int_equal(pool_cancel(NULL, call), UV_EINVAL);
  assert_int_equal(pool_add_endpoint(NULL, "1.2.3.4"), UV_EINVAL);
  assert_int_equal(pool_remove_endpoint(NULL, "1.2.3.4"), UV_EINVAL);
  assert_int_equal(pool_set_max_pending(NULL, 1), UV_EINVAL);
  assert_int_equal(pool_endpoint_stats(NULL, "1.2.3.4", &endpoint), UV_EINVAL);
  memset(&stats, 0xff, sizeof stats);
  pool_stats(NULL, &stats);
  assert_int_equal(stats.max_pending, 0);
  assert_int_equal(stats.bytes_allocated, 0);
  pool_drain(NULL);
  pool_close(NULL, NULL, NULL);
}

/* --- the loop ------------------------------------------------------------- */

static void an_idle_pool_holds_no_process(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  fixture_run(fx); /* returns at once */
  fixture_get(fx, "/x");
  assert_true(uv_loop_alive(&fx->loop));
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).idle, 1);
  assert_false(uv_loop_alive(&fx->loop));
}

static void a_connect_for_nobody_holds_no_process(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  fixture_run(fx);
  hole_close(&hole);

  assert_int_equal(got->error, UV_ECANCELED);
  assert_true((got->ended_hr - got->started_hr) / 1000000 < 200);
}

/* --- close ---------------------------------------------------------------- */

static void on_closed(void *data) {
  fixture_t *fx = data;

  fx->closed++;
  fx->pool = NULL;
}

/* Closes with two requests in the state that the script makes, and one that
 * waits; turns: how far they get before. */
static void close_after(fixture_t *fx, const server_step_t *script,
                        uint32_t ms) {
  pool_config_t config = {.max_connections = 2};
  record_t *records[3];
  int i;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  for (i = 0; i < 3; i++)
    records[i] = fixture_get(fx, "/x");
  if (ms > 0)
    fixture_run_ms(fx, ms);
  pool_close(fx->pool, on_closed, fx);
  assert_int_equal(fx->callbacks, 0);
  assert_int_equal(fx->closed, 0);
  fixture_run(fx); /* a pool that is closed keeps the loop alive */

  assert_int_equal(fx->closed, 1);
  for (i = 0; i < 3; i++) {
    assert_int_equal(records[i]->calls, 1);
    assert_int_equal(records[i]->error, POOL_ECLOSING);
  }
}

static void close_before_the_loop_ran(void **state) {
  close_after(*state, silent, 0);
}

static void close_while_the_server_is_silent(void **state) {
  close_after(*state, silent, 5);
}

static void close_within_an_answer(void **state) {
  close_after(*state, half, 5);
}

static void close_when_nothing_ever_happened(void **state) {
  fixture_t *fx = *state;

  fixture_pool_bare(fx, NULL);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);
  assert_int_equal(fx->closed, 1);
}

static void close_with_idle_connections(void **state) {
  fixture_t *fx = *state;
  int i;

  fixture_pool(fx, NULL);
  for (i = 0; i < 4; i++)
    fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 4);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);
  fixture_run_ms(fx, 3);

  assert_int_equal(fx->closed, 1);
  assert_int_equal(fx->server->open, 0);
}

static void close_while_connecting(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 3);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);
  hole_close(&hole);

  assert_int_equal(fx->closed, 1);
  assert_int_equal(got->error, POOL_ECLOSING);
  assert_int_equal(got->phase, POOL_CONNECTING);
}

static void close_while_an_endpoint_backs_off(void **state) {
  fixture_t *fx = *state;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);
  assert_int_equal(fx->closed, 1);
}

static void close_while_an_endpoint_leaves(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, silent);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 3);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);

  assert_int_equal(fx->closed, 1);
  assert_int_equal(got->error, POOL_ECLOSING);
}

static void close_while_draining(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, silent);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 3);
  pool_drain(fx->pool);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);

  assert_int_equal(fx->closed, 1);
  assert_int_equal(got->error, POOL_ECLOSING);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 0);
}

static void close_after_a_cancel_that_is_not_told_yet(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);

  assert_int_equal(got->error, UV_ECANCELED);
  assert_int_equal(fx->closed, 1);
}

static void close_may_have_no_callback(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  pool_close(fx->pool, NULL, NULL);
  fx->pool = NULL;
  fixture_run(fx);

  assert_int_equal(got->error, POOL_ECLOSING);
  assert_int_equal(fx->heap.blocks, 0);
}

/* --- from the callbacks of a pool that is closed ------------------------- */

static void then_call_a_closed_pool(record_t *record) {
  fixture_t *fx = record->fx;
  pool_stats_t stats;
  int *rc = record->then_data;

  rc[0] = fixture_get(fx, "/late")->rc;
  rc[1] = pool_add_endpoint(fx->pool, "1.2.3.4");
  rc[2] = pool_remove_endpoint(fx->pool, fx->server->address);
  rc[3] = pool_cancel(fx->pool, record->call);
  pool_stats(fx->pool, &stats);
  pool_drain(fx->pool);
  pool_close(fx->pool, on_closed, fx); /* ignored */
}

static void a_closed_pool_fails_every_call_cleanly(void **state) {
  fixture_t *fx = *state;
  int rc[4] = {0};
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  got->then = then_call_a_closed_pool;
  got->then_data = rc;
  pool_close(fx->pool, on_closed, fx);
  fixture_run(fx);

  assert_int_equal(fx->closed, 1);
  assert_int_equal(rc[0], POOL_ECLOSING);
  assert_int_equal(rc[1], POOL_ECLOSING);
  assert_int_equal(rc[2], POOL_ECLOSING);
  assert_int_equal(rc[3], POOL_EGONE);
}

static void then_close(record_t *record) {
  pool_close(record->fx->pool, on_closed, record->fx);
}

static void close_from_a_done_callback(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  record_t *records[4];
  int i;

  fixture_pool(fx, &config);
  for (i = 0; i < 4; i++)
    records[i] = fixture_get(fx, "/x");
  records[0]->then = then_close;
  fixture_run(fx);

  assert_int_equal(fx->closed, 1);
  assert_int_equal(records[0]->error, 0);
  for (i = 1; i < 4; i++)
    assert_int_equal(records[i]->error, POOL_ECLOSING);
}

/* --- drain ---------------------------------------------------------------- */

static void drain_ends_what_is_pending_and_takes_nothing_new(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  record_t *records[6];
  int i;

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  for (i = 0; i < 6; i++)
    records[i] = fixture_get(fx, "/x");
  pool_drain(fx->pool);
  assert_int_equal(fixture_get(fx, "/late")->rc, POOL_ECLOSING);
  assert_int_equal(pool_add_endpoint(fx->pool, "1.2.3.4"), POOL_ECLOSING);
  assert_int_equal(fixture_stats(fx).pending, 6);
  fixture_run(fx);
  fixture_run_ms(fx, 3);

  for (i = 0; i < 6; i++)
    assert_int_equal(records[i]->error, 0);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
  assert_int_equal(fixture_stats(fx).idle, 0);
  assert_int_equal(fx->server->open, 0);
}

static void drain_closes_idle_connections(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  pool_drain(fx->pool);
  pool_drain(fx->pool);
  assert_int_equal(fixture_stats(fx).idle, 0);
  fixture_run_ms(fx, 3);

  assert_int_equal(fx->server->open, 0);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
}

static void an_endpoint_may_be_removed_while_draining(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  record_t *first, *second;

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  first = fixture_get(fx, "/1");
  second = fixture_get(fx, "/2");
  fixture_run_ms(fx, 3);
  pool_drain(fx->pool);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run(fx);
  fixture_run_ms(fx, 3);

  assert_int_equal(first->error, 0);
  assert_int_equal(second->error, POOL_ENOENDPOINT);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
}

/* --- live settings -------------------------------------------------------- */

static void max_pending_can_be_changed(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 2};
  int i;

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  fixture_get(fx, "/x");
  fixture_get(fx, "/x");
  assert_int_equal(fixture_get(fx, "/x")->rc, POOL_EOVERLOADED);
  assert_int_equal(pool_set_max_pending(fx->pool, 5), 0);
  for (i = 0; i < 3; i++)
    assert_int_equal(fixture_get(fx, "/x")->rc, 0);
  assert_int_equal(pool_set_max_pending(fx->pool, 1), 0);
  assert_int_equal(fixture_get(fx, "/x")->rc, POOL_EOVERLOADED);
  assert_int_equal(pool_set_max_pending(fx->pool, 0), UV_EINVAL);
  assert_int_equal(pool_set_max_pending(fx->pool, POOL_OFF), UV_EINVAL);
  assert_int_equal(fixture_stats(fx).max_pending, 1);
  assert_int_equal(fixture_stats(fx).pending, 5);
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).succeeded, 5);
  assert_int_equal(fixture_get(fx, "/x")->rc, 0);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(create_says_what_it_cannot_use),
      FIXTURE_TEST(create_needs_memory),
      cmocka_unit_test(functions_without_a_pool_say_so),
      FIXTURE_TEST(an_idle_pool_holds_no_process),
      FIXTURE_TEST(a_connect_for_nobody_holds_no_process),
      FIXTURE_TEST(close_before_the_loop_ran),
      FIXTURE_TEST(close_while_the_server_is_silent),
      FIXTURE_TEST(close_within_an_answer),
      FIXTURE_TEST(close_when_nothing_ever_happened),
      FIXTURE_TEST(close_with_idle_connections),
      FIXTURE_TEST(close_while_connecting),
      FIXTURE_TEST(close_while_an_endpoint_backs_off),
      FIXTURE_TEST(close_while_an_endpoint_leaves),
      FIXTURE_TEST(close_while_draining),
      FIXTURE_TEST(close_after_a_cancel_that_is_not_told_yet),
      FIXTURE_TEST(close_may_have_no_callback),
      FIXTURE_TEST(a_closed_pool_fails_every_call_cleanly),
      FIXTURE_TEST(close_from_a_done_callback),
      FIXTURE_TEST(drain_ends_what_is_pending_and_takes_nothing_new),
      FIXTURE_TEST(drain_closes_idle_connections),
      FIXTURE_TEST(an_endpoint_may_be_removed_while_draining),
      FIXTURE_TEST(max_pending_can_be_changed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
