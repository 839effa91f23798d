/* A pool and one server that answers in every way, and ends in every way. */
#include "conform_stage.h"

#define LENGTH_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Two requests, so that one sees what became of the connection. */
static void two(conform_t *c, const server_step_t *steps) {
  stage_t stage;

  stage_begin(&stage, c, NULL);
  server_default(stage.fx->server, steps);
  stage_get(&stage, "r1");
  stage_run(&stage);
  fixture_turns(stage.fx, 5);
  stage_get(&stage, "r2");
  stage_run(&stage);
  fixture_turns(stage.fx, 5);
  stage_end(&stage);
}

#define ONE(name, ...)                                                         \
  static void name(conform_t *c) {                                             \
    static const server_step_t steps[] = {__VA_ARGS__};                        \
                                                                               \
    stage_one(c, steps);                                                       \
  }

#define TWO(name, ...)                                                         \
  static void name(conform_t *c) {                                             \
    static const server_step_t steps[] = {__VA_ARGS__};                        \
                                                                               \
    two(c, steps);                                                             \
  }

/* clang-format off */

/* --- answers -------------------------------------------------------------- */

TWO(an_answer_of_some_length, EXPECT(), SEND(OK_BODY), REPEAT())
TWO(an_answer_in_chunks,
    EXPECT(), SEND(CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), REPEAT())
TWO(an_answer_byte_by_byte, EXPECT(), DRIP(OK_BODY, 1), REPEAT())
TWO(an_answer_until_the_end,
    EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nhello"), TURN(2), CLOSE())
TWO(an_answer_that_closes,
    EXPECT(),
    SEND("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
         "hello"), HANG())
TWO(an_answer_of_http_1_0,
    EXPECT(), SEND("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    REPEAT())
TWO(an_answer_of_http_1_0_that_stays,
    EXPECT(),
    SEND("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
         "Content-Length: 5\r\n\r\nhello"), REPEAT())
TWO(an_answer_without_a_body,
    EXPECT(), SEND("HTTP/1.1 204 No Content\r\n\r\n"), REPEAT())
TWO(an_answer_behind_interim_ones,
    EXPECT(), SEND("HTTP/1.1 100 Continue\r\n\r\n"), TURN(1),
    SEND("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" OK_BODY), REPEAT())
TWO(an_answer_with_bytes_behind_it,
    EXPECT(), SEND(OK_BODY "HTTP/1.1 200 OK\r\n"), REPEAT())
TWO(bytes_on_an_idle_connection,
    EXPECT(), SEND(OK_BODY), TURN(3), SEND("HTTP/1.1 408 Late\r\n\r\n"),
    HANG())
ONE(garbage, EXPECT(), SEND("SSH-2.0-OpenSSH\r\n"), HANG())
ONE(a_server_that_speaks_first, SEND(OK_BODY), HANG())

/* --- ends ----------------------------------------------------------------- */

ONE(an_end_before_the_request, CLOSE())
ONE(an_end_before_the_head, EXPECT(), CLOSE())
ONE(an_end_within_the_head, EXPECT(), SEND("HTTP/1.1 200 OK\r\nA"), CLOSE())
ONE(an_end_behind_the_head, EXPECT(), SEND(LENGTH_5), CLOSE())
ONE(an_end_within_the_body, EXPECT(), SEND(LENGTH_5 "he"), CLOSE())
ONE(an_end_within_the_body_some_turns_later,
    EXPECT(), SEND(LENGTH_5 "he"), TURN(3), CLOSE())
ONE(an_end_within_a_chunk, EXPECT(), SEND(CHUNKED "5\r\nhe"), CLOSE())
TWO(an_end_behind_the_answer, EXPECT(), SEND(OK_BODY), CLOSE())
TWO(an_end_some_turns_behind_the_answer,
    EXPECT(), SEND(OK_BODY), TURN(3), CLOSE())
TWO(a_half_close_behind_the_answer,
    EXPECT(), SEND(OK_BODY), SHUTDOWN(), HANG())
ONE(a_half_close_before_the_head,
    EXPECT(), SHUTDOWN(), HANG())

ONE(a_reset_before_the_request, RESET())
ONE(a_reset_before_the_head, EXPECT(), RESET())
ONE(a_reset_within_the_head, EXPECT(), SEND("HTTP/1.1 200 OK\r\nA"), RESET())
ONE(a_reset_within_the_head_some_turns_later,
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nA"), TURN(3), RESET())
ONE(a_reset_within_the_body, EXPECT(), SEND(LENGTH_5 "he"), RESET())
ONE(a_reset_within_the_body_some_turns_later,
    EXPECT(), SEND(LENGTH_5 "he"), TURN(3), RESET())
ONE(a_reset_behind_a_body_until_the_end,
    EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nhello"), RESET())
ONE(a_reset_some_turns_behind_a_body_until_the_end,
    EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nhello"), TURN(3), RESET())
TWO(a_reset_behind_the_answer, EXPECT(), SEND(OK_BODY), RESET())
TWO(a_reset_some_turns_behind_the_answer,
    EXPECT(), SEND(OK_BODY), TURN(3), RESET())

/* clang-format on */

/* --- the method, the size ------------------------------------------------- */

static void an_answer_to_head(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), REPLY(), REPEAT()};

  stage_one_with(c, NULL, steps, "HEAD", 0);
}

static void a_large_answer(conform_t *c) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n";
  char *body = calloc(1, 4194304);
  server_step_t steps[] = {EXPECT(), SEND_BYTES(head, sizeof head - 1),
                           SEND_BYTES(body, 4194304), REPEAT()};

  assert_non_null(body);
  two(c, steps);
  free(body);
}

static void an_answer_that_is_too_large(conform_t *c) {
  static const server_step_t steps[] = {EXPECT(), SEND(OK_BODY), REPEAT()};
  pool_config_t config = {.max_body_bytes = 4};

  stage_one_with(c, &config, steps, "GET", 0);
}

/* --- uploads -------------------------------------------------------------- */

#define UPLOAD (16u << 20) /* more than any buffer holds */

static void an_upload(conform_t *c, const server_step_t *steps, size_t len) {
  stage_one_with(c, NULL, steps, "PUT", len);
}

static void a_large_upload(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), REPLY(), REPEAT()};
  static const server_step_t late[] = {EXPECT(), REPLY(), REPEAT()};

  an_upload(c, steps, 65536);
  an_upload(c, late, UPLOAD);
}

static void an_early_answer_to_an_upload(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(), SEND(OK_BODY),
                                        HANG()};

  an_upload(c, steps, UPLOAD);
}

static void an_early_answer_and_an_end(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(), SEND(OK_BODY),
                                        CLOSE()};

  an_upload(c, steps, UPLOAD);
}

static void an_early_head_and_an_end(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(), SEND(LENGTH_5),
                                        TURN(3), CLOSE()};

  an_upload(c, steps, UPLOAD);
}

static void an_early_answer_and_a_half_close(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(),  SEND(LENGTH_5),
                                        SHUTDOWN(),    TURN(3), RESET()};

  an_upload(c, steps, UPLOAD);
}

static void an_end_under_an_upload(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(), CLOSE()};

  an_upload(c, steps, UPLOAD);
}

static void a_reset_under_an_upload(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(), TURN(3),
                                        RESET()};

  an_upload(c, steps, UPLOAD);
}

static void an_answer_until_the_end_under_an_upload(conform_t *c) {
  static const server_step_t steps[] = {EXPECT_HEAD(), DEAF(),
                                        SEND("HTTP/1.1 413 No\r\n\r\nhello"),
                                        TURN(3), CLOSE()};

  an_upload(c, steps, UPLOAD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(an_answer_of_some_length),
      CONFORM(an_answer_in_chunks),
      CONFORM(an_answer_byte_by_byte),
      CONFORM(an_answer_until_the_end),
      CONFORM(an_answer_that_closes),
      CONFORM(an_answer_of_http_1_0),
      CONFORM(an_answer_of_http_1_0_that_stays),
      CONFORM(an_answer_without_a_body),
      CONFORM(an_answer_behind_interim_ones),
      CONFORM(an_answer_with_bytes_behind_it),
      CONFORM(bytes_on_an_idle_connection),
      CONFORM(garbage),
      CONFORM(a_server_that_speaks_first),
      CONFORM(an_end_before_the_request),
      CONFORM(an_end_before_the_head),
      CONFORM(an_end_within_the_head),
      CONFORM(an_end_behind_the_head),
      CONFORM(an_end_within_the_body),
      CONFORM(an_end_within_the_body_some_turns_later),
      CONFORM(an_end_within_a_chunk),
      CONFORM(an_end_behind_the_answer),
      CONFORM(an_end_some_turns_behind_the_answer),
      CONFORM(a_half_close_behind_the_answer),
      CONFORM(a_half_close_before_the_head),
      CONFORM(a_reset_before_the_request),
      CONFORM(a_reset_before_the_head),
      CONFORM(a_reset_within_the_head),
      CONFORM(a_reset_within_the_head_some_turns_later),
      CONFORM(a_reset_within_the_body),
      CONFORM(a_reset_within_the_body_some_turns_later),
      CONFORM(a_reset_behind_a_body_until_the_end),
      CONFORM(a_reset_some_turns_behind_a_body_until_the_end),
      CONFORM(a_reset_behind_the_answer),
      CONFORM(a_reset_some_turns_behind_the_answer),
      CONFORM(an_answer_to_head),
      CONFORM(a_large_answer),
      CONFORM(an_answer_that_is_too_large),
      CONFORM(a_large_upload),
      CONFORM(an_early_answer_to_an_upload),
      CONFORM(an_early_answer_and_an_end),
      CONFORM(an_early_head_and_an_end),
      CONFORM(an_early_answer_and_a_half_close),
      CONFORM(an_end_under_an_upload),
      CONFORM(a_reset_under_an_upload),
      CONFORM(an_answer_until_the_end_under_an_upload),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
