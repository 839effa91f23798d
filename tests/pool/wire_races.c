/* Things that happen at the same time, and bytes that come one by one. */
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

/* --- pieces ----------------------------------------------------------------
 */

#define CHUNKED                                                                \
  "HTTP/1.1 100 Continue\r\n\r\n"                                              \
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"              \
  "3;a=b\r\nfoo\r\n3\r\nbar\r\n0\r\nTrailer: t\r\n\r\n"

static void an_answer_may_come_byte_by_byte(void **state) {
  static const server_step_t script[] = {EXPECT(), DRIP(CHUNKED, 1), REPEAT()};
  fixture_t *fx = *state;
  int i;

  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  for (i = 0; i < 2; i++) {
    record_t *got = fixture_get(fx, "/x");

    fixture_run(fx);
    assert_int_equal(got->error, 0);
    assert_string_equal(got->body, "foobar");
    assert_string_equal(record_header(got, "X"), "y");
    assert_null(record_header(got, "Trailer"));
  }
  assert_int_equal(fx->server->accepted, 1);
}

static void an_answer_may_be_split_anywhere(void **state) {
  fixture_t *fx = *state;
  size_t whole = sizeof CHUNKED - 1;
  size_t at;

  fixture_pool(fx, NULL);
  for (at = 1; at < whole; at++) {
    server_step_t script[] = {EXPECT(), SEND_BYTES(CHUNKED, at), TURN(1),
                              SEND_BYTES(&CHUNKED[at], whole - at), CLOSE()};
    record_t *got;

    server_default(fx->server, script);
    got = fixture_get(fx, "/x");
    fixture_run(fx);
    fixture_run_ms(fx, 1);
    assert_int_equal(got->error, 0);
    assert_string_equal(got->body, "foobar");
  }
}

static void a_large_answer_arrives_whole(void **state) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n";
  fixture_t *fx = *state;
  size_t size = 8u << 20;
  char *body = malloc(size);
  server_step_t script[] = {EXPECT(), SEND_BYTES(head, sizeof head - 1),
                            SEND_BYTES(body, size), REPEAT()};
  record_t *got;
  size_t i;

  assert_non_null(body);
  for (i = 0; i < size; i++)
    body[i] = (char)(i * 7 + i / 251);
  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, 0);
  assert_int_equal(got->body_len, size);
  assert_memory_equal(got->body, body, size);
  free(body);
}

/* --- together ----------------------------------------------------------------
 */

/* Case 192: exactly one of them wins, and the fixture counts the callbacks. */
static void an_answer_in_the_tick_of_the_deadline(void **state) {
  static const server_step_t script[] = {EXPECT(), DELAY(20), REPLY(),
                                         REPEAT()};
  fixture_t *fx = *state;
  pool_config_t config = {.resolution_ms = 1};
  uint32_t timeout;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  for (timeout = 17; timeout < 25; timeout++) {
    pool_request_t request = {.path = "/x", .timeout_ms = timeout};
    record_t *got = fixture_request(fx, &request);

    fixture_run(fx);
    assert_int_equal(got->calls, 1);
    assert_true(got->error == 0 || got->error == UV_ETIMEDOUT);
  }
}

/* Case 155: whatever the idle timer does, the request does not notice. */
static void a_request_in_the_tick_of_the_idle_timeout(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.resolution_ms = 1, .idle_timeout_ms = 8};
  uint32_t pause;

  fixture_pool(fx, &config);
  for (pause = 4; pause < 14; pause++) {
    record_t *got = fixture_get(fx, "/x");

    fixture_run(fx);
    assert_string_equal(got->body, "/x");
    fixture_run_ms(fx, pause);
  }
  assert_in_range(fx->server->accepted, 2, 10);
}

static void then_get_again(record_t *record) {
  record->then_data = fixture_get(record->fx, "/again");
}

/* Case 195: all of many connections end in one turn, some at rest and some at
 * work, and each callback makes a new request. */
static void many_connections_that_end_at_once(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), EXPECT(), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 200, .max_connecting = 200};
  record_t *records[100];
  int reset, i;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  for (reset = 0; reset < 2; reset++) {
    server_default(fx->server, script);
    for (i = 0; i < 200; i++)
      fixture_get(fx, "/warm");
    fixture_run(fx);
    for (i = 0; i < 100; i++) {
      records[i] = fixture_get(fx, "/x");
      records[i]->then = then_get_again;
    }
    fixture_run_ms(fx, 10);
    assert_int_equal(fixture_stats(fx).busy, 100);
    server_close_all(fx->server, reset);
    fixture_run(fx);
    for (i = 0; i < 100; i++) {
      assert_true(records[i]->error < 0);
      assert_string_equal(((record_t *)records[i]->then_data)->body, "/again");
    }
    server_close_all(fx->server, 0);
    fixture_run_ms(fx, 5);
    assert_int_equal(fixture_stats(fx).idle, 0);
  }
}

/* A server that accepts, and resets at once, as one does that is full. */
static void connections_that_are_reset_at_once_end_each_request(void **state) {
  static const server_step_t script[] = {RESET()};
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 2000};
  record_t *records[30];
  int i;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  for (i = 0; i < 30; i++)
    records[i] = fixture_get(fx, "/x");
  fixture_run(fx);

  for (i = 0; i < 30; i++) {
    assert_true(records[i]->error < 0);
    assert_int_not_equal(records[i]->error, UV_ETIMEDOUT);
  }
  assert_true(fx->server->accepted <= 60);
}

/* The kernel has connected, the loop does not know yet: whatever waits on the
 * new connection before it was asked is no answer. */
static void a_server_that_speaks_first_is_not_believed(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  hole_t hole;
  int peer;

  assert_int_equal(hole_open(&hole, 0), 0);
  fixture_pool_bare(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  peer = accept(hole.listener, NULL, NULL);
  assert_true(peer >= 0);
  assert_int_equal(write(peer, OK_BODY, sizeof OK_BODY - 1),
                   sizeof OK_BODY - 1);
  fixture_run(fx);
  close(peer);
  hole_close(&hole);

  assert_int_equal(got->error, POOL_EPARSE);
  assert_int_equal(got->phase, POOL_CONNECTING);
  assert_int_equal(got->attempts, 0);
  assert_int_equal(fixture_stats(fx).connect_fails, 1);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(an_answer_may_come_byte_by_byte),
      FIXTURE_TEST(an_answer_may_be_split_anywhere),
      FIXTURE_TEST(a_large_answer_arrives_whole),
      FIXTURE_TEST(an_answer_in_the_tick_of_the_deadline),
      FIXTURE_TEST(a_request_in_the_tick_of_the_idle_timeout),
      FIXTURE_TEST(many_connections_that_end_at_once),
      FIXTURE_TEST(connections_that_are_reset_at_once_end_each_request),
      FIXTURE_TEST(a_server_that_speaks_first_is_not_believed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
