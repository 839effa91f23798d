/* Requests that failed are tried again: when that is safe, elsewhere, and in
 * the same bytes. */
#include "fixture.h"

static const server_step_t closes[] = {EXPECT(), CLOSE()};
static const server_step_t resets[] = {EXPECT(), RESET()};
static const server_step_t hangs[] = {EXPECT(), HANG()};
static const server_step_t stale[] = {EXPECT(), REPLY(), EXPECT(), CLOSE()};
static const server_step_t stale_reset[] = {EXPECT(), REPLY(), EXPECT(),
                                            RESET()};
static const server_step_t cut_in_head[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nA: b\r\n"), CLOSE()};
static const server_step_t cut_in_body[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    CLOSE()};

static const char *const safe[] = {"GET",    "HEAD",    "PUT",
                                   "DELETE", "OPTIONS", "TRACE"};
static const char *const unsafe[] = {"POST", "PATCH", "get", "QUERY"};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void retrying(fixture_t *fx, uint32_t max_attempts) {
  pool_config_t config = {.max_attempts = max_attempts, .retry_delay_ms = 1};

  fixture_pool(fx, &config);
}

/* The script of the connection that comes next. */
static void next_script(server_t *server, const server_step_t *script) {
  while (server->script_count < server->accepted)
    server->scripts[server->script_count++] = server->fallback;
  server_script(server, script);
}

/* --- stale connections -----------------------------------------------------
 */

static record_t *on_a_stale_one(fixture_t *fx, const server_step_t *script,
                                const pool_request_t *request) {
  record_t *got;

  next_script(fx->server, script);
  fixture_get(fx, "/warm");
  fixture_run(fx);
  got = fixture_request(fx, request);
  fixture_run(fx);
  return got;
}

static void assert_replayed(fixture_t *fx, const record_t *got, int error) {
  pool_endpoint_stats_t stats = fixture_endpoint_stats(fx, fx->server);

  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 200);
  assert_int_equal(got->attempts, 2);
  assert_int_equal(got->reused, 0);
  assert_int_equal(got->first_error, error);
  assert_int_equal(got->last_error, error);
  assert_int_equal(stats.fails_in_row, 0); /* it is nobody's fault */
  assert_int_equal(stats.recent_fails, 0);
}

static void a_stale_connection_is_made_up_for(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {.path = "/x"};
  size_t i;

  retrying(fx, 2);
  for (i = 0; i < COUNT(safe); i++) {
    request.method = safe[i];
    assert_replayed(fx, on_a_stale_one(fx, stale, &request), POOL_EHANGUP);
    server_close_all(fx->server, 0);
    fixture_run_ms(fx, 2);
    assert_replayed(fx, on_a_stale_one(fx, stale_reset, &request),
                    UV_ECONNRESET);
    server_close_all(fx->server, 0);
    fixture_run_ms(fx, 2);
  }
  assert_int_equal(fixture_stats(fx).replays, 2 * COUNT(safe));
  assert_int_equal(fixture_stats(fx).retries, 2 * COUNT(safe));
  assert_int_equal(fixture_events(fx, POOL_EVENT_RETRY), 2 * COUNT(safe));
  assert_int_equal(fixture_event(fx, POOL_EVENT_RETRY, 0)->all.retry,
                   POOL_RETRY_STALE);
  assert_int_equal(fixture_event(fx, POOL_EVENT_RETRY, 0)->all.delay_ms, 0);
}

static void what_must_not_run_twice_is_not_sent_twice(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {.path = "/x"};
  size_t i;

  retrying(fx, 3);
  for (i = 0; i < COUNT(unsafe); i++) {
    uint32_t seen = fx->server->seen;
    record_t *got;

    request.method = unsafe[i];
    got = on_a_stale_one(fx, stale, &request);
    assert_int_equal(got->error, POOL_EHANGUP);
    assert_int_equal(got->attempts, 1);
    assert_int_equal(got->first_error, POOL_EHANGUP);
    assert_int_equal(fx->server->seen, seen + 2);
    next_script(fx->server, closes);
    got = fixture_request(fx, &request); /* nor on a new connection */
    fixture_run(fx);
    assert_int_equal(got->error, POOL_EHANGUP);
    assert_int_equal(got->attempts, 1);
    assert_int_equal(fx->server->seen, seen + 3);
  }
  assert_int_equal(fixture_stats(fx).retries, 0);
}

static void a_key_or_a_flag_says_that_it_may(void **state) {
  fixture_t *fx = *state;
  pool_header_t key = {"idempotency-KEY", "7", 0, 0};
  pool_request_t request = {
      .method = "POST", .path = "/x", .body = "abc", .body_len = 3};

  retrying(fx, 3);
  request.headers = &key;
  request.header_count = 1;
  assert_replayed(fx, on_a_stale_one(fx, stale, &request), POOL_EHANGUP);
  server_close_all(fx->server, 0);
  fixture_run_ms(fx, 2);
  request.header_count = 0;
  request.flags = POOL_IDEMPOTENT;
  assert_replayed(fx, on_a_stale_one(fx, stale, &request), POOL_EHANGUP);
}

static void one_attempt_means_no_replay_either(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {.path = "/x", .max_attempts = 1};
  record_t *got;

  retrying(fx, 3);
  got = on_a_stale_one(fx, stale, &request);
  assert_int_equal(got->error, POOL_EHANGUP);
  assert_int_equal(got->attempts, 1);
}

static void more_than_a_hundred_attempts_are_a_mistake(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {.path = "/x", .max_attempts = 101};

  retrying(fx, 100);
  assert_int_equal(fixture_request(fx, &request)->rc, UV_EINVAL);
  request.max_attempts = 100;
  assert_int_equal(fixture_request(fx, &request)->rc, 0);
  fixture_run(fx);
}

/* The server was restarted: every pooled connection is stale, and the replay
 * must not go from one to the next. */
static void a_replay_goes_over_a_new_connection(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  int i;

  for (i = 0; i < 8; i++)
    next_script(fx->server, stale);
  retrying(fx, 2);
  for (i = 0; i < 8; i++)
    fixture_get(fx, "/warm");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 8);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_replayed(fx, got, POOL_EHANGUP);
  assert_int_equal(fx->server->accepted, 9);
  assert_int_equal(fx->server->seen, 10);
}

static void a_replay_finds_room_where_all_is_busy(void **state) {
  static const server_step_t slow[] = {EXPECT(), REPLY(), EXPECT(),
                                       DELAY(5), REPLY(), REPEAT()};
  pool_config_t config = {.max_attempts = 2, .max_connections = 2};
  fixture_t *fx = *state;
  record_t *got[6];
  int i;

  next_script(fx->server, stale);
  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  fixture_get(fx, "/warm");
  fixture_get(fx, "/warm");
  fixture_run(fx);
  for (i = 0; i < 6; i++)
    got[i] = fixture_get(fx, "/x");
  fixture_run(fx);
  for (i = 0; i < 6; i++)
    assert_int_equal(got[i]->error, 0);
  assert_int_equal(fixture_stats(fx).replays, 1);
  assert_int_equal(fx->server->peak_open, 2);
}

/* The server is gone, and there is no room for a new connection elsewhere. */
static void a_replay_does_not_wait_for_a_server_that_is_down(void **state) {
  static const server_step_t dies[] = {EXPECT(), REPLY(), EXPECT(), TURN(3),
                                       CLOSE()};
  pool_config_t config = {
      .max_attempts = 2, .max_connections = 2, .max_connecting = 1};
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *got[4];
  int i;

  server_default(fx->server, dies);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  for (i = 0; i < 4; i++)
    fixture_get(fx, "/warm");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 4);
  server_refuse(fx->server);
  for (i = 0; i < 4; i++)
    got[i] = fixture_get(fx, "/x");
  fixture_run(fx);
  for (i = 0; i < 4; i++) {
    assert_int_equal(got[i]->error, 0);
    assert_in_range(got[i]->total_ms, 0, 80); /* it rests for 100 */
  }
  assert_int_equal(fixture_stats(fx).replays, 2);
}

static void a_replay_costs_no_attempt(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {.path = "/x"};
  record_t *got;

  next_script(fx->server, stale);
  next_script(fx->server, closes);
  retrying(fx, 2);
  got = on_a_stale_one(fx, closes, &request);
  /* Stale, a new one that closes, a new one that closes: the end. */
  assert_int_equal(got->error, POOL_EHANGUP);
  assert_int_equal(got->attempts, 3);
  assert_int_equal(fx->server->seen, 4);
  assert_int_equal(fixture_stats(fx).replays, 1);
  assert_int_equal(fixture_stats(fx).retries, 2);
}

/* The replay fails too, and the retry after it meets another stale connection.
 */
static void there_is_one_replay_for_each_request(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  next_script(fx->server, stale);
  next_script(fx->server, stale);
  next_script(fx->server, closes);
  retrying(fx, 2);
  fixture_get(fx, "/warm");
  fixture_get(fx, "/warm");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 2);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, POOL_EHANGUP);
  assert_int_equal(got->attempts, 3);
  assert_int_equal(got->reused, 1);
  assert_int_equal(fixture_stats(fx).replays, 1);
  assert_int_equal(fixture_stats(fx).retries, 2);
}

/* --- ambiguous ends --------------------------------------------------------
 */

static void an_ambiguous_end_is_tried_elsewhere(void **state) {
  static const server_step_t *const ends[] = {closes, resets, cut_in_head,
                                              cut_in_body};
  fixture_t *fx = *state;
  size_t i, n;

  fixture_server(fx);
  fixture_server(fx);
  retrying(fx, 3);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[1]->address), 0);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[2]->address), 0);
  for (i = 0; i < COUNT(ends); i++) {
    server_default(fx->servers[0], ends[i]);
    server_default(fx->servers[1], ends[i]);
    for (n = 0; n < 5; n++) {
      uint32_t seen[2] = {fx->servers[0]->seen, fx->servers[1]->seen};
      record_t *got = fixture_get(fx, "/x");

      fixture_run(fx);
      assert_int_equal(got->error, 0);
      assert_string_equal(got->endpoint, fx->servers[2]->address);
      assert_in_range(fx->servers[0]->seen - seen[0], 0, 1);
      assert_in_range(fx->servers[1]->seen - seen[1], 0, 1);
      fixture_run_ms(fx, 2000); /* for the budget */
    }
  }
  assert_true(fixture_stats(fx).retries > 0);
}

/* However much cheaper they are. */
static void a_retry_goes_to_none_of_those_that_failed(void **state) {
  fixture_t *fx = *state;
  int i;

  fixture_server(fx);
  fixture_server(fx);
  retrying(fx, 3);
  for (i = 1; i < 3; i++)
    assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[i]->address), 0);
  for (i = 0; i < 2; i++) {
    server_default(fx->servers[i], closes);
    assert_int_equal(pool_set_weight(fx->pool, fx->servers[i]->address, 1000),
                     0);
  }
  for (i = 1; i <= 3; i++) {
    record_t *got = fixture_get(fx, "/x");

    fixture_run(fx);
    assert_int_equal(got->error, 0);
    assert_int_equal(got->attempts, 3);
    assert_string_equal(got->endpoint, fx->servers[2]->address);
    assert_int_equal(fx->servers[0]->seen, i);
    assert_int_equal(fx->servers[1]->seen, i);
  }
}

static void an_attempt_that_takes_too_long_is_given_up(void **state) {
  pool_config_t config = {.max_attempts = 2,
                          .attempt_timeout_ms = 50,
                          .retry_delay_ms = 1,
                          .timeout_ms = 1000};
  fixture_t *fx = *state;
  record_t *got;

  next_script(fx->server, hangs);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->attempts, 2);
  assert_int_equal(got->first_error, UV_ETIMEDOUT);
  assert_in_range(got->total_ms, 50, 80);
  server_default(fx->server, hangs);
  server_close_all(fx->server, 0);
  fixture_run_ms(fx, 10);
  got = fixture_send(fx, "POST", "/x", NULL, 0);
  fixture_run(fx);
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->attempts, 1);
  assert_in_range(got->total_ms, 50, 80);
}

static void the_bytes_are_the_same_with_the_new_host(void **state) {
  fixture_t *fx = *state;
  pool_header_t mine = {"Host", "mine.example", 0, 0};
  pool_request_t request = {
      .method = "PUT", .path = "/x", .body = "body", .body_len = 4};
  char want[256];
  int i;

  server_default(fixture_server(fx), closes);
  server_default(fx->server, closes);
  retrying(fx, 2);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[1]->address), 0);
  fixture_request(fx, &request);
  fixture_run(fx);
  for (i = 0; i < 2; i++) {
    snprintf(want, sizeof want,
             "PUT /x HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nbody",
             fx->servers[i]->address);
    assert_int_equal(fx->servers[i]->seen, 1);
    assert_string_equal(fx->servers[i]->records[0].bytes, want);
  }
  request.headers = &mine;
  request.header_count = 1;
  fixture_request(fx, &request);
  fixture_run(fx);
  for (i = 0; i < 2; i++) {
    assert_int_equal(fx->servers[i]->seen, 2);
    assert_non_null(
        strstr(fx->servers[i]->records[1].bytes, "\r\nHost: mine.example\r\n"));
  }
}

static void first_and_last_error_are_told(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  next_script(fx->server, closes);
  next_script(fx->server, resets);
  retrying(fx, 3);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->attempts, 3);
  assert_int_equal(got->first_error, POOL_EHANGUP);
  assert_int_equal(got->last_error, UV_ECONNRESET);
  server_close_all(fx->server, 0);
  fixture_run_ms(fx, 2000);
  next_script(fx->server, resets);
  next_script(fx->server, closes);
  next_script(fx->server, closes);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, POOL_EHANGUP);
  assert_int_equal(got->attempts, 3);
  assert_int_equal(got->first_error, UV_ECONNRESET);
  assert_int_equal(got->last_error, POOL_EHANGUP);
  assert_string_equal(got->endpoint, fx->server->address);
}

/* --- what was not sent -----------------------------------------------------
 */

static void listen_again(fixture_t *fx, const pool_event_t *event) {
  if (event->type == POOL_EVENT_RETRY && fx->server->listener == NULL)
    server_listen(fx->server);
}

static void a_refused_connect_is_tried_again_whatever_the_method(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_refuse(fx->server);
  fx->on_event = listen_again;
  retrying(fx, 3);
  got = fixture_send(fx, "POST", "/x", "abc", 3);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->attempts, 1);
  assert_int_equal(got->first_error, UV_ECONNREFUSED);
  assert_int_equal(fx->server->seen, 1);
  assert_int_equal(fixture_event(fx, POOL_EVENT_RETRY, 0)->all.retry,
                   POOL_RETRY_UNSENT);
  assert_int_equal(fixture_event(fx, POOL_EVENT_RETRY, 0)->all.attempts, 0);
  assert_int_equal(fixture_event(fx, POOL_EVENT_RETRY, 0)->all.call.id,
                   got->call.id);
}

static void refused_everywhere_has_an_end(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_refuse(fx->server);
  retrying(fx, 3);
  got = fixture_send(fx, "POST", "/x", "abc", 3);
  fixture_run(fx);
  assert_int_equal(got->error, UV_ECONNREFUSED);
  assert_int_equal(got->attempts, 0);
  assert_int_equal(fixture_stats(fx).connect_fails, 3);
  assert_int_equal(fixture_stats(fx).retries, 2);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_stale_connection_is_made_up_for),
      FIXTURE_TEST(what_must_not_run_twice_is_not_sent_twice),
      FIXTURE_TEST(a_key_or_a_flag_says_that_it_may),
      FIXTURE_TEST(one_attempt_means_no_replay_either),
      FIXTURE_TEST(more_than_a_hundred_attempts_are_a_mistake),
      FIXTURE_TEST(a_replay_goes_over_a_new_connection),
      FIXTURE_TEST(a_replay_finds_room_where_all_is_busy),
      FIXTURE_TEST(a_replay_does_not_wait_for_a_server_that_is_down),
      FIXTURE_TEST(a_replay_costs_no_attempt),
      FIXTURE_TEST(there_is_one_replay_for_each_request),
      FIXTURE_TEST(an_ambiguous_end_is_tried_elsewhere),
      FIXTURE_TEST(a_retry_goes_to_none_of_those_that_failed),
      FIXTURE_TEST(an_attempt_that_takes_too_long_is_given_up),
      FIXTURE_TEST(the_bytes_are_the_same_with_the_new_host),
      FIXTURE_TEST(first_and_last_error_are_told),
      FIXTURE_TEST(a_refused_connect_is_tried_again_whatever_the_method),
      FIXTURE_TEST(refused_everywhere_has_an_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
