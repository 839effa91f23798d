/* Connections that died or were spoilt while nobody used them: the next
 * request is on a new one, sent once, whatever its method. And ends of
 * connections that look better than they are. */
#include "fixture.h"

static const char *const methods[] = {"GET", "HEAD",   "POST",
                                      "PUT", "DELETE", "PATCH"};
#define METHODS (sizeof methods / sizeof methods[0])

static void warm_up(fixture_t *fx, int connections) {
  while (connections-- > 0)
    fixture_get(fx, "/warm");
  fixture_run(fx);
}

static void assert_next_is_new(fixture_t *fx, const char *method) {
  uint32_t accepted = fx->server->accepted;
  record_t *got = fixture_send(fx, method, "/next", NULL, 0);

  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 200);
  assert_int_equal(got->attempts, 1);
  assert_int_equal(got->reused, 0);
  assert_int_equal(fx->server->accepted, accepted + 1);
}

static void each_method_after(fixture_t *fx, int reset, int let_it_see) {
  size_t m;

  fixture_pool(fx, NULL);
  warm_up(fx, 1);
  for (m = 0; m < METHODS; m++) {
    fixture_run_ms(fx, 1);
    server_close_all(fx->server, reset);
    if (let_it_see) {
      fixture_run_ms(fx, 2);
      assert_int_equal(fixture_stats(fx).idle, 0);
    }
    assert_next_is_new(fx, methods[m]);
  }
  assert_int_equal(fixture_stats(fx).stale, let_it_see ? 0 : METHODS);
  assert_int_equal(fixture_stats(fx).failed, 0);
}

static void an_end_while_idle_is_seen_by_the_loop(void **state) {
  each_method_after(*state, 0, 1);
}

static void a_reset_while_idle_is_seen_by_the_loop(void **state) {
  each_method_after(*state, 1, 1);
}

static void an_end_in_the_kernel_is_found_at_checkout(void **state) {
  each_method_after(*state, 0, 0);
}

static void a_reset_in_the_kernel_is_found_at_checkout(void **state) {
  each_method_after(*state, 1, 0);
}

/* uv_run() has returned, nothing was pending; the server closes; the program
 * comes back with a request. No turn of the loop lies between. */
static void an_end_between_two_runs_of_the_loop_is_found(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  warm_up(fx, 1);
  server_close_all(fx->server, 0);
  assert_next_is_new(fx, "POST");
}

static void all_of_many_stale_ones_are_found_at_once(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  warm_up(fx, 8);
  fixture_run_ms(fx, 1);
  assert_int_equal(fixture_stats(fx).idle, 8);
  server_close_all(fx->server, 0);
  assert_next_is_new(fx, "POST");
  assert_int_equal(fixture_stats(fx).stale, 8);
}

static void a_half_close_while_idle_is_an_end(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), TURN(2), SHUTDOWN(),
                                         HANG()};
  fixture_t *fx = *state;

  server_script(fx->server, script);
  fixture_pool(fx, NULL);
  warm_up(fx, 1);
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_stats(fx).idle, 0);
  assert_next_is_new(fx, "POST");
}

/* Some servers close after each answer and do not say so: after its first one
 * a connection is looked at before it is used again. */
static void an_end_right_behind_the_answer_fails_nobody(void **state) {
  static const server_step_t rude[] = {EXPECT(), SEND(OK_BODY), CLOSE()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  int i;

  server_default(fx->server, rude);
  fixture_pool(fx, &config);
  for (i = 0; i < 20; i++)
    fixture_send(fx, "POST", "/x", "y", 1);
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).succeeded, 20);
  assert_int_equal(fx->server->seen, 20);
}

static int request_seen_on_second(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->server->seen == 2;
}

static void an_end_while_busy_is_not_hidden(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), EXPECT(), HANG()};
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, script);
  fixture_pool(fx, NULL);
  warm_up(fx, 1);
  got = fixture_send(fx, "POST", "/next", "x", 1);
  fixture_run_until(fx, request_seen_on_second, NULL);
  server_close_all(fx->server, 0);
  fixture_run(fx);

  assert_int_equal(got->error, POOL_EHANGUP);
  assert_int_equal(got->reused, 1);
  assert_int_equal(got->attempts, 1);
}

/* --- ends that look better than they are -------------------------------- */

static void is_cut(fixture_t *fx, const server_step_t *script) {
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_true(got->error == UV_ECONNRESET || got->error == POOL_EHANGUP);
  assert_int_equal(got->status, 0);
  assert_int_equal(got->phase, POOL_RECEIVING);
}

static void a_reset_right_behind_a_body_without_length(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nhello"), RESET()};

  is_cut(*state, script);
}

static void a_reset_some_turns_behind_a_body_without_length(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nhello"), TURN(3), RESET()};

  is_cut(*state, script);
}

static void an_end_before_the_last_chunk(void **state) {
  static const server_step_t script[] = {
      EXPECT(),
      SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "5\r\nhello\r\n"),
      CLOSE()};

  is_cut(*state, script);
}

static void an_end_before_the_last_line(void **state) {
  static const server_step_t script[] = {
      EXPECT(),
      SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "5\r\nhello\r\n0\r\n"),
      CLOSE()};

  is_cut(*state, script);
}

static void an_end_within_the_head(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nA: b\r\n"), CLOSE()};

  is_cut(*state, script);
}

static void an_end_behind_an_interim_answer(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 100 Continue\r\n\r\n"), CLOSE()};

  is_cut(*state, script);
}

static void data_and_end_in_one_read_is_the_data_first(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"),
      CLOSE()};
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "hello");
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(an_end_while_idle_is_seen_by_the_loop),
      FIXTURE_TEST(a_reset_while_idle_is_seen_by_the_loop),
      FIXTURE_TEST(an_end_in_the_kernel_is_found_at_checkout),
      FIXTURE_TEST(a_reset_in_the_kernel_is_found_at_checkout),
      FIXTURE_TEST(an_end_between_two_runs_of_the_loop_is_found),
      FIXTURE_TEST(all_of_many_stale_ones_are_found_at_once),
      FIXTURE_TEST(a_half_close_while_idle_is_an_end),
      FIXTURE_TEST(an_end_right_behind_the_answer_fails_nobody),
      FIXTURE_TEST(an_end_while_busy_is_not_hidden),
      FIXTURE_TEST(a_reset_right_behind_a_body_without_length),
      FIXTURE_TEST(a_reset_some_turns_behind_a_body_without_length),
      FIXTURE_TEST(an_end_before_the_last_chunk),
      FIXTURE_TEST(an_end_before_the_last_line),
      FIXTURE_TEST(an_end_within_the_head),
      FIXTURE_TEST(an_end_behind_an_interim_answer),
      FIXTURE_TEST(data_and_end_in_one_read_is_the_data_first),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
