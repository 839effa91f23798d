/* Requests in pieces, as users see them; and streams that are stuck. */
#include "streaming.h"

/* --- requests -------------------------------------------------------------
 */

static void a_body_is_sent_in_chunks(void **state) {
  pool_request_t request = {
      .method = "POST", .path = "/x", .flags = POOL_STREAM};
  fixture_t *fx = *state;
  stream_t stream = {0};
  char want[256];

  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, &request);
  assert_int_equal(stream_write(&stream, "hello", 5),
                   0); /* not connected yet */
  fixture_run_ms(fx, 10);
  assert_int_equal(stream_write(&stream, "", 0), 0); /* is no chunk */
  assert_int_equal(stream_write(&stream, NULL, 1), UV_EINVAL);
  assert_int_equal(stream_write(&stream, " world, this is it", 18), 0);
  fixture_run_ms(fx, 10);
  assert_int_equal(stream.record->calls, 0);
  assert_int_equal(stream_end(&stream), 0);
  assert_int_equal(stream_end(&stream), UV_EINVAL);
  assert_int_equal(stream_write(&stream, "x", 1), UV_EINVAL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  snprintf(want, sizeof want,
           "POST /x HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
           "5\r\nhello\r\n12\r\n world, this is it\r\n0\r\n\r\n",
           fx->server->address);
  assert_string_equal(stream_last_request(fx), want);
  assert_int_equal(fixture_stats(fx).idle, 1);
  assert_int_equal(stream_write(&stream, "x", 1), POOL_EGONE);
}

static void a_declared_length_is_sent(void **state) {
  static const pool_header_t length = {.name = "content-length", .value = "5"};
  pool_request_t by_len = {
      .method = "PUT", .path = "/x", .body_len = 5, .flags = POOL_STREAM};
  pool_request_t by_field = {.method = "PUT",
                             .path = "/x",
                             .headers = &length,
                             .header_count = 1,
                             .flags = POOL_STREAM};
  fixture_t *fx = *state;
  char want[256];
  int i;

  fixture_pool(fx, NULL);
  for (i = 0; i < 2; i++) {
    stream_t stream = {0};

    stream_ask(&stream, fx, i == 0 ? &by_len : &by_field);
    assert_int_equal(stream_write(&stream, "he", 2), 0);
    assert_int_equal(stream_write(&stream, "llo", 3), 0);
    assert_int_equal(stream_end(&stream), 0);
    fixture_run(fx);
    assert_int_equal(stream.record->error, 0);
    snprintf(want, sizeof want,
             "PUT /x HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\n\r\nhello",
             fx->server->address);
    assert_string_equal(stream_last_request(fx), want);
  }
}

static void another_length_than_declared_ends_it(void **state) {
  pool_request_t request = {
      .method = "POST", .path = "/x", .body_len = 5, .flags = POOL_STREAM};
  fixture_t *fx = *state;
  int i;

  fixture_pool(fx, NULL);
  for (i = 0; i < 4; i++) {
    stream_t stream = {0};

    stream_ask(&stream, fx, &request);
    if (i % 2 == 0)
      fixture_run_ms(fx, 10);
    assert_int_equal(stream_write(&stream, "hell", 4), 0);
    if (i < 2)
      assert_int_equal(stream_end(&stream), POOL_ELENGTH);
    else
      assert_int_equal(stream_write(&stream, "o!", 2), POOL_ELENGTH);
    assert_int_equal(stream_write(&stream, "o", 1), POOL_EGONE);
    assert_int_equal(stream.record->calls, 0);
    fixture_run(fx);
    assert_int_equal(stream.record->error, POOL_ELENGTH);
  }
  assert_int_equal(fx->server->seen, 0);
  assert_in_range(fixture_stats(fx).idle, 0, 2); /* never one with half of it */
}

static void what_is_no_upload_cannot_be_written(void **state) {
  fixture_t *fx = *state;
  pool_request_t with_body = {.method = "POST",
                              .path = "/x",
                              .body = "x",
                              .body_len = 1,
                              .flags = POOL_STREAM};
  record_t *plain;
  stream_t stream = {0};

  fixture_pool(fx, NULL);
  assert_int_equal(fixture_request(fx, &with_body)->rc, UV_EINVAL);
  plain = fixture_get(fx, "/x");
  assert_int_equal(pool_write(fx->pool, plain->call, "x", 1), UV_EINVAL);
  assert_int_equal(pool_end(fx->pool, plain->call), UV_EINVAL);
  assert_int_equal(pool_pause(fx->pool, plain->call), UV_EINVAL);
  assert_int_equal(pool_resume(fx->pool, plain->call), UV_EINVAL);
  assert_int_equal(pool_write(NULL, plain->call, "x", 1), UV_EINVAL);
  stream_ask(&stream, fx, NULL);
  assert_int_equal(stream_write(&stream, "x", 1), UV_EINVAL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
}

/* A server that does not read: the buffer refuses, and says when there is room
 * again. */
static void a_full_buffer_refuses(void **state) {
  static const server_step_t slow[] = {
      DEAF(), DELAY(100), HEAR(), EXPECT_HEAD(), DELAY(2000), REPLY(), HANG()};
  pool_request_t request = {.method = "POST",
                            .path = "/x",
                            .body_len = 8 * BIG,
                            .flags = POOL_STREAM};
  pool_config_t config = {.high_water_bytes = 4096};
  fixture_t *fx = *state;
  stream_t stream = {0};
  size_t at = 0;
  uint32_t full = 0;

  server_script(fx->server, slow);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, &request);
  assert_int_equal(stream_write(&stream, stream_big(), 4097), UV_EINVAL);
  while (at < request.body_len) {
    size_t from = at % BIG;
    size_t len = BIG - from < 1500 ? BIG - from : 1500;
    int rc = stream_write(&stream, stream_big() + from, len);

    if (rc == 0) {
      at += len;
      continue;
    }
    assert_int_equal(rc, UV_EAGAIN);
    assert_int_equal(stream.drains, full++);
    while (stream.drains < full)
      fixture_run_ms(fx, 1);
  }
  assert_true(full > 2);
  assert_int_equal(stream_end(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_true(fx->server->bytes_in > 8 * BIG);
}

static void write_on(void *me) {
  stream_t *stream = me;

  while (pool_write(stream->fx->pool, stream->call, stream_big(), 1000) == 0)
    stream->len += 1000;
  if (stream->len >= 300000)
    FIXTURE_CHECK(stream->fx, pool_end(stream->fx->pool, stream->call) == 0);
}

static void on_drain_may_write_on(void **state) {
  pool_request_t request = {
      .method = "POST", .path = "/x", .flags = POOL_STREAM};
  pool_config_t config = {.high_water_bytes = 4096};
  fixture_t *fx = *state;
  stream_t stream = {.on_drain = write_on};

  fixture_pool(fx, &config);
  stream_ask(&stream, fx, &request);
  write_on(&stream);
  assert_in_range(stream.len, 3000, 4096); /* before there is a connection */
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_in_range(stream.len, 300000, 8 * BIG);
}

static void an_early_answer_ends_it(void **state) {
  static const server_step_t early[] = {
      EXPECT_HEAD(),
      SEND("HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno"), HANG()};
  pool_request_t request = {
      .method = "POST", .path = "/x", .flags = POOL_STREAM};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_script(fx->server, early);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, &request);
  assert_int_equal(stream_write(&stream, "hello", 5), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(stream.record->status, 413);
  assert_string_equal(stream.text, "no");
  assert_int_equal(stream_write(&stream, "x", 1), POOL_EGONE);
  assert_int_equal(fixture_stats(fx).idle, 0); /* half a request is on it */
}

static void once_a_byte_is_gone_it_is_not_sent_again(void **state) {
  static const server_step_t closes[] = {EXPECT_HEAD(), TURN(5), CLOSE()};
  pool_config_t config = {.max_attempts = 3, .retry_delay_ms = 1};
  pool_request_t request = {
      .method = "PUT", .path = "/x", .flags = POOL_STREAM};
  fixture_t *fx = *state;
  stream_t with = {0}, without = {0};

  server_script(fx->server, closes);
  fixture_pool(fx, &config);
  stream_ask(&with, fx, &request);
  assert_int_equal(stream_write(&with, "hello", 5), 0);
  fixture_run(fx);
  assert_int_equal(with.record->error, POOL_EHANGUP);
  assert_int_equal(with.record->attempts, 1);

  server_script(fx->server, closes);
  stream_ask(&without, fx, &request); /* nothing of its body is gone */
  fixture_run_ms(fx, 50);
  assert_int_equal(stream_write(&without, "hello", 5), 0);
  assert_int_equal(stream_end(&without), 0);
  fixture_run(fx);
  assert_int_equal(without.record->error, 0);
  assert_int_equal(without.record->attempts, 2);
}

static void who_was_refused_sends_what_it_has(void **state) {
  pool_config_t config = {.max_attempts = 3, .retry_delay_ms = 1};
  pool_request_t request = {
      .method = "POST", .path = "/x", .flags = POOL_STREAM};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_refuse(fx->server);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  stream_ask(&stream, fx, &request);
  assert_int_equal(stream_write(&stream, "hello", 5), 0);
  assert_int_equal(stream_end(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(fx->servers[1]->seen, 1);
}

/* --- Expect ---------------------------------------------------------------
 */

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static const pool_request_t whole_post = {.method = "POST",
                                          .path = "/x",
                                          .body = "hello",
                                          .body_len = 5,
                                          .flags = POOL_EXPECT};

static void a_body_waits_for_the_100(void **state) {
  static const server_step_t continues[] = {EXPECT_HEAD(),  DELAY(200),
                                            SEND(CONTINUE), DELAY(20),
                                            SEND(OK_BODY),  HANG()};
  fixture_t *fx = *state;
  uint64_t before;
  record_t *got;

  server_default(fx->server, continues);
  fixture_pool(fx, NULL);
  got = fixture_request(fx, &whole_post);
  fixture_run_ms(fx, 150);
  assert_non_null(
      strstr(stream_last_request(fx), "\r\nExpect: 100-continue\r\n"));
  before = fx->server->bytes_in;
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "hello");
  assert_int_equal(fx->server->bytes_in, before + 5);
  assert_int_equal(fixture_stats(fx).idle, 1);
}

/* Who was refused while the body was held back is told when it goes. */
static void then_there_is_room(void **state) {
  static const server_step_t continues[] = {
      EXPECT_HEAD(), DELAY(200), SEND(CONTINUE), DELAY(500), REPLY(), HANG()};
  static const server_step_t silent[] = {EXPECT_HEAD(), DELAY(600), REPLY(),
                                         HANG()};
  pool_request_t request = {.method = "POST",
                            .path = "/x",
                            .body_len = 2000,
                            .flags = POOL_EXPECT | POOL_STREAM};
  pool_config_t config = {.high_water_bytes = 1024, .expect_timeout_ms = 400};
  fixture_t *fx = *state;
  int i;

  fixture_pool(fx, &config);
  for (i = 0; i < 2; i++) {
    stream_t stream = {0};

    server_script(fx->server, i == 0 ? continues : silent);
    stream_ask(&stream, fx, &request);
    assert_int_equal(stream_write(&stream, stream_big(), 1000), 0);
    assert_int_equal(stream_write(&stream, stream_big(), 1000), UV_EAGAIN);
    fixture_run_ms(fx, 150);
    assert_int_equal(stream.drains, 0);
    fixture_run_ms(fx, 300);
    assert_int_equal(stream.drains, 1);
    assert_int_equal(stream_write(&stream, stream_big(), 1000), 0);
    assert_int_equal(stream_end(&stream), 0);
    fixture_run(fx);
    assert_int_equal(stream.record->error, 0);
    server_close_all(fx->server, 0);
    fixture_run_ms(fx, 5);
  }
}

static void or_for_long_enough(void **state) {
  static const server_step_t silent[] = {EXPECT(), REPLY(), REPEAT()};
  pool_request_t request = {.method = "POST",
                            .path = "/x",
                            .body_len = 5,
                            .flags = POOL_EXPECT | POOL_STREAM};
  pool_config_t config = {.expect_timeout_ms = 300, .stall_timeout_ms = 100};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, &request);
  assert_int_equal(stream_write(&stream, "hello", 5), 0);
  assert_int_equal(stream_end(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_in_range(stream.record->total_ms, 300, 330);
  assert_int_equal(fixture_stats(fx).idle, 1);
}

static void or_is_not_sent_at_all(void **state) {
  static const server_step_t refuses[] = {
      EXPECT_HEAD(), SEND("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno"),
      HANG()};
  fixture_t *fx = *state;
  uint64_t before;
  record_t *got;

  server_default(fx->server, refuses);
  fixture_pool(fx, NULL);
  got = fixture_request(fx, &whole_post);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 417);
  before = fx->server->bytes_in;
  fixture_run_ms(fx, 50);
  assert_int_equal(fx->server->bytes_in, before);
  assert_null(strstr(stream_last_request(fx), "hello"));
  assert_int_equal(fixture_stats(fx).idle, 0);
}

static void a_body_that_is_there_is_tried_again(void **state) {
  static const server_step_t closes[] = {EXPECT_HEAD(), SEND(CONTINUE),
                                         DELAY(20), CLOSE()};
  pool_config_t config = {.max_attempts = 2, .expect_timeout_ms = 50};
  pool_request_t whole = {.method = "PUT",
                          .path = "/x",
                          .body = "hello",
                          .body_len = 5,
                          .flags = POOL_EXPECT};
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, closes);
  fixture_pool(fx, &config);
  got = fixture_request(fx, &whole);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->attempts, 2);
  assert_string_equal(strstr(stream_last_request(fx), "\r\n\r\n"),
                      "\r\n\r\nhello");
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_body_is_sent_in_chunks),
      FIXTURE_TEST(a_declared_length_is_sent),
      FIXTURE_TEST(another_length_than_declared_ends_it),
      FIXTURE_TEST(what_is_no_upload_cannot_be_written),
      FIXTURE_TEST(a_full_buffer_refuses),
      FIXTURE_TEST(on_drain_may_write_on),
      FIXTURE_TEST(an_early_answer_ends_it),
      FIXTURE_TEST(once_a_byte_is_gone_it_is_not_sent_again),
      FIXTURE_TEST(who_was_refused_sends_what_it_has),
      FIXTURE_TEST(a_body_waits_for_the_100),
      FIXTURE_TEST(then_there_is_room),
      FIXTURE_TEST(or_for_long_enough),
      FIXTURE_TEST(or_is_not_sent_at_all),
      FIXTURE_TEST(a_body_that_is_there_is_tried_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
