/* Large bodies: sent whole, and answers that come before that. A connection
 * on which a request was not sent whole is never used again. */
#include "fixture.h"

#define BIG (16u << 20)

#define TOO_BIG "HTTP/1.1 413 Too Big\r\nContent-Length: 3\r\n"

static char *big_body(fixture_t *fx) {
  char *body = calloc(1, BIG);

  assert_non_null(body);
  fx->data = body;
  return body;
}

/* The body is borrowed until the callback, not a moment longer. */
static void then_free_body(record_t *record) {
  free(record->fx->data);
  record->fx->data = NULL;
}

static record_t *upload(fixture_t *fx, const server_step_t *script,
                        const pool_config_t *config) {
  record_t *got;

  server_script(fx->server, script);
  fixture_pool(fx, config);
  got = fixture_send(fx, "POST", "/big", big_body(fx), BIG);
  got->then = then_free_body;
  fixture_run(fx);
  assert_int_equal(got->calls, 1);
  return got;
}

static void assert_next_is_new(fixture_t *fx) {
  record_t *got;

  assert_int_equal(fixture_stats(fx).idle, 0);
  got = fixture_get(fx, "/next");
  fixture_run(fx);
  assert_string_equal(got->body, "/next");
  assert_int_equal(fx->server->accepted, 2);
}

static void a_large_body_arrives_whole(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), REPEAT()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_int_equal(got->status, 200);
  assert_true(fx->server->bytes_in > BIG);
  fixture_get(fx, "/next");
  fixture_run(fx);
  assert_int_equal(fx->server->accepted, 1);
  assert_int_equal(fx->server->seen, 2);
}

static void case_178_an_early_answer_and_close(void **state) {
  static const server_step_t script[] = {
      EXPECT_HEAD(), DEAF(), SEND(TOO_BIG "Connection: close\r\n\r\nbig"),
      SHUTDOWN(),    HEAR(), HANG()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 413);
  assert_string_equal(got->body, "big");
  assert_next_is_new(fx);
}

static void case_179_an_early_answer_and_reset(void **state) {
  static const server_step_t script[] = {
      EXPECT_HEAD(), DEAF(), SEND(TOO_BIG "Connection: close\r\n\r\nbig"),
      RESET()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 413);
  assert_next_is_new(fx);
}

/* The write fails a turn before the answer is complete. */
static void case_179_an_answer_in_pieces_and_reset(void **state) {
  static const server_step_t script[] = {
      EXPECT_HEAD(), DEAF(), SEND(TOO_BIG), TURN(2), SEND("\r\nbi"), RESET()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_true(got->error == UV_ECONNRESET || got->error == UV_EPIPE ||
              got->error == POOL_EHANGUP);
  assert_int_equal(got->attempts, 1);
  assert_next_is_new(fx);
}

static void case_180_an_early_answer_that_keeps_the_connection(void **state) {
  static const server_step_t script[] = {EXPECT_HEAD(), SEND(TOO_BIG "\r\nbig"),
                                         HANG()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_int_equal(got->status, 413);
  assert_next_is_new(fx);
}

static void case_181_an_early_answer_and_nobody_reads(void **state) {
  static const server_step_t script[] = {EXPECT_HEAD(), DEAF(), SEND(OK_BODY),
                                         HANG()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_int_equal(got->status, 200);
  assert_next_is_new(fx);
}

static void case_178_even_before_the_head_is_read(void **state) {
  static const server_step_t script[] = {
      DEAF(), TURN(4), SEND("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
      HANG()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_int_equal(got->status, 503);
  assert_next_is_new(fx);
}

static void an_upload_reset_without_an_answer_fails(void **state) {
  static const server_step_t script[] = {EXPECT_HEAD(), RESET()};
  fixture_t *fx = *state;
  record_t *got = upload(fx, script, NULL);

  assert_true(got->error == UV_ECONNRESET || got->error == UV_EPIPE);
  assert_int_equal(got->attempts, 1);
  assert_int_equal(fx->server->accepted, 1);
}

static void a_body_is_not_touched_after_the_deadline(void **state) {
  static const server_step_t script[] = {DEAF(), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 20};
  record_t *got = upload(fx, script, &config);

  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->phase, POOL_SENDING);
  fixture_run_ms(fx, 5);
}

static void a_copied_body_may_go_at_once(void **state) {
  static const char text[] = "precious";
  fixture_t *fx = *state;
  char *body = strdup(text);
  pool_request_t request = {.method = "POST",
                            .path = "/x",
                            .body = body,
                            .body_len = sizeof text - 1,
                            .flags = POOL_COPY_BODY};
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_request(fx, &request); /* waits for a connection */
  memset(body, 'X', sizeof text - 1);
  free(body);
  fixture_run(fx);

  assert_int_equal(got->status, 200);
  assert_non_null(strstr(fx->server->records[0].bytes, "\r\n\r\nprecious"));
}

static void a_request_is_these_very_bytes(void **state) {
  static const pool_header_t headers[] = {{.name = "X-A", .value = "1"},
                                          {.name = "x-b", .value = ""}};
  fixture_t *fx = *state;
  pool_request_t request = {.method = "PUT",
                            .path = "/p?q=1",
                            .headers = headers,
                            .header_count = 2,
                            .body = "body",
                            .body_len = 4};
  char expected[200];

  fixture_pool(fx, NULL);
  fixture_request(fx, &request);
  fixture_run(fx);
  snprintf(expected, sizeof expected,
           "PUT /p?q=1 HTTP/1.1\r\nHost: %s\r\nX-A: 1\r\nx-b: \r\n"
           "Content-Length: 4\r\n\r\nbody",
           fx->server->address);

  assert_string_equal(fx->server->records[0].bytes, expected);
}

static void the_short_forms_are_these_requests(void **state) {
  static const char *const starts[] = {"GET /g ", "PUT /u ", "POST /o ",
                                       "DELETE /d "};
  fixture_t *fx = *state;
  record_t *records[4];
  int i;

  fixture_pool(fx, NULL);
  for (i = 0; i < 4; i++)
    records[i] = fixture_record(fx);
  records[0]->rc = pool_get(fx->pool, "/g", fixture_done, records[0]);
  fixture_run(fx);
  records[1]->rc = pool_put(fx->pool, "/u", "12", 2, fixture_done, records[1]);
  fixture_run(fx);
  records[2]->rc = pool_post(fx->pool, "/o", "", 0, fixture_done, records[2]);
  fixture_run(fx);
  records[3]->rc = pool_delete(fx->pool, "/d", fixture_done, records[3]);
  fixture_run(fx);

  for (i = 0; i < 4; i++) {
    assert_int_equal(records[i]->status, 200);
    assert_memory_equal(fx->server->records[i].bytes, starts[i],
                        strlen(starts[i]));
  }
  assert_null(strstr(fx->server->records[0].bytes, "Content-Length"));
  assert_non_null(
      strstr(fx->server->records[1].bytes, "Content-Length: 2\r\n\r\n12"));
  assert_non_null(
      strstr(fx->server->records[2].bytes, "Content-Length: 0\r\n\r\n"));
}

/* A caller whose header knew nothing behind the path, and one from the future
 * that sets something we do not know. */
static void a_request_struct_of_another_size(void **state) {
  struct {
    pool_request_t request;
    uint64_t later;
  } longer = {.request = {.path = "/long"}, .later = 0};
  fixture_t *fx = *state;
  record_t *first = fixture_record(fx), *second = fixture_record(fx);

  fixture_pool(fx, NULL);
  first->rc = pool_request_sized(fx->pool, &longer.request,
                                 offsetof(pool_request_t, headers),
                                 fixture_done, first, NULL);
  second->rc = pool_request_sized(fx->pool, &longer.request, sizeof longer,
                                  fixture_done, second, NULL);
  longer.later = 1;
  assert_int_equal(pool_request_sized(fx->pool, &longer.request, sizeof longer,
                                      fixture_done, NULL, NULL),
                   UV_EINVAL);
  fixture_run(fx);

  assert_string_equal(first->body, "/long");
  assert_string_equal(second->body, "/long");
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_large_body_arrives_whole),
      FIXTURE_TEST(case_178_an_early_answer_and_close),
      FIXTURE_TEST(case_179_an_early_answer_and_reset),
      FIXTURE_TEST(case_179_an_answer_in_pieces_and_reset),
      FIXTURE_TEST(case_180_an_early_answer_that_keeps_the_connection),
      FIXTURE_TEST(case_181_an_early_answer_and_nobody_reads),
      FIXTURE_TEST(case_178_even_before_the_head_is_read),
      FIXTURE_TEST(an_upload_reset_without_an_answer_fails),
      FIXTURE_TEST(a_body_is_not_touched_after_the_deadline),
      FIXTURE_TEST(a_copied_body_may_go_at_once),
      FIXTURE_TEST(a_request_is_these_very_bytes),
      FIXTURE_TEST(the_short_forms_are_these_requests),
      FIXTURE_TEST(a_request_struct_of_another_size),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
