/* Which connections are used again: what the answer says (RFC 9112 section 9),
 * what the request said, and what the settings allow. The server's count of
 * connections is the judge. */
#include "fixture.h"

#include "pool.h"

typedef struct {
  const char *answer;
  uint32_t connections; /* that two requests need */
} verdict_t;

#define V(text, connections)                                                   \
  { text "\r\n\r\n", connections }

static void two_requests(const verdict_t *verdict, const char *method,
                         const char *path) {
  server_step_t script[] = {
      EXPECT(), SEND_BYTES(verdict->answer, strlen(verdict->answer)), REPEAT()};
  record_t *first, *second;
  fixture_t *fx;
  void *state;

  fixture_setup(&state);
  fx = state;
  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  first = fixture_send(fx, method, path, NULL, 0);
  fixture_run(fx);
  second = fixture_send(fx, method, path, NULL, 0);
  fixture_run(fx);
  if (first->error != 0 || second->error != 0 || first->body_len != 0 ||
      fx->server->accepted != verdict->connections)
    fail_msg("%s: %s, %s, %zu bytes, %u connections", verdict->answer,
             pool_err_name(first->error), pool_err_name(second->error),
             first->body_len, fx->server->accepted);
  assert_int_equal(second->reused, verdict->connections == 1);
  if (fixture_teardown(&state) != 0)
    fail_msg("%s: not clean", verdict->answer);
}

static void two_requests_each(const verdict_t *verdicts, size_t count,
                              const char *method) {
  size_t i;

  for (i = 0; i < count; i++)
    two_requests(&verdicts[i], method, "/x");
}

#define EACH(verdicts, method)                                                 \
  two_requests_each(verdicts, sizeof verdicts / sizeof verdicts[0], method)

#define OK11 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
#define OK10 "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n"

static void the_answer_decides_about_reuse(void **state) {
  static const verdict_t verdicts[] = {
      {OK11 "\r\n", 1},
      V(OK11 "Connection: keep-alive", 1),
      V(OK11 "Connection: close", 2),
      V(OK11 "Connection: ClOsE", 2),
      V(OK11 "Connection: close ", 2),
      V(OK11 "Connection: \tclose", 2),
      V(OK11 "Connection: close\t", 2),
      V(OK11 "Connection: foo, close", 2),
      V(OK11 "Connection: foo ,close", 2),
      V(OK11 "Connection: close, foo", 2),
      V(OK11 "Connection: ,,close", 2),
      V(OK11 "Connection: close,", 2),
      V(OK11 "Connection: keep-alive\r\nConnection: close", 2),
      V(OK11 "Connection: close\r\nConnection: keep-alive", 2),
      V(OK11 "Connection: keep-alive, close", 2),
      {OK10 "\r\n", 2},
      V(OK10 "Connection: keep-alive", 1),
      V(OK10 "Connection: keep-alive, close", 2),
      V("HTTP/1.0 204 No\r\nConnection: keep-alive", 1),
      V(OK11 "Keep-Alive: timeout=0", 2),
      V(OK11 "Keep-Alive: timeout=1", 2),
      V(OK11 "Keep-Alive: timeout=5, max=0", 2),
      V(OK11 "Keep-Alive: timeout=5, max=9", 1),
      V(OK11 "Keep-Alive: timeout=99999999999999999999", 1),
      V(OK11 "Keep-Alive: timeout=-1", 1),
      V(OK11 "Keep-Alive: timeout=abc", 1),
  };

  (void)state;
  EACH(verdicts, "GET");
}

static void answers_without_a_body_end_at_once(void **state) {
  static const verdict_t verdicts[] = {
      V("HTTP/1.1 204 No Content", 1),
      V("HTTP/1.1 204 No Content\r\nContent-Length: 0", 1),
      V("HTTP/1.1 304 Not Modified", 1),
      V("HTTP/1.1 304 Not Modified\r\nContent-Length: 677777", 1),
  };

  (void)state;
  EACH(verdicts, "GET");
}

static void answers_to_head_end_with_their_head(void **state) {
  static const verdict_t verdicts[] = {
      V("HTTP/1.1 200 OK\r\nContent-Length: 5", 1),
      V("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", 1),
      V("HTTP/1.1 200 OK", 1),
      V("HTTP/1.1 200 OK\r\nConnection: close", 2),
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 2},
  };

  (void)state;
  EACH(verdicts, "HEAD");
}

static void interim_answers_are_passed_over(void **state) {
  static const verdict_t verdicts[] = {
      V("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No", 1),
      V("HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n" OK11
        "X: y",
        1),
      V("HTTP/1.1 100 Continue\r\n\r\n" OK11 "Connection: close", 2),
  };

  (void)state;
  EACH(verdicts, "GET");
}

static void a_body_until_the_end_is_the_last_on_its_connection(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nhello"), TURN(1), CLOSE()};
  fixture_t *fx = *state;
  record_t *first, *second;

  server_script(fx->server, script);
  fixture_pool(fx, NULL);
  first = fixture_get(fx, "/first");
  fixture_run(fx);
  second = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_int_equal(first->error, 0);
  assert_string_equal(first->body, "hello");
  assert_string_equal(second->body, "/second");
  assert_int_equal(fx->server->accepted, 2);
}

static void a_request_that_says_close_is_the_last_one(void **state) {
  static const pool_header_t close_header = {.name = "Connection",
                                             .value = "close"};
  fixture_t *fx = *state;
  pool_request_t request = {
      .path = "/first", .headers = &close_header, .header_count = 1};
  record_t *first;

  fixture_pool(fx, NULL);
  first = fixture_request(fx, &request);
  fixture_run(fx);
  assert_int_equal(first->error, 0);
  assert_int_equal(fixture_stats(fx).idle, 0);
  fixture_get(fx, "/second");
  fixture_run(fx);

  assert_int_equal(fx->server->accepted, 2);
  assert_non_null(
      strstr(fx->server->records[0].bytes, "Connection: close\r\n"));
}

static void max_requests_is_the_number_that_a_connection_serves(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_requests = 3};
  int i;

  fixture_pool(fx, &config);
  for (i = 0; i < 7; i++) {
    record_t *got = fixture_get(fx, "/x");

    fixture_run(fx);
    assert_int_equal(got->error, 0);
    assert_int_equal(got->reused, i % 3 != 0);
  }
  assert_int_equal(fx->server->accepted, 3);
}

static void the_connection_used_last_is_used_next(void **state) {
  fixture_t *fx = *state;
  uint32_t last;
  int i;

  fixture_pool(fx, NULL);
  for (i = 0; i < 4; i++)
    fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 4);
  fixture_get(fx, "/x");
  fixture_run(fx);
  last = fx->server->records[fx->server->seen - 1].connection;
  for (i = 0; i < 5; i++) {
    fixture_get(fx, "/x");
    fixture_run(fx);
    assert_int_equal(fx->server->records[fx->server->seen - 1].connection,
                     last);
  }
  assert_int_equal(fx->server->accepted, 4);
}

static int no_idle(fixture_t *fx, void *arg) {
  (void)arg;
  return fixture_stats(fx).idle == 0;
}

static void what_is_idle_for_too_long_is_closed(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.idle_timeout_ms = 30};
  uint64_t start;

  fixture_pool(fx, &config);
  fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 1);
  start = uv_hrtime();
  fixture_run_until(fx, no_idle, NULL);

  assert_in_range((uv_hrtime() - start) / 1000000, 25, 300);
  fixture_run_ms(fx, 5);
  assert_int_equal(fx->server->hangups, 1);
  assert_int_equal(fx->server->resets, 0);
}

/* Use of the first three ends, so they grow old; the fourth is kept warm. */
static void idle_surplus_goes_while_the_warm_one_stays(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.idle_timeout_ms = 40};
  int i;

  fixture_pool(fx, &config);
  for (i = 0; i < 4; i++)
    fixture_get(fx, "/x");
  fixture_run(fx);
  for (i = 0; i < 12; i++) {
    fixture_get(fx, "/x");
    fixture_run_ms(fx, 10);
  }

  assert_int_equal(fixture_stats(fx).idle, 1);
  assert_int_equal(fx->server->accepted, 4);
}

static uint32_t idle_ms_after(fixture_t *fx, uint32_t idle_timeout_ms) {
  static const server_step_t script[] = {
      EXPECT(), SEND(OK11 "Keep-Alive: timeout=6, max=100\r\n\r\n"), HANG()};
  pool_config_t config = {.idle_timeout_ms = idle_timeout_ms};
  pool__link_t *link;
  uint32_t ms;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  fixture_get(fx, "/x");
  fixture_run(fx);
  link = pool__list_first(&fx->pool->endpoints.serving);
  link = pool__list_first(
      &POOL__OF(link, pool__endpoint_t, link)->conns[POOL__CONN_IDLE]);
  ms = POOL__OF(link, pool__conn_t, link)->idle_ms;
  fixture_close_pool(fx);
  return ms;
}

static void a_keep_alive_hint_lowers_the_idle_timeout(void **state) {
  fixture_t *fx = *state;

  assert_int_equal(idle_ms_after(fx, 60000), 5000); /* a second before */
  assert_int_equal(idle_ms_after(fx, POOL_OFF), 5000);
  assert_int_equal(idle_ms_after(fx, 3000), 3000);
}

static void never_two_requests_on_a_connection_at_once(void **state) {
  static const server_step_t script[] = {EXPECT(), DELAY(2), REPLY(), REPEAT()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  record_t *records[10];
  char path[10][16];
  int i;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  for (i = 0; i < 10; i++) {
    snprintf(path[i], sizeof path[i], "/%d", i);
    records[i] = fixture_get(fx, path[i]);
  }
  fixture_run(fx);

  for (i = 0; i < 10; i++)
    assert_string_equal(records[i]->body, path[i]);
  assert_int_equal(fx->server->accepted, 2);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_answer_decides_about_reuse),
      cmocka_unit_test(answers_without_a_body_end_at_once),
      cmocka_unit_test(answers_to_head_end_with_their_head),
      cmocka_unit_test(interim_answers_are_passed_over),
      FIXTURE_TEST(a_body_until_the_end_is_the_last_on_its_connection),
      FIXTURE_TEST(a_request_that_says_close_is_the_last_one),
      FIXTURE_TEST(max_requests_is_the_number_that_a_connection_serves),
      FIXTURE_TEST(the_connection_used_last_is_used_next),
      FIXTURE_TEST(what_is_idle_for_too_long_is_closed),
      FIXTURE_TEST(idle_surplus_goes_while_the_warm_one_stays),
      FIXTURE_TEST(a_keep_alive_hint_lowers_the_idle_timeout),
      FIXTURE_TEST(never_two_requests_on_a_connection_at_once),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
