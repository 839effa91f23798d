/* A pool in its use: connections that are used again or have died, time that
 * runs out, requests that are taken back, and a pool that is closed. */
#include "conform_stage.h"

#define MANY   50
#define UPLOAD (16u << 20)

static const server_step_t silent[] = {EXPECT(), HANG()};

static void get_and_run(stage_t *stage, const char *who) {
  stage_get(stage, who);
  stage_run(stage);
}

/* --- used again ----------------------------------------------------------- */

static void stale_connection(conform_t *c, int reset, int turns) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  get_and_run(&stage, "r1");
  get_and_run(&stage, "r2");
  fixture_turns(stage.fx, 3);
  server_close_all(stage.fx->server, reset);
  fixture_turns(stage.fx, (uint32_t)turns);
  get_and_run(&stage, "r3");
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

static void an_end_at_rest(conform_t *c) {
  stale_connection(c, 0, 3);
}

static void a_reset_at_rest(conform_t *c) {
  stale_connection(c, 1, 3);
}

static void an_end_found_when_it_is_wanted(conform_t *c) {
  stale_connection(c, 0, 0);
}

static void a_reset_found_when_it_is_wanted(conform_t *c) {
  stale_connection(c, 1, 0);
}

static void bytes_found_when_it_is_wanted(conform_t *c) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  get_and_run(&stage, "r1");
  fixture_turns(stage.fx, 3);
  server_send_all(stage.fx->server, OK_BODY, sizeof OK_BODY - 1);
  get_and_run(&stage, "r2");
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

static void an_end_while_the_request_is_under_way(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), REPLY(), EXPECT(), HANG()};
  stage_t stage;

  stage_begin(&stage, c, NULL);
  server_default(stage.fx->server, steps);
  get_and_run(&stage, "r1");
  fixture_turns(stage.fx, 3);
  stage_get(&stage, "r2");
  server_close_all(stage.fx->server, 0); /* it has the request unread */
  stage_run(&stage);
  stage_end(&stage);
}

static void many_requests_on_few_connections(conform_t *c) {
  static const char *const names[] = {"r0", "r1", "r2", "r3", "r4",
                                      "r5", "r6", "r7", "r8", "r9"};
  pool_config_t config = {.max_connections = 3};
  stage_t stage;
  int i;

  stage_begin(&stage, c, &config);
  for (i = 0; i < MANY; i++)
    stage_get(&stage, names[i % 10]);
  stage_run(&stage);
  stage_end(&stage);
}

static void many_requests_and_a_server_that_hangs_up(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), REPLY(), EXPECT(), REPLY(),
                                        CLOSE()};
  static const char *const names[] = {"r0", "r1", "r2", "r3", "r4"};
  pool_config_t config = {.max_connections = 2};
  stage_t stage;
  int i;

  stage_begin(&stage, c, &config);
  server_default(stage.fx->server, steps);
  for (i = 0; i < MANY; i++)
    stage_get(&stage, names[i % 5]);
  stage_run(&stage);
  stage_end(&stage);
}

static void more_requests_than_the_pool_takes(conform_t *c) {
  pool_config_t config = {.max_connections = 1, .max_pending = 2};
  stage_t stage;

  stage_begin(&stage, c, &config);
  stage_get(&stage, "r1");
  stage_get(&stage, "r2");
  stage_get(&stage, "r3");
  stage_run(&stage);
  stage_end(&stage);
}

/* --- endpoints ------------------------------------------------------------ */

static void an_endpoint_that_refuses(conform_t *c) {
  stage_t stage;

  stage_begin_bare(&stage, c);
  server_refuse(stage.fx->server);
  fixture_turns(stage.fx, 1);
  stage_pool(&stage, NULL);
  stage_get(&stage, "r1");
  stage_get(&stage, "r2");
  stage_run(&stage);
  stage_end(&stage);
}

static void one_of_two_endpoints_refuses(conform_t *c) {
  pool_config_t config = {.max_connections = 2};
  stage_t stage;

  stage_begin_bare(&stage, c);
  fixture_server(stage.fx);
  server_refuse(stage.fx->server);
  fixture_turns(stage.fx, 1);
  stage_pool(&stage, &config);
  get_and_run(&stage, "r1");
  stage_get(&stage, "r2");
  stage_get(&stage, "r3");
  stage_get(&stage, "r4");
  stage_run(&stage);
  stage_end(&stage);
}

static void two_endpoints(conform_t *c) {
  pool_config_t config = {.max_connections = 2};
  stage_t stage;
  int i;

  stage_begin_bare(&stage, c);
  fixture_server(stage.fx);
  stage_pool(&stage, &config);
  for (i = 0; i < 10; i++)
    stage_get(&stage, "r");
  stage_run(&stage);
  stage_end(&stage);
}

static void an_endpoint_that_comes_back(conform_t *c) {
  pool_config_t config = {.timeout_ms = 5000};
  stage_t stage;

  stage_begin_bare(&stage, c);
  server_refuse(stage.fx->server);
  fixture_turns(stage.fx, 1);
  stage_pool(&stage, &config);
  get_and_run(&stage, "r1");
  server_listen(stage.fx->server);
  get_and_run(&stage, "r2");
  stage_end(&stage);
}

static void a_listener_that_is_closed_with_connections(conform_t *c) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  stage_get(&stage, "r1");
  stage_get(&stage, "r2");
  server_refuse(stage.fx->server); /* they are connected, not accepted */
  stage_run(&stage);
  stage_end(&stage);
}

static void an_endpoint_that_is_removed(conform_t *c) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  server_default(stage.fx->server, silent);
  stage_get(&stage, "r1");
  stage_until_seen(&stage, 1);
  stage_get(&stage, "r2");
  pool_remove_endpoint(stage.fx->pool, stage.fx->server->address);
  fixture_turns(stage.fx, 3);
  server_close_all(stage.fx->server, 1);
  stage_run(&stage);
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

static void a_drained_pool(conform_t *c) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  stage_get(&stage, "r1");
  stage_get(&stage, "r2");
  pool_drain(stage.fx->pool);
  stage_get(&stage, "r3");
  stage_run(&stage);
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

/* --- time runs out -------------------------------------------------------- */

static void the_whole_timeout(conform_t *c) {
  pool_config_t config = {.timeout_ms = 20};

  stage_one_with(c, &config, silent, "GET", 0);
}

static void the_head_timeout(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), SEND("HTTP/1.1 200 OK\r\n"),
                                        HANG()};
  pool_config_t config = {.head_timeout_ms = 20};

  stage_one_with(c, &config, steps, "GET", 0);
}

static void the_stall_timeout(conform_t *c) {
  static const server_step_t steps[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), HANG()};
  pool_config_t config = {.stall_timeout_ms = 20};

  stage_one_with(c, &config, steps, "GET", 0);
}

static void the_stall_timeout_of_an_upload(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(), HANG()};
  pool_config_t config = {.stall_timeout_ms = 50};

  stage_one_with(c, &config, steps, "PUT", UPLOAD);
}

static void the_connect_timeout(conform_t *c) {
  pool_config_t config = {.connect_timeout_ms = 20};
  stage_t stage;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  stage_begin_bare(&stage, c);
  fixture_pool_bare(stage.fx, &config);
  assert_int_equal(pool_add_endpoint(stage.fx->pool, hole.address), 0);
  stage_get(&stage, "r1");
  stage_get(&stage, "r2");
  stage_run(&stage);
  stage_end(&stage);
  hole_close(&hole);
}

static void the_idle_timeout(conform_t *c) {
  pool_config_t config = {.idle_timeout_ms = 20};
  stage_t stage;

  stage_begin(&stage, c, &config);
  get_and_run(&stage, "r1");
  stage_until_idle(&stage, 0);
  get_and_run(&stage, "r2");
  stage_end(&stage);
}

static void a_slow_answer_in_time(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), DELAY(15), REPLY(), REPEAT()};

  stage_one_with(c, NULL, steps, "GET", 0);
}

/* --- requests that are taken back ----------------------------------------- */

static void cancel_while_waiting(conform_t *c) {
  pool_config_t config = {.max_connections = 1};
  stage_request_t *second;
  stage_t stage;

  stage_begin(&stage, c, &config);
  stage_get(&stage, "r1");
  second = stage_get(&stage, "r2");
  stage_cancel(second);
  stage_cancel(second);
  stage_run(&stage);
  stage_end(&stage);
}

static void cancel_while_connecting(conform_t *c) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  stage_cancel(stage_get(&stage, "r1"));
  stage_run(&stage);
  fixture_turns(stage.fx, 3);
  get_and_run(&stage, "r2");
  stage_end(&stage);
}

static void cancel_under_way(conform_t *c, const server_step_t *steps,
                             size_t len) {
  char *body = calloc(1, len + 1);
  stage_request_t *request;
  stage_t stage;

  assert_non_null(body);
  stage_begin(&stage, c, NULL);
  server_script(stage.fx->server, steps);
  request = stage_send(&stage, "r1", "PUT", body, len);
  stage_until_seen(&stage, 1);
  fixture_turns(stage.fx, 3);
  stage_cancel(request);
  stage_run(&stage);
  free(body);
  get_and_run(&stage, "r2");
  stage_end(&stage);
}

static void cancel_while_sending(conform_t *c) {
  static const server_step_t deaf[] = {EXPECT_HEAD(), DEAF(), HANG()};

  cancel_under_way(c, deaf, UPLOAD);
}

static void cancel_while_awaiting(conform_t *c) {
  cancel_under_way(c, silent, 5);
}

static void cancel_while_receiving(conform_t *c) {
  static const server_step_t half[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), HANG()};

  cancel_under_way(c, half, 5);
}

/* --- a pool that is closed ------------------------------------------------ */

static void on_pool_closed(void *data) {
  stage_t *stage = data;

  conform_log(stage->log, "pool", "closed");
  stage->fx->closed++;
  stage->fx->pool = NULL;
}

static void close_pool(stage_t *stage) {
  conform_log(stage->log, "pool", "pool_close");
  pool_close(stage->fx->pool, on_pool_closed, stage);
}

static void close_with_all_kinds_of_requests(conform_t *c) {
  static const server_step_t half[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), HANG()};
  pool_config_t config = {.max_connections = 3, .max_connecting = 1};
  stage_t stage;

  stage_begin(&stage, c, &config);
  server_script(stage.fx->server, half);
  server_script(stage.fx->server, silent);
  stage_get(&stage, "r1");
  stage_until_seen(&stage, 1);
  stage_get(&stage, "r2");
  stage_until_seen(&stage, 2);
  fixture_turns(stage.fx, 3);
  stage_get(&stage, "r3");
  stage_get(&stage, "r4");
  close_pool(&stage);
  stage_run(&stage);
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

static void close_in_a_callback(conform_t *c) {
  pool_config_t config = {.max_connections = 1};
  stage_t stage;

  stage_begin(&stage, c, &config);
  stage_get(&stage, "r1")->then = close_pool;
  stage_get(&stage, "r2");
  stage_get(&stage, "r3");
  stage_run(&stage);
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

static void close_in_an_event(conform_t *c) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  stage.on = POOL_EVENT_CONNECT;
  stage.then = close_pool;
  stage_get(&stage, "r1");
  stage_get(&stage, "r2");
  stage_run(&stage);
  fixture_turns(stage.fx, 3);
  stage_end(&stage);
}

static void get_again(stage_t *stage) {
  stage_get(stage, "again");
}

static void a_request_in_a_callback(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), REPLY(), EXPECT(), RESET()};
  stage_t stage;

  stage_begin(&stage, c, NULL);
  server_script(stage.fx->server, steps);
  stage_get(&stage, "r1")->then = get_again;
  stage_run(&stage);
  stage_get(&stage, "r2")->then = get_again;
  stage_run(&stage);
  stage_end(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(an_end_at_rest),
      CONFORM(a_reset_at_rest),
      CONFORM(an_end_found_when_it_is_wanted),
      CONFORM(a_reset_found_when_it_is_wanted),
      CONFORM(bytes_found_when_it_is_wanted),
      CONFORM(an_end_while_the_request_is_under_way),
      CONFORM(many_requests_on_few_connections),
      CONFORM(many_requests_and_a_server_that_hangs_up),
      CONFORM(more_requests_than_the_pool_takes),
      CONFORM(an_endpoint_that_refuses),
      CONFORM(one_of_two_endpoints_refuses),
      CONFORM(two_endpoints),
      CONFORM(an_endpoint_that_comes_back),
      CONFORM(a_listener_that_is_closed_with_connections),
      CONFORM(an_endpoint_that_is_removed),
      CONFORM(a_drained_pool),
      CONFORM(the_whole_timeout),
      CONFORM(the_head_timeout),
      CONFORM(the_stall_timeout),
      CONFORM(the_stall_timeout_of_an_upload),
      CONFORM(the_connect_timeout),
      CONFORM(the_idle_timeout),
      CONFORM(a_slow_answer_in_time),
      CONFORM(cancel_while_waiting),
      CONFORM(cancel_while_connecting),
      CONFORM(cancel_while_sending),
      CONFORM(cancel_while_awaiting),
      CONFORM(cancel_while_receiving),
      CONFORM(close_with_all_kinds_of_requests),
      CONFORM(close_in_a_callback),
      CONFORM(close_in_an_event),
      CONFORM(a_request_in_a_callback),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
