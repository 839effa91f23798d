/* Promises about what is sent and what is believed: 8 (never sent twice), 9
 * (an answer is its own request's) and 10 (memory is bounded). */
#include "fixture.h"

#define POISON "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"

/* --- 8 -------------------------------------------------------------------- */

static const server_step_t ends[][3] = {
    {EXPECT(), CLOSE()},
    {EXPECT(), RESET()},
    {EXPECT(), SEND("H"), CLOSE()},
    {EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), CLOSE()},
    {EXPECT(), SEND("HTTP/1.1 100 Continue\r\n\r\n"), CLOSE()},
};
static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};

static void promise_8_what_was_sent_on_a_new_connection(void **state) {
  fixture_t *fx = *state;
  size_t e, m;

  fixture_pool(fx, NULL);
  for (e = 0; e < sizeof ends / sizeof ends[0]; e++)
    for (m = 0; m < sizeof methods / sizeof methods[0]; m++) {
      uint32_t seen = fx->server->seen;
      record_t *got;

      server_default(fx->server, ends[e]);
      if (e == 3 && m == 4)
        continue; /* that is all of an answer to HEAD */
      got =
          fixture_send(fx, methods[m], "/x", "body", m == 1 || m == 2 ? 4 : 0);
      fixture_run(fx);
      assert_true(got->error < 0);
      assert_int_equal(got->attempts, 1);
      assert_int_equal(fx->server->seen - seen, 1);
    }
}

/* The second request on a connection, where other clients try again. */
static const server_step_t second_ends[] = {EXPECT(), SEND(OK_EMPTY), EXPECT(),
                                            CLOSE()};

static void promise_8_what_was_sent_on_a_used_connection(void **state) {
  fixture_t *fx = *state;
  size_t m;

  server_default(fx->server, second_ends);
  fixture_pool(fx, NULL);
  for (m = 0; m < sizeof methods / sizeof methods[0]; m++) {
    uint32_t seen = fx->server->seen;
    record_t *got;

    fixture_get(fx, "/first");
    fixture_run(fx);
    got = fixture_send(fx, methods[m], "/second", NULL, 0);
    fixture_run(fx);
    assert_int_equal(got->error, POOL_EHANGUP);
    assert_int_equal(got->attempts, 1);
    assert_int_equal(got->reused, 1);
    assert_int_equal(fx->server->seen - seen, 2);
  }
}

static void promise_8_nor_to_another_endpoint(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *got;

  server_default(fx->server, ends[0]);
  server_default(other, ends[0]);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, POOL_EHANGUP);
  assert_int_equal(fx->server->seen + other->seen, 1);
}

/* --- 9 -------------------------------------------------------------------- */

static void promise_9_bytes_behind_an_answer(void **state) {
  static const server_step_t poisons[] = {EXPECT(), SEND(OK_BODY POISON),
                                          HANG()};
  fixture_t *fx = *state;
  record_t *first, *second;

  server_script(fx->server, poisons);
  fixture_pool(fx, NULL);
  first = fixture_get(fx, "/first");
  fixture_run(fx);
  assert_string_equal(first->body, "hello");
  assert_int_equal(fixture_stats(fx).idle, 0);
  second = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_string_equal(second->body, "/second");
  assert_int_equal(second->reused, 0);
  assert_int_equal(fx->server->accepted, 2);
}

static void next_is_its_own(fixture_t *fx, const server_step_t *script) {
  record_t *first, *second;

  server_script(fx->server, script);
  fixture_pool(fx, NULL);
  first = fixture_get(fx, "/first");
  fixture_run_record(fx, first);
  assert_int_equal(first->error, 0);
  assert_string_equal(first->body, "hello");
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_stats(fx).idle, 0);
  second = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_string_equal(second->body, "/second");
  assert_int_equal(second->attempts, 1);
  assert_int_equal(fixture_stats(fx).unsolicited, 1);
  assert_int_equal(fixture_events(fx, POOL_EVENT_UNSOLICITED), 1);
}

static void promise_9_a_whole_answer_to_nobody(void **state) {
  static const server_step_t script[] = {EXPECT(), SEND(OK_BODY), TURN(2),
                                         SEND(POISON), HANG()};

  next_is_its_own(*state, script);
}

static void promise_9_a_stray_byte(void **state) {
  static const server_step_t script[] = {EXPECT(), SEND(OK_BODY), TURN(2),
                                         SEND("\n"), HANG()};

  next_is_its_own(*state, script);
}

static void promise_9_a_408_at_rest(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND(OK_BODY), TURN(2),
      SEND("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
      CLOSE()};

  next_is_its_own(*state, script);
}

static void promise_9_an_answer_before_the_first_request(void **state) {
  static const server_step_t script[] = {SEND(POISON), HANG()};
  fixture_t *fx = *state;
  record_t *first, *got;

  server_script(fx->server, script);
  fixture_pool(fx, NULL);
  first = fixture_get(fx, "/cancelled");
  assert_int_equal(pool_cancel(fx->pool, first->call), 0);
  fixture_run_ms(fx, 5); /* the connection opens for nobody, and is poisoned */
  got = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_string_equal(got->body, "/second");
}

/* The bytes are in the kernel when the request is made, a turn later. */
static void promise_9_poison_that_nobody_has_read_yet(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/first");
  fixture_run(fx);
  fixture_run_ms(fx, 1);
  server_send_all(fx->server, POISON, sizeof POISON - 1);
  got = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_string_equal(got->body, "/second");
  assert_int_equal(got->reused, 0);
  assert_int_equal(fixture_stats(fx).unsolicited, 1);
  assert_int_equal(fixture_stats(fx).stale, 0);
  assert_int_equal(fixture_events(fx, POOL_EVENT_UNSOLICITED), 1);
}

/* The loop had nothing to do, so it did not run; time has passed all the same.
 * That is how a program lives that calls uv_run() for each request. */
static void promise_9_poison_between_two_runs_of_the_loop(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/first");
  fixture_run(fx);
  server_send_all(fx->server, POISON, sizeof POISON - 1);
  got = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_string_equal(got->body, "/second");
  assert_int_equal(got->reused, 0);
}

static void promise_9_an_answer_that_comes_after_its_deadline(void **state) {
  static const server_step_t slow[] = {EXPECT(), DELAY(40), SEND(POISON),
                                       HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  pool_request_t hasty = {.path = "/first", .timeout_ms = 20};
  record_t *first, *second;

  server_script(fx->server, slow);
  fixture_pool(fx, &config);
  first = fixture_request(fx, &hasty);
  second = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_int_equal(first->error, UV_ETIMEDOUT);
  assert_string_equal(second->body, "/second");
}

static void promise_9_an_answer_to_a_cancelled_request(void **state) {
  fixture_t *fx = *state;
  record_t *first, *second;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/warm");
  fixture_run(fx);
  first = fixture_get(fx, "/first"); /* is sent at once */
  assert_int_equal(pool_cancel(fx->pool, first->call), 0);
  second = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_int_equal(first->error, UV_ECANCELED);
  assert_string_equal(second->body, "/second");
  assert_int_equal(second->reused, 0);
}

/* --- 10 ------------------------------------------------------------------- */

static void ends_with(fixture_t *fx, const pool_config_t *config,
                      const server_step_t *script, int error) {
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, config);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, error);
  assert_int_equal(fixture_stats(fx).idle, error == 0);
  if (error != 0)
    assert_int_equal(got->body_len, 0);
}

static void promise_10_a_head_of_more_than_max_head_bytes(void **state) {
  static const server_step_t script[] = {EXPECT(), SEND("HTTP/1.1 200 OK\r\n"),
                                         FLOOD("A: bcdefgh\r\n", 0)};
  fixture_t *fx = *state;
  pool_config_t config = {.max_head_bytes = 4096};

  ends_with(fx, &config, script, POOL_ETOOLARGE);
  assert_true(fx->heap.peak_bytes < 200000);
}

static const server_step_t nine_bytes[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789"),
    REPEAT()};

static void promise_10_a_body_of_exactly_max_body_bytes(void **state) {
  pool_config_t config = {.max_body_bytes = 9};

  ends_with(*state, &config, nine_bytes, 0);
}

static void promise_10_a_body_of_one_byte_more(void **state) {
  pool_config_t config = {.max_body_bytes = 8};

  ends_with(*state, &config, nine_bytes, POOL_ETOOLARGE);
}

static void promise_10_chunks_of_more_than_max_body_bytes(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
      FLOOD("4\r\nabcd\r\n", 0)};
  fixture_t *fx = *state;
  pool_config_t config = {.max_body_bytes = 1000};

  ends_with(fx, &config, script, POOL_ETOOLARGE);
  assert_true(fx->heap.peak_bytes < 200000);
}

static void promise_10_a_body_until_the_end_of_the_connection(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\n"), FLOOD("0123456789", 0)};
  pool_config_t config = {.max_body_bytes = 1000};

  ends_with(*state, &config, script, POOL_ETOOLARGE);
}

static void
promise_10_a_request_head_of_more_than_max_head_bytes(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_head_bytes = 256};
  char path[400];

  memset(path, 'x', sizeof path);
  path[0] = '/';
  path[300] = '\0';
  fixture_pool(fx, &config);
  assert_int_equal(fixture_get(fx, path)->rc, UV_EINVAL);
  path[200] = '\0';
  assert_int_equal(fixture_get(fx, path)->rc, 0);
  fixture_run(fx);
}

/* Closing ones count: a descriptor is only free when its close is done. */
static void promise_10_never_more_than_max_connections(void **state) {
  static const server_step_t once[] = {
      EXPECT(), SEND("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n"), CLOSE()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 3};
  int i;

  server_default(fx->server, once);
  fixture_pool(fx, &config);
  for (i = 0; i < 60; i++)
    fixture_get(fx, "/x");
  while (fixture_stats(fx).pending > 0) {
    pool_stats_t stats = fixture_stats(fx);

    assert_true(stats.connecting + stats.idle + stats.busy + stats.closing <=
                3);
    uv_run(&fx->loop, UV_RUN_ONCE);
  }
  assert_int_equal(fixture_stats(fx).succeeded, 60);
  assert_int_equal(fx->server->accepted, 60);
  assert_in_range(fx->server->peak_open, 2, 6); /* it sees an end later */
}

static void promise_10_memory_returns_to_where_it_was(void **state) {
  fixture_t *fx = *state;
  uint64_t warm;
  int round, i;

  fixture_pool(fx, NULL);
  for (round = 0; round < 4; round++) {
    for (i = 0; i < 200; i++)
      fixture_get(fx, "/x");
    fixture_run(fx);
    if (round == 0)
      warm = fixture_stats(fx).bytes_allocated;
    assert_int_equal(fixture_stats(fx).bytes_allocated, warm);
    assert_int_equal(fx->heap.bytes, warm);
  }
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(promise_8_what_was_sent_on_a_new_connection),
      FIXTURE_TEST(promise_8_what_was_sent_on_a_used_connection),
      FIXTURE_TEST(promise_8_nor_to_another_endpoint),
      FIXTURE_TEST(promise_9_bytes_behind_an_answer),
      FIXTURE_TEST(promise_9_a_whole_answer_to_nobody),
      FIXTURE_TEST(promise_9_a_stray_byte),
      FIXTURE_TEST(promise_9_a_408_at_rest),
      FIXTURE_TEST(promise_9_an_answer_before_the_first_request),
      FIXTURE_TEST(promise_9_poison_that_nobody_has_read_yet),
      FIXTURE_TEST(promise_9_poison_between_two_runs_of_the_loop),
      FIXTURE_TEST(promise_9_an_answer_that_comes_after_its_deadline),
      FIXTURE_TEST(promise_9_an_answer_to_a_cancelled_request),
      FIXTURE_TEST(promise_10_a_head_of_more_than_max_head_bytes),
      FIXTURE_TEST(promise_10_a_body_of_exactly_max_body_bytes),
      FIXTURE_TEST(promise_10_a_body_of_one_byte_more),
      FIXTURE_TEST(promise_10_chunks_of_more_than_max_body_bytes),
      FIXTURE_TEST(promise_10_a_body_until_the_end_of_the_connection),
      FIXTURE_TEST(promise_10_a_request_head_of_more_than_max_head_bytes),
      FIXTURE_TEST(promise_10_never_more_than_max_connections),
      FIXTURE_TEST(promise_10_memory_returns_to_where_it_was),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
