/* Answers in pieces, as users see them. */
#include "streaming.h"

/* --- answers --------------------------------------------------------------
 */

static void a_body_comes_in_pieces(void **state) {
  static server_step_t script[] = {EXPECT(), SEND_BYTES(NULL, 0), REPEAT()};
  pool_config_t config = {.max_attempts = 3, .max_body_bytes = 1000};
  fixture_t *fx = *state;
  stream_t stream = {0};

  script[1].bytes = stream_big_answer(&script[1].len);
  server_default(fx->server, script);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(stream.record->body_len, 0);
  assert_int_equal(stream.record->phase, POOL_COMPLETE);
  assert_int_equal(stream.heads, 1);
  assert_true(stream.pieces > 10);
  assert_int_equal(stream.len, BIG);
  assert_true(stream.sum == stream_sum(stream_big(), BIG));
  assert_int_equal(fixture_stats(fx).idle, 1); /* the connection is kept */
}

static const server_step_t chunks[] = {
    EXPECT(),
    DRIP("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n6;a=b\r\n world\r\n1\r\n!\r\n0\r\nX-Sum: 7\r\nB: c\r\n"
         "\r\n",
         3),
    REPEAT()};

static const server_step_t chunks_at_once[] = {
    EXPECT(),
    SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n6;a=b\r\n world\r\n1\r\n!\r\n0\r\nX-Sum: 7\r\nB: c\r\n"
         "\r\n"),
    REPEAT()};

static char trailers[64];

static void on_trailers(const pool_result_t *result, void *data) {
  size_t i;

  (void)data;
  for (i = 0; i < result->trailer_count; i++)
    snprintf(trailers + strlen(trailers), sizeof trailers - strlen(trailers),
             "%s=%s;", result->trailers[i].name, result->trailers[i].value);
}

static void chunks_are_decoded_and_trailers_told(void **state) {
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_default(fx->server, chunks);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "hello world!");
  trailers[0] = '\0';
  assert_int_equal(pool_get(fx->pool, "/x", on_trailers, NULL), 0);
  fixture_run(fx);
  assert_string_equal(trailers, "X-Sum=7;B=c;");
  assert_int_equal(fixture_stats(fx).connects, 1);
}

static void an_answer_that_is_cut_is_no_answer(void **state) {
  static const server_step_t cut[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
      CLOSE()};
  static const server_step_t cut_chunk[] = {
      EXPECT(),
      SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello"),
      CLOSE()};
  pool_config_t config = {.max_attempts = 3};
  fixture_t *fx = *state;
  int i;

  server_script(fx->server, cut);
  server_script(fx->server, cut_chunk);
  fixture_pool(fx, &config);
  for (i = 0; i < 2; i++) {
    stream_t stream = {0};

    stream_ask(&stream, fx, NULL);
    fixture_run(fx);
    assert_int_equal(stream.record->error, POOL_EHANGUP);
    assert_string_equal(stream.text, "hello");
    assert_int_equal(stream.record->attempts, 1); /* never again */
  }
  assert_int_equal(fx->server->seen, 2);
}

static void before_the_head_it_is_tried_again(void **state) {
  static const server_step_t closes[] = {EXPECT(), CLOSE()};
  pool_config_t config = {.max_attempts = 3, .retry_delay_ms = 1};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_script(fx->server, closes);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(stream.record->attempts, 2);
  assert_string_equal(stream.text, "/x");
}

static void an_answer_may_end_with_the_connection(void **state) {
  static const server_step_t open_ended[] = {
      EXPECT(), SEND("HTTP/1.0 200 OK\r\n\r\nto the "), TURN(3), SEND("end"),
      CLOSE()};
  fixture_t *fx = *state;
  stream_t stream = {0};

  server_script(fx->server, open_ended);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "to the end");
}

static void no_body_is_no_piece(void **state) {
  static const server_step_t empty[] = {EXPECT(), SEND(OK_EMPTY), REPEAT()};
  pool_request_t head = {.method = "HEAD", .path = "/x"};
  fixture_t *fx = *state;
  stream_t stream = {0}, other = {0};

  server_default(fx->server, empty);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  stream_ask(&other, fx, &head);
  fixture_run(fx);
  assert_int_equal(stream.heads + other.heads, 2);
  assert_int_equal(stream.pieces + other.pieces, 0);
  assert_int_equal(stream.record->error, 0);
}

/* --- pauses ---------------------------------------------------------------
 */

static void a_pause_stops_the_server(void **state) {
  static server_step_t script[] = {EXPECT(), SEND_BYTES(NULL, 0), REPEAT()};
  pool_config_t config = {.stall_timeout_ms = 50};
  fixture_t *fx = *state;
  stream_t stream = {.on_piece = stream_pause_once};
  size_t len;

  script[1].bytes = stream_big_answer(&script[1].len);
  server_default(fx->server, script);
  fixture_pool(fx, &config);
  stream_ask(&stream, fx, NULL);
  fixture_run_ms(fx, 500); /* the stall timer does not run */
  assert_int_equal(stream.pieces, 1);
  assert_int_equal(stream.record->calls, 0);
  len = stream.len;
  assert_in_range(len, 1, 65536);
  assert_int_equal(stream_resume(&stream), 0);
  assert_int_equal(stream.len, len); /* nothing within the call */
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_true(stream.sum == stream_sum(stream_big(), BIG));
  assert_int_equal(fixture_stats(fx).idle, 1);
}

static void what_was_read_is_told_after_the_pause(void **state) {
  fixture_t *fx = *state;
  stream_t stream = {.on_piece = stream_pause_each};
  int i;

  server_default(fx->server, chunks_at_once);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  for (i = 1; i <= 3; i++) {
    fixture_run_ms(fx, 10);
    assert_int_equal(stream.pieces, i);
    assert_int_equal(stream.record->calls, 0);
    assert_int_equal(stream_resume(&stream), 0);
    assert_int_equal(stream.pieces, i);
  }
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "hello world!");
  assert_int_equal(fixture_stats(fx).idle, 1);
}

static void an_end_that_came_meanwhile_is_told_after_it(void **state) {
  static const server_step_t closes[] = {
      EXPECT(), SEND("HTTP/1.0 200 OK\r\n\r\nhello"), CLOSE()};
  static const server_step_t cuts[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
      CLOSE()};
  fixture_t *fx = *state;
  int i;

  server_script(fx->server, closes);
  server_script(fx->server, cuts);
  fixture_pool(fx, NULL);
  for (i = 0; i < 2; i++) {
    stream_t stream = {.on_piece = stream_pause_each};

    stream_ask(&stream, fx, NULL);
    fixture_run_ms(fx, 50);
    assert_int_equal(stream.record->calls, 0);
    assert_int_equal(stream_resume(&stream), 0);
    fixture_run(fx);
    assert_int_equal(stream.record->error, i == 0 ? 0 : POOL_EHANGUP);
    assert_string_equal(stream.text, "hello");
  }
}

/* Not even what looks like an answer. */
static void what_came_in_a_pause_is_nobody_s_answer(void **state) {
  static const server_step_t liar[] = {
      EXPECT(),  REPLY(),
      EXPECT(),  SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
      DELAY(20), SEND("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
      HANG()};
  pool_config_t config = {.max_connections = 1};
  fixture_t *fx = *state;
  stream_t stream = {.on_piece = stream_pause_each};
  record_t *next;

  server_script(fx->server, liar);
  fixture_pool(fx, &config);
  fixture_get(fx, "/first");
  fixture_run(fx);
  stream_ask(&stream, fx, NULL);
  next = fixture_get(fx, "/next");
  fixture_run_ms(fx, 100);
  assert_int_equal(stream_resume(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "hello");
  assert_int_equal(next->error, 0);
  assert_string_equal(next->body, "/next");
  assert_int_equal(fixture_stats(fx).unsolicited, 1);
}

static void a_pause_at_the_last_piece_puts_off_the_end(void **state) {
  fixture_t *fx = *state;
  stream_t stream = {.on_piece = stream_pause_each};

  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run_ms(fx, 50);
  assert_string_equal(stream.text, "/x"); /* all of it */
  assert_int_equal(stream.record->calls, 0);
  assert_int_equal(stream_resume(&stream), 0);
  assert_int_equal(stream.record->calls, 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(fixture_stats(fx).idle, 1);
  fixture_get(fx, "/again");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).connects, 1);
}

static void a_pause_in_the_head_holds_the_body(void **state) {
  fixture_t *fx = *state;
  stream_t stream = {.on_head = stream_pause_each};

  server_default(fx->server, chunks_at_once);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run_ms(fx, 50);
  assert_int_equal(stream.heads, 1);
  assert_int_equal(stream.pieces, 0);
  assert_int_equal(stream_resume(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "hello world!");
}

static void a_pause_before_anything_holds_all(void **state) {
  fixture_t *fx = *state;
  stream_t stream = {0};

  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  assert_int_equal(pool_pause(fx->pool, stream.call), 0);
  fixture_run_ms(fx, 50);
  assert_int_equal(stream.heads, 0);
  assert_int_equal(stream_resume(&stream), 0);
  assert_int_equal(stream_resume(&stream), 0); /* already so */
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "/x");
}

static void a_server_that_left_in_a_pause_is_not_asked(void **state) {
  static const server_step_t leaves[] = {EXPECT(), REPLY(), EXPECT(), REPLY(),
                                         CLOSE()};
  pool_config_t config = {.max_connections = 1};
  fixture_t *fx = *state;
  stream_t stream = {0};
  record_t *next;

  server_script(fx->server, leaves);
  fixture_pool(fx, &config);
  fixture_get(fx, "/first");
  fixture_run(fx);
  stream_ask(&stream, fx, NULL);
  assert_int_equal(pool_pause(fx->pool, stream.call), 0);
  next = fixture_send(fx, "POST", "/next", "once", 4);
  fixture_run_ms(fx, 50);
  assert_int_equal(stream_resume(&stream), 0);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_int_equal(next->error, 0);
}

/* What comes then stays in the socket: nothing has to be kept for it. */
static void a_pause_from_outside_stops_the_reading(void **state) {
  static const server_step_t halves[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
      DELAY(50), SEND("world"), REPEAT()};
  fixture_t *fx = *state;
  stream_t stream = {0};
  size_t bytes;

  server_default(fx->server, halves);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run_ms(fx, 20);
  assert_string_equal(stream.text, "hello");
  assert_int_equal(pool_pause(fx->pool, stream.call), 0);
  bytes = fx->heap.bytes;
  fixture_run_ms(fx, 100);
  assert_int_equal(fx->heap.bytes, bytes);
  assert_int_equal(stream_resume(&stream), 0);
  fixture_run(fx);
  assert_string_equal(stream.text, "helloworld");
}

static void a_pause_does_not_stop_the_deadline(void **state) {
  pool_request_t request = {.timeout_ms = 100};
  fixture_t *fx = *state;
  stream_t stream = {.on_piece = stream_pause_each};

  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, &request);
  fixture_run(fx);
  assert_int_equal(stream.record->error, UV_ETIMEDOUT);
  assert_in_range(stream.record->total_ms, 100, 120);
  assert_int_equal(stream_resume(&stream), POOL_EGONE);
}

/* Half of a thousand are paused, and never go on: the others do not notice, and
 * the memory has its bound. */
static void a_thousand_do_not_mind_those_that_are_stuck(void **state) {
  static char answer[100100];
  static server_step_t script[] = {EXPECT(), SEND_BYTES(answer, 0), REPEAT()};
  static stream_t streams[1000];
  pool_config_t config = {.max_connections = 1000, .max_connecting = 1000};
  fixture_t *fx = *state;
  uint32_t i, slowest = 0;
  size_t small;

  script[1].len = (size_t)snprintf(
      answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
      100000u);
  memset(answer + script[1].len, 'x', 100000);
  script[1].len += 100000;
  server_default(fx->server, script);
  fixture_pool(fx, &config);
  memset(streams, 0, sizeof streams);
  for (i = 0; i < 1000; i++) {
    streams[i].on_piece = i % 2 == 0 ? stream_pause_each : NULL;
    stream_ask(&streams[i], fx, NULL);
  }
  small = fx->heap.bytes;
  fixture_run_ms(fx, 5000);
  for (i = 0; i < 1000; i++) {
    const record_t *got = streams[i].record;

    assert_int_equal(got->calls, i % 2);
    if (got->calls > 0 && got->total_ms > slowest)
      slowest = got->total_ms;
    assert_int_equal(streams[i].pieces > 0, 1);
  }
  assert_in_range(slowest, 0, 200);
  assert_in_range(fx->heap.bytes, 0, small + 500 * (65536 + 4096));
  fixture_close_pool(fx);
  assert_int_equal(streams[0].record->error, POOL_ECLOSING);
}

/* --- what callbacks do ----------------------------------------------------
 */

static int cancel(void *me) {
  stream_t *stream = me;

  FIXTURE_CHECK(stream->fx, pool_cancel(stream->fx->pool, stream->call) == 0);
  FIXTURE_CHECK(stream->fx,
                pool_cancel(stream->fx->pool, stream->call) == POOL_EGONE);
  FIXTURE_CHECK(stream->fx,
                pool_resume(stream->fx->pool, stream->call) == POOL_EGONE);
  return POOL_PAUSE;
}

static int close_pool(void *me) {
  stream_t *stream = me;

  fixture_start_close(stream->fx);
  return POOL_GO_ON;
}

static void ended_in_a_callback(void **state, int in_head,
                                int (*what)(void *me), int error) {
  fixture_t *fx = *state;
  stream_t stream = {0};

  if (in_head)
    stream.on_head = what;
  else
    stream.on_piece = what;
  server_default(fx->server, chunks_at_once);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->calls, 1);
  assert_int_equal(stream.record->error, error);
  assert_int_equal(stream.heads, 1);
  assert_int_equal(stream.pieces, in_head ? 0 : 1);
}

static void a_cancel_in_on_head_is_the_end(void **state) {
  ended_in_a_callback(state, 1, cancel, UV_ECANCELED);
}

static void a_cancel_in_on_body_is_the_end(void **state) {
  ended_in_a_callback(state, 0, cancel, UV_ECANCELED);
}

static void a_close_in_on_head_is_the_end(void **state) {
  ended_in_a_callback(state, 1, close_pool, POOL_ECLOSING);
}

static void a_close_in_on_body_is_the_end(void **state) {
  ended_in_a_callback(state, 0, close_pool, POOL_ECLOSING);
}

static int pause_and_resume(void *me) {
  stream_t *stream = me;

  FIXTURE_CHECK(stream->fx, pool_pause(stream->fx->pool, stream->call) == 0);
  FIXTURE_CHECK(stream->fx, pool_resume(stream->fx->pool, stream->call) == 0);
  return POOL_GO_ON;
}

static void a_pause_and_a_resume_in_one_callback_are_nothing(void **state) {
  fixture_t *fx = *state;
  stream_t stream = {.on_head = pause_and_resume, .on_piece = pause_and_resume};

  server_default(fx->server, chunks);
  fixture_pool(fx, NULL);
  stream_ask(&stream, fx, NULL);
  fixture_run(fx);
  assert_int_equal(stream.record->error, 0);
  assert_string_equal(stream.text, "hello world!");
  assert_int_equal(fixture_stats(fx).idle, 1);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_body_comes_in_pieces),
      FIXTURE_TEST(chunks_are_decoded_and_trailers_told),
      FIXTURE_TEST(an_answer_that_is_cut_is_no_answer),
      FIXTURE_TEST(before_the_head_it_is_tried_again),
      FIXTURE_TEST(an_answer_may_end_with_the_connection),
      FIXTURE_TEST(no_body_is_no_piece),
      FIXTURE_TEST(a_pause_stops_the_server),
      FIXTURE_TEST(what_was_read_is_told_after_the_pause),
      FIXTURE_TEST(an_end_that_came_meanwhile_is_told_after_it),
      FIXTURE_TEST(what_came_in_a_pause_is_nobody_s_answer),
      FIXTURE_TEST(a_pause_at_the_last_piece_puts_off_the_end),
      FIXTURE_TEST(a_pause_in_the_head_holds_the_body),
      FIXTURE_TEST(a_pause_before_anything_holds_all),
      FIXTURE_TEST(a_server_that_left_in_a_pause_is_not_asked),
      FIXTURE_TEST(a_pause_from_outside_stops_the_reading),
      FIXTURE_TEST(a_pause_does_not_stop_the_deadline),
      FIXTURE_TEST(a_thousand_do_not_mind_those_that_are_stuck),
      FIXTURE_TEST(a_cancel_in_on_head_is_the_end),
      FIXTURE_TEST(a_cancel_in_on_body_is_the_end),
      FIXTURE_TEST(a_close_in_on_head_is_the_end),
      FIXTURE_TEST(a_close_in_on_body_is_the_end),
      FIXTURE_TEST(a_pause_and_a_resume_in_one_callback_are_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
