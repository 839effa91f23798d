/* Streams that are stuck are found by their progress; users who are slow are
 * not taken for them. */
#include "streaming.h"

static void a_drip_below_the_minimum_rate_is_stuck(void **state) {
  static const server_step_t drips[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
      FLOOD("x", 10)};
  pool_config_t config = {
      .min_rate = 1000, .rate_window_ms = 500, .stall_timeout_ms = 100};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_default(fx->server, drips);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, UV_ETIMEDOUT);
  assert_in_range(stream.record->total_ms, 500, 530);
}

/* The time that an answer takes to begin is not counted with its body. */
static void a_late_answer_that_is_fast_enough_is_not(void **state) {
  static const server_step_t late[] = {
      EXPECT(), DELAY(950),
      SEND("HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n"),
      FLOOD("0123456789012345678901234567890123456789", 10)};
  pool_config_t config = {.min_rate = 2000, .rate_window_ms = 1000};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_default(fx->server, late);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, NULL);
  fixture_run_record(fx, stream.record);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(stream.len, 8000);
}

/* A lot that takes several windows to leave moves all the while. */
static void nor_is_a_large_lot(void **state) {
  static const server_step_t slow[] = {EXPECT(), REPLY(), REPEAT()};
  pool_request_t whole = {.method = "POST",
                          .path = "/x",
                          .flags = POOL_EXPECT,
                          .body_len = 3 * BIG};
  pool_config_t config = {
      .min_rate = 1000, .rate_window_ms = 100, .expect_timeout_ms = 10};
  fixture_t *fx = *state;
  char *body = calloc(3, BIG);
  record_t *got;

  whole.body = body;
  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  got = fixture_request(fx, &whole);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  free(body);
}

static void a_slow_user_is_not(void **state) {
  pool_request_t request = {
      .method = "POST", .path = "/x", .flags = POOL_STREAM};
  pool_config_t config = {
      .min_rate = 1000, .rate_window_ms = 500, .stall_timeout_ms = 100};
  fixture_t *fx = *state;
  stream_t stream = {.on_piece = stream_pause_once};
  int i;

  fixture_pool(fx, &config);
  stream_ask(&stream, fx, &request);
  for (i = 0; i < 10; i++) {
    assert_int_equal(stream_write(&stream, "x", 1), 0);
    fixture_run_ms(fx, 300);
    assert_int_equal(stream.record->calls, 0);
  }
  assert_int_equal(stream_end(&stream), 0);
  fixture_run_ms(fx, 2000);
  assert_int_equal(stream.pieces, 1);
  assert_int_equal(stream.record->calls, 0);
  assert_int_equal(stream_resume(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
}

/* Nobody can see when the last byte of many left the kernel: the first look
 * after them counts as if one had just then. */
static void an_upload_is_stuck_after_twice_the_time_at_most(void **state) {
  static const server_step_t late[] = {
      EXPECT_HEAD(), DEAF(), DELAY(700), HEAR(), DELAY(1), REPLY(), HANG()};
  static const server_step_t never[] = {EXPECT_HEAD(), DEAF(), HANG()};
  static char body[50000];
  pool_request_t post = {
      .method = "POST", .path = "/x", .body = body, .body_len = sizeof body};
  pool_config_t config = {.stall_timeout_ms = 500, .max_attempts = 1};
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, late);
  server_script(fx->server, never);
  fixture_pool(fx, &config);
  got = fixture_request(fx, &post);
  fixture_run_record(fx, got);
  assert_int_equal(got->error, 0);
  assert_in_range(got->total_ms, 700, 720);
  got = fixture_request(fx, &post);
  fixture_run(fx);
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_in_range(got->total_ms, 500, 1020);
}

static const pool_request_t upload = {
    .method = "POST", .path = "/x", .flags = POOL_STREAM};

/* Writes for 300 ms in all, longer than an attempt may take. */
static void write_slowly(fixture_t *fx, stream_t *stream) {
  int i;

  stream_ask(stream, fx, &upload);
  for (i = 0; i < 3; i++) {
    assert_int_equal(stream_write(stream, "x", 1), 0);
    fixture_run_ms(fx, 100);
  }
  assert_int_equal(stream_end(stream), 0);
}

static void an_answer_has_its_time_from_the_body_s_end(void **state) {
  static const server_step_t late[] = {EXPECT(), DELAY(100), REPLY(), REPEAT()};
  static const server_step_t silent[] = {EXPECT(), HANG()};
  pool_config_t config = {.attempt_timeout_ms = 200, .max_attempts = 1};
  fixture_t *fx = *state;
  stream_t stream = {0}, stuck = {0};

  server_script(fx->server, late);
  server_script(fx->server, silent);
  config.max_requests = 1;
  fixture_pool(fx, &config);
  write_slowly(fx, &stream);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  write_slowly(fx, &stuck);
  fixture_run(fx);
  assert_int_equal(stuck.record->error, UV_ETIMEDOUT);
  assert_in_range(stuck.record->total_ms, 495, 530);
}

/* A body of no bytes has ended before its head has left. */
static void nor_is_an_empty_body_late_at_once(void **state) {
  static const server_step_t slow[] = {DEAF(),   DELAY(300), HEAR(),
                                       EXPECT(), REPLY(),    HANG()};
  static char value[8000001];
  pool_header_t fields[] = {{"Content-Length", "0", 0, 0},
                            {"X", value, 0, sizeof value - 1}};
  pool_request_t empty = {.method = "PUT",
                          .path = "/x",
                          .headers = fields,
                          .header_count = 2,
                          .flags = POOL_STREAM};
  pool_config_t config = {.attempt_timeout_ms = 1000,
                          .max_attempts = 1,
                          .max_head_bytes = 16u << 20};
  fixture_t *fx = *state;
  stream_t stream = {0};

  memset(value, 'x', sizeof value - 1);
  server_script(fx->server, slow);
  fixture_pool(fx, &config);
  fixture_run_ms(fx, 2000); /* no time is near to the pool's beginning */
  stream_ask(&stream, fx, &empty);
  assert_int_equal(stream_end(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_in_range(stream.record->total_ms, 300, 900);
}

/* The deadline comes soon after a body that its user wrote slowly: that is not
 * the endpoint's fault. */
static void a_slow_user_s_deadline_blames_nobody(void **state) {
  static const server_step_t silent[] = {EXPECT(), HANG()};
  pool_config_t config = {.timeout_ms = 350, .max_attempts = 1};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  write_slowly(fx, &stream);
  fixture_run(fx);
  assert_int_equal(stream.record->error, UV_ETIMEDOUT);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).recent_fails, 0);
}

/* Consumers that pause for too long are no fault of the servers. */
static void a_pause_blames_nobody(void **state) {
  pool_config_t config = {.eject_after = 5,
                          .max_attempts = 1,
                          .head_timeout_ms = 200,
                          .attempt_timeout_ms = 250};
  pool_request_t request = {.timeout_ms = 1000};
  fixture_t *fx = *state;
  stream_t streams[20] = {0};
  int i;

  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  for (i = 0; i < 20; i++) {
    streams[i].on_piece = stream_pause_each;
    stream_ask(&streams[i], fx, &request);
    if (i % 2 == 0)
      assert_int_equal(pool_pause(fx->pool, streams[i].call), 0);
  }
  fixture_run(fx);
  for (i = 0; i < 20; i++) {
    assert_int_equal(streams[i].record->error, UV_ETIMEDOUT);
    assert_in_range(streams[i].record->total_ms, 1000, 1020);
  }
  assert_int_equal(fixture_stats(fx).ejections, 0);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).recent_fails +
                       fixture_endpoint_stats(fx, fx->servers[1]).recent_fails,
                   0);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_drip_below_the_minimum_rate_is_stuck),
      FIXTURE_TEST(a_late_answer_that_is_fast_enough_is_not),
      FIXTURE_TEST(nor_is_a_large_lot),
      FIXTURE_TEST(a_slow_user_is_not),
      FIXTURE_TEST(an_upload_is_stuck_after_twice_the_time_at_most),
      FIXTURE_TEST(an_answer_has_its_time_from_the_body_s_end),
      FIXTURE_TEST(nor_is_an_empty_body_late_at_once),
      FIXTURE_TEST(a_slow_user_s_deadline_blames_nobody),
      FIXTURE_TEST(a_pause_blames_nobody),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
