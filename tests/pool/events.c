/* Each event is told once, in order, with its endpoint and error; and what
 * cannot be told is counted. */
#include "fixture.h"

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t slow[] = {EXPECT(), DELAY(15), REPLY(), REPEAT()};

/* The events are told soon: this is soon, in time and in turns of the loop,
 * of which a busy machine may not see many in that time. */
static void let_events_come(fixture_t *fx) {
  int turns;

  fixture_run_ms(fx, 3);
  for (turns = 0; turns < 20; turns++)
    uv_run(&fx->loop, UV_RUN_NOWAIT);
}

static void assert_event(const fixture_t *fx, uint32_t index,
                         pool_event_type_t type, int error,
                         const char *endpoint) {
  const fixture_event_t *event = &fx->events[index];

  assert_true(index < fx->event_count);
  assert_int_equal(event->type, type);
  assert_int_equal(event->error, error);
  assert_string_equal(event->endpoint, endpoint);
  assert_int_equal(event->lost, 0);
}

static void a_connection_that_opens_is_told(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  let_events_come(fx);

  assert_int_equal(fx->event_count, 1);
  assert_event(fx, 0, POOL_EVENT_CONNECT, 0, fx->server->address);
}

static void a_connect_that_fails_is_told(void **state) {
  fixture_t *fx = *state;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  let_events_come(fx);

  assert_int_equal(fx->event_count, 1);
  assert_event(fx, 0, POOL_EVENT_CONNECT_FAIL, UV_ECONNREFUSED,
               fx->server->address);
}

static void a_connect_that_takes_too_long_is_told(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.connect_timeout_ms = 20};
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  fixture_get(fx, "/x");
  fixture_run(fx);
  let_events_come(fx);
  hole_close(&hole);

  assert_int_equal(fx->event_count, 1);
  assert_event(fx, 0, POOL_EVENT_CONNECT_FAIL, UV_ETIMEDOUT, hole.address);
}

static void disconnect_with(fixture_t *fx, const server_step_t *script,
                            const pool_config_t *config, int error) {
  server_default(fx->server, script);
  fixture_pool(fx, config);
  fixture_get(fx, "/x");
  fixture_run(fx);
  fixture_run_ms(fx, 40);

  assert_int_equal(fx->event_count, 2);
  assert_event(fx, 0, POOL_EVENT_CONNECT, 0, fx->server->address);
  assert_event(fx, 1, POOL_EVENT_DISCONNECT, error, fx->server->address);
}

static void a_disconnect_by_the_server_at_rest_is_told(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), TURN(3), CLOSE()};

  disconnect_with(*state, script, NULL, POOL_EHANGUP);
}

static void a_disconnect_by_the_server_at_work_is_told(void **state) {
  static const server_step_t script[] = {EXPECT(), CLOSE()};

  disconnect_with(*state, script, NULL, POOL_EHANGUP);
}

static void a_reset_at_rest_is_told(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), TURN(3), RESET()};

  disconnect_with(*state, script, NULL, UV_ECONNRESET);
}

static void a_disconnect_by_us_is_told_without_an_error(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), HANG()};
  pool_config_t config = {.idle_timeout_ms = 15};

  disconnect_with(*state, script, &config, 0);
}

static void an_answer_that_ends_the_connection_is_no_error(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n"), HANG()};

  disconnect_with(*state, script, NULL, 0);
}

static void a_disconnect_for_a_timeout_is_told(void **state) {
  pool_config_t config = {.timeout_ms = 15};

  disconnect_with(*state, silent, &config, UV_ETIMEDOUT);
}

static void bytes_on_an_idle_connection_are_told(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), TURN(3), SEND("x"),
                                         HANG()};
  fixture_t *fx = *state;

  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  let_events_come(fx);

  assert_int_equal(fx->event_count, 3);
  assert_event(fx, 1, POOL_EVENT_UNSOLICITED, 0, fx->server->address);
  assert_event(fx, 2, POOL_EVENT_DISCONNECT, POOL_EPARSE, fx->server->address);
}

static void an_endpoint_says_farewell_after_its_last_connection(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, slow);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run_ms(fx, 4);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run_ms(fx, 4);
  assert_int_equal(fixture_events(fx, POOL_EVENT_REMOVED), 0);
  fixture_run(fx);
  let_events_come(fx);

  assert_int_equal(fx->event_count, 3);
  assert_event(fx, 1, POOL_EVENT_DISCONNECT, 0, fx->server->address);
  assert_event(fx, 2, POOL_EVENT_REMOVED, 0, fx->server->address);
}

static void an_endpoint_without_connections_says_farewell_too(void **state) {
  fixture_t *fx = *state;
  uint64_t bytes;

  fixture_pool(fx, NULL);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  let_events_come(fx);
  fx->event_count = 0;
  bytes = fixture_stats(fx).bytes_allocated;
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  let_events_come(fx);

  assert_int_equal(fx->event_count, 1);
  assert_event(fx, 0, POOL_EVENT_REMOVED, 0, fx->server->address);
  assert_int_equal(fixture_stats(fx).bytes_allocated, bytes);
}

static void a_drained_pool_is_told_after_the_last_callback(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, slow);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  pool_drain(fx->pool);
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 0);
  fixture_run(fx);
  let_events_come(fx);

  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
  assert_int_equal(fixture_stats(fx).pending, 0);
}

/* The program of the header: drain, run, and close when it is told. There is
 * nothing else on the loop that would let the event come. */
static void a_drained_pool_is_told_before_the_loop_ends(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  pool_drain(fx->pool);
  fixture_run(fx);

  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
}

static void a_pool_drained_at_rest_is_told_before_the_loop_ends(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  pool_drain(fx->pool);
  fixture_run(fx);

  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
}

static void a_farewell_is_told_before_the_loop_ends(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run(fx);

  assert_int_equal(fixture_events(fx, POOL_EVENT_REMOVED), 1);
}

static int all_are_asked(fixture_t *fx, void *arg) {
  return fx->server->seen == *(uint32_t *)arg;
}

/* Makes that many connections at rest: no answer before all have asked. */
static void open_many(fixture_t *fx, const pool_config_t *config,
                      uint32_t count) {
  uint32_t i;

  server_default(fx->server, silent);
  fixture_pool(fx, config);
  for (i = 0; i < count; i++)
    fixture_get(fx, "/x");
  fixture_run_until(fx, all_are_asked, &count);
  server_send_all(fx->server, OK_EMPTY, sizeof OK_EMPTY - 1);
  fixture_run(fx);
  let_events_come(fx);
  assert_int_equal(fixture_stats(fx).idle, count);
}

/* 100 connections close in one call: there is room for 64. What programs wait
 * for comes all the same. */
static void what_finds_the_queue_full_is_counted(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 100, .max_connecting = 100};
  const fixture_event_t *last;
  uint32_t before;
  uint64_t lost;

  open_many(fx, &config, 100);
  before = fx->event_count;
  lost = fixture_stats(fx).events_lost;
  pool_drain(fx->pool);
  assert_int_equal(fixture_stats(fx).events_lost, lost + 36);
  let_events_come(fx);

  assert_int_equal(fx->event_count - before, 65);
  last = &fx->events[fx->event_count - 1];
  assert_int_equal(last->type, POOL_EVENT_DRAINED);
  assert_int_equal(last->lost, 36);
}

/* Many busy connections, all cut at once: no event but DRAINED fits. */
static void a_drained_pool_is_told_whatever_else_happens(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 80, .max_connecting = 80};
  uint32_t count = 80;
  uint32_t i;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  for (i = 0; i < count; i++)
    fixture_get(fx, "/x");
  fixture_run_until(fx, all_are_asked, &count);
  pool_drain(fx->pool);
  server_close_all(fx->server, 1);
  fixture_run(fx);
  let_events_come(fx);

  assert_int_equal(fixture_stats(fx).pending, 0);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
}

static void every_endpoint_is_told_farewell(void **state) {
  fixture_t *fx = *state;
  char address[32];
  int i;

  fixture_pool(fx, NULL);
  for (i = 1; i <= 100; i++) {
    snprintf(address, sizeof address, "127.0.1.%d:1", i);
    assert_int_equal(pool_add_endpoint(fx->pool, address), 0);
  }
  for (i = 1; i <= 100; i++) {
    snprintf(address, sizeof address, "127.0.1.%d:1", i);
    assert_int_equal(pool_remove_endpoint(fx->pool, address), 0);
  }
  let_events_come(fx);

  assert_int_equal(fixture_events(fx, POOL_EVENT_REMOVED), 100);
  assert_int_equal(fixture_stats(fx).events_lost, 0);
}

static void the_next_event_tells_how_many_were_lost(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 70, .max_connecting = 10};

  open_many(fx, &config, 70);
  assert_int_equal(fixture_stats(fx).events_lost, 0);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  let_events_come(fx); /* 64 of 70 DISCONNECTs, and then REMOVED */

  assert_int_equal(fixture_stats(fx).events_lost, 6);
  assert_int_equal(fx->events[fx->event_count - 1].type, POOL_EVENT_REMOVED);
  assert_int_equal(fx->events[fx->event_count - 1].lost, 6);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  fixture_get(fx, "/x");
  let_events_come(fx);
  assert_event(fx, fx->event_count - 1, POOL_EVENT_CONNECT, 0,
               fx->server->address); /* and of none since */
}

static void a_pool_without_on_event_counts_no_loss(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.allocator = heap_allocator(&fx->heap),
                          .max_connections = 100,
                          .max_connecting = 100};
  int i;

  assert_int_equal(pool_create(&fx->pool, &fx->loop, &config), 0);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  for (i = 0; i < 100; i++)
    fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).events_lost, 0);
  assert_int_equal(fx->event_count, 0);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_connection_that_opens_is_told),
      FIXTURE_TEST(a_connect_that_fails_is_told),
      FIXTURE_TEST(a_connect_that_takes_too_long_is_told),
      FIXTURE_TEST(a_disconnect_by_the_server_at_rest_is_told),
      FIXTURE_TEST(a_disconnect_by_the_server_at_work_is_told),
      FIXTURE_TEST(a_reset_at_rest_is_told),
      FIXTURE_TEST(a_disconnect_by_us_is_told_without_an_error),
      FIXTURE_TEST(an_answer_that_ends_the_connection_is_no_error),
      FIXTURE_TEST(a_disconnect_for_a_timeout_is_told),
      FIXTURE_TEST(bytes_on_an_idle_connection_are_told),
      FIXTURE_TEST(an_endpoint_says_farewell_after_its_last_connection),
      FIXTURE_TEST(an_endpoint_without_connections_says_farewell_too),
      FIXTURE_TEST(a_drained_pool_is_told_after_the_last_callback),
      FIXTURE_TEST(a_drained_pool_is_told_before_the_loop_ends),
      FIXTURE_TEST(a_pool_drained_at_rest_is_told_before_the_loop_ends),
      FIXTURE_TEST(a_farewell_is_told_before_the_loop_ends),
      FIXTURE_TEST(what_finds_the_queue_full_is_counted),
      FIXTURE_TEST(a_drained_pool_is_told_whatever_else_happens),
      FIXTURE_TEST(every_endpoint_is_told_farewell),
      FIXTURE_TEST(the_next_event_tells_how_many_were_lost),
      FIXTURE_TEST(a_pool_without_on_event_counts_no_loss),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
