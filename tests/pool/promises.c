/* The promises that concern every request: 1 (threads), 2 (callbacks come from
 * uv_run() only), 3 (exactly once) and 5 (a refusal costs nothing). */
#include "fixture.h"

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t hangup[] = {EXPECT(), CLOSE()};

static void a_get_is_answered(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/a");
  fixture_run(fx);

  assert_int_equal(got->rc, 0);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 200);
  assert_string_equal(got->body, "/a");
  assert_string_equal(got->endpoint, fx->server->address);
}

/* --- 1 -------------------------------------------------------------------- */

typedef struct {
  uv_loop_t loop;
  server_t server;
  pool_t *pool;
  unsigned asked;
  unsigned answered;
  int error;
} world_t;

static void on_world_answer(const pool_result_t *result, void *data) {
  world_t *world = data;

  world->answered += result->status == 200;
  if (world->asked++ < 100)
    world->error |= pool_get(world->pool, "/w", on_world_answer, world);
}

static void run_world(void *arg) {
  world_t *world = arg;

  world->error |= uv_loop_init(&world->loop);
  world->error |= server_open(&world->server, &world->loop, 0);
  world->error |= pool_create(&world->pool, &world->loop, NULL);
  world->error |= pool_add_endpoint(world->pool, world->server.address);
  world->asked = 1;
  world->error |= pool_get(world->pool, "/w", on_world_answer, world);
  uv_run(&world->loop, UV_RUN_DEFAULT);
  pool_close(world->pool, NULL, NULL);
  server_close(&world->server);
  uv_run(&world->loop, UV_RUN_DEFAULT);
  server_clear(&world->server);
  world->error |= uv_loop_close(&world->loop);
}

static void promise_1_pools_on_loops_of_several_threads(void **state) {
  static world_t worlds[3];
  uv_thread_t threads[3];
  int i;

  (void)state;
  for (i = 0; i < 3; i++)
    assert_int_equal(uv_thread_create(&threads[i], run_world, &worlds[i]), 0);
  for (i = 0; i < 3; i++)
    uv_thread_join(&threads[i]);
  for (i = 0; i < 3; i++) {
    assert_int_equal(worlds[i].error, 0);
    assert_int_equal(worlds[i].answered, 100);
  }
}

/* --- 2 -------------------------------------------------------------------- */

static int event_in_call;

static void note_event(fixture_t *fx, const pool_event_t *event) {
  (void)event;
  event_in_call |= fx->in_call;
}

static void note_close(void *data) {
  fixture_t *fx = data;

  event_in_call |= fx->in_call;
  fx->pool = NULL;
}

/* fixture_teardown() looks at in_call of every record. */
static void promise_2_no_callback_runs_inside_a_pool_call(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  record_t *records[6];
  int i;

  event_in_call = 0;
  fx->on_event = note_event;
  server_script(fx->server, silent);
  server_script(fx->server, silent);
  fixture_pool(fx, &config);
  for (i = 0; i < 6; i++)
    records[i] = fixture_get(fx, "/x");
  fixture_run_ms(fx, 5);
  fx->in_call = 1;
  assert_int_equal(fixture_stats(fx).active, 2);
  assert_int_equal(pool_cancel(fx->pool, records[0]->call), 0);
  assert_int_equal(pool_cancel(fx->pool, records[5]->call), 0);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  pool_drain(fx->pool);
  pool_close(fx->pool, note_close, fx);
  assert_int_equal(fx->callbacks, 0);
  fx->in_call = 0;
  fixture_run(fx);

  assert_int_equal(fx->callbacks, 6);
  assert_null(fx->pool);
  assert_int_equal(event_in_call, 0);
}

static void promise_2_not_even_when_the_connect_fails_at_once(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  event_in_call = 0;
  fx->on_event = note_event;
  fixture_pool_bare(fx, NULL);
  /* A broadcast address: connect() says EACCES or ENETUNREACH at once. */
  assert_int_equal(pool_add_endpoint(fx->pool, "255.255.255.255:9"), 0);
  got = fixture_get(fx, "/");
  assert_int_equal(got->rc, 0);
  assert_int_equal(got->calls, 0);
  fixture_run(fx);

  assert_int_equal(got->calls, 1);
  assert_true(got->error < 0);
  assert_int_equal(got->phase, POOL_CONNECTING);
  assert_int_equal(event_in_call, 0);
}

/* --- 3 -------------------------------------------------------------------- */

static void promise_3_each_request_is_told_exactly_once(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 3, .timeout_ms = 150};
  record_t *records[60];
  int i;

  server_script(fx->server, silent);
  server_script(fx->server, hangup);
  fixture_pool(fx, &config);
  for (i = 0; i < 60; i++)
    records[i] = fixture_get(fx, "/x");
  assert_int_equal(pool_cancel(fx->pool, records[30]->call), 0);
  assert_int_equal(pool_cancel(fx->pool, records[30]->call), POOL_EGONE);
  fixture_run(fx);

  for (i = 0; i < 60; i++)
    assert_int_equal(records[i]->calls, 1);
  assert_int_equal(records[30]->error, UV_ECANCELED);
  assert_int_equal(fixture_stats(fx).pending, 0);
  assert_int_equal(fixture_stats(fx).failed, 2);
}

static void promise_3_what_is_refused_is_never_told(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 1};
  pool_request_t bad = {.path = "no slash"};
  record_t *refused[4];
  int i;

  fixture_pool_bare(fx, &config);
  refused[0] = fixture_get(fx, "/x");
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  refused[1] = fixture_request(fx, &bad);
  assert_int_equal(fixture_get(fx, "/")->rc, 0);
  refused[2] = fixture_get(fx, "/");
  pool_drain(fx->pool);
  refused[3] = fixture_get(fx, "/");
  fixture_run(fx);
  fixture_close_pool(fx);

  assert_int_equal(refused[0]->rc, POOL_ENOENDPOINT);
  assert_int_equal(refused[1]->rc, UV_EINVAL);
  assert_int_equal(refused[2]->rc, POOL_EOVERLOADED);
  assert_int_equal(refused[3]->rc, POOL_ECLOSING);
  for (i = 0; i < 4; i++) {
    assert_int_equal(refused[i]->calls, 0);
    assert_int_equal(refused[i]->call.id, 0); /* not written */
  }
}

/* --- 5 -------------------------------------------------------------------- */

static void
promise_5_a_refusal_allocates_nothing_and_changes_one_counter(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 3};
  pool_stats_t before, after;
  uint64_t calls, frees;
  int i;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  for (i = 0; i < 3; i++)
    assert_int_equal(fixture_get(fx, "/x")->rc, 0);
  fixture_run_ms(fx, 5);
  before = fixture_stats(fx);
  calls = fx->heap.calls;
  frees = fx->heap.frees;
  for (i = 0; i < 1000; i++)
    assert_int_equal(pool_get(fx->pool, "/x", fixture_done, NULL),
                     POOL_EOVERLOADED);

  after = fixture_stats(fx);
  assert_int_equal(fx->heap.calls, calls);
  assert_int_equal(fx->heap.frees, frees);
  assert_int_equal(after.refused, before.refused + 1000);
  after.refused = before.refused;
  assert_memory_equal(&after, &before, sizeof after);
}

static void promise_5_the_limit_is_strict(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 5, .max_connections = 2};
  int i;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  for (i = 0; i < 20; i++)
    assert_int_equal(fixture_get(fx, "/x")->rc, i < 5 ? 0 : POOL_EOVERLOADED);
  assert_int_equal(fixture_stats(fx).pending, 5);
  assert_int_equal(fixture_stats(fx).peak_pending, 5);
}

/* Whoever was cancelled counts until its callback has run. */
static void
promise_5_a_cancelled_request_counts_until_it_is_told(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 1};
  record_t *first;

  fixture_pool(fx, &config);
  first = fixture_get(fx, "/x");
  assert_int_equal(pool_cancel(fx->pool, first->call), 0);
  assert_int_equal(fixture_get(fx, "/y")->rc, POOL_EOVERLOADED);
  fixture_run(fx);
  assert_int_equal(fixture_get(fx, "/z")->rc, 0);
}

static void promise_5_overload_is_seen_before_the_arguments(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 1};
  pool_request_t bad = {.method = "B A D", .path = "nowhere"};

  fixture_pool(fx, &config);
  assert_int_equal(fixture_get(fx, "/x")->rc, 0);
  assert_int_equal(pool_request(fx->pool, &bad, NULL, NULL, NULL),
                   POOL_EOVERLOADED);
  assert_int_equal(pool_request(fx->pool, NULL, NULL, NULL, NULL),
                   POOL_EOVERLOADED);
  fixture_run(fx);
  assert_int_equal(pool_request(fx->pool, NULL, fixture_done, NULL, NULL),
                   UV_EINVAL);
}

static void then_get(record_t *record) {
  record->then_data = fixture_get(record->fx, "/second");
}

static void promise_5_a_place_is_free_when_the_callback_runs(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_pending = 1};
  record_t *first, *second;

  fixture_pool(fx, &config);
  first = fixture_get(fx, "/first");
  first->then = then_get;
  fixture_run(fx);
  second = first->then_data;

  assert_int_equal(second->rc, 0);
  assert_string_equal(second->body, "/second");
  assert_int_equal(second->reused, 1);
  assert_int_equal(fx->server->accepted, 1);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_get_is_answered),
      cmocka_unit_test(promise_1_pools_on_loops_of_several_threads),
      FIXTURE_TEST(promise_2_no_callback_runs_inside_a_pool_call),
      FIXTURE_TEST(promise_2_not_even_when_the_connect_fails_at_once),
      FIXTURE_TEST(promise_3_each_request_is_told_exactly_once),
      FIXTURE_TEST(promise_3_what_is_refused_is_never_told),
      FIXTURE_TEST(
          promise_5_a_refusal_allocates_nothing_and_changes_one_counter),
      FIXTURE_TEST(promise_5_the_limit_is_strict),
      FIXTURE_TEST(promise_5_a_cancelled_request_counts_until_it_is_told),
      FIXTURE_TEST(promise_5_overload_is_seen_before_the_arguments),
      FIXTURE_TEST(promise_5_a_place_is_free_when_the_callback_runs),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
