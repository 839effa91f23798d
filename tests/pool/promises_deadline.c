/* Promise 6: an accepted request ends by its deadline, whatever the network
 * does. Each test leaves the request without any other limit. */
#include "fixture.h"

#define DEADLINE_MS 60u
#define LATE_MS     250u /* resolution, grace, and a slow machine */

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t deaf[] = {DEAF(), HANG()};
static const server_step_t dribbles[] = {EXPECT(), SEND("HTTP/1.1 200 OK\r\n"),
                                         FLOOD("A: b\r\n", 3)};
static const server_step_t endless_body[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\n"), FLOOD("0123456789", 1)};
static const server_step_t endless_chunks[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    FLOOD("1\r\nx\r\n", 1)};
static const server_step_t interims[] = {
    EXPECT(), FLOOD("HTTP/1.1 102 Processing\r\n\r\n", 8)};
static const server_step_t stalls[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), HANG()};
static const server_step_t half_closed_never_ends[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Le"), HANG()};

static pool_config_t only_deadline(void) {
  pool_config_t config = {.timeout_ms = DEADLINE_MS,
                          .connect_timeout_ms = POOL_OFF};

  return config;
}

static void assert_in_time(const record_t *got, pool_phase_t phase) {
  uint64_t took_ms = (got->ended_hr - got->started_hr) / 1000000;

  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->phase, phase);
  assert_int_equal(got->status, 0);
  assert_in_range(took_ms, DEADLINE_MS - 5, DEADLINE_MS + LATE_MS);
  assert_in_range(got->total_ms, DEADLINE_MS, DEADLINE_MS + LATE_MS);
}

static void ends_in_time(fixture_t *fx, const server_step_t *script,
                         pool_phase_t phase) {
  pool_config_t config = only_deadline();
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);

  assert_in_time(got, phase);
  assert_int_equal(got->attempts, 1);
  assert_string_equal(got->endpoint, fx->server->address);
  fixture_run(fx); /* the connection is closed: a flood ends */
  assert_int_equal(fixture_stats(fx).idle, 0);
}

static void promise_6_a_silent_server(void **state) {
  ends_in_time(*state, silent, POOL_AWAITING);
}

static void promise_6_a_server_that_never_reads(void **state) {
  ends_in_time(*state, deaf, POOL_AWAITING);
}

static void promise_6_a_head_that_dribbles(void **state) {
  ends_in_time(*state, dribbles, POOL_RECEIVING);
}

static void promise_6_an_endless_body(void **state) {
  ends_in_time(*state, endless_body, POOL_RECEIVING);
}

static void promise_6_endless_chunks(void **state) {
  ends_in_time(*state, endless_chunks, POOL_RECEIVING);
}

static void promise_6_endless_interim_answers(void **state) {
  ends_in_time(*state, interims, POOL_RECEIVING);
}

static void promise_6_a_body_that_stalls(void **state) {
  ends_in_time(*state, stalls, POOL_RECEIVING);
}

static void promise_6_a_head_that_stalls(void **state) {
  ends_in_time(*state, half_closed_never_ends, POOL_RECEIVING);
}

static void ends_in_time_at_a_hole(fixture_t *fx, int black,
                                   pool_phase_t phase) {
  pool_config_t config = only_deadline();
  record_t *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, black), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  hole_close(&hole);

  assert_in_time(got, phase);
  assert_int_equal(got->attempts, black ? 0 : 1);
}

static void promise_6_a_black_hole(void **state) {
  ends_in_time_at_a_hole(*state, 1, POOL_CONNECTING);
}

static void promise_6_a_server_that_never_accepts(void **state) {
  ends_in_time_at_a_hole(*state, 0, POOL_AWAITING);
}

static void promise_6_an_upload_that_nobody_reads(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = only_deadline();
  size_t size = 32u << 20;
  char *body = calloc(1, size);
  record_t *got;

  assert_non_null(body);
  server_default(fx->server, deaf);
  fixture_pool(fx, &config);
  got = fixture_send(fx, "PUT", "/x", body, size);
  fixture_run_record(fx, got);

  assert_in_time(got, POOL_SENDING);
  fixture_close_pool(fx);
  free(body);
}

static void promise_6_waiting_in_line_counts(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = only_deadline();
  pool_request_t patient = {.path = "/first", .timeout_ms = 1000};
  record_t *got;

  config.max_connections = 1;
  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  fixture_request(fx, &patient);
  fixture_run_ms(fx, 3);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);

  assert_in_time(got, POOL_WAITING);
  assert_int_equal(got->attempts, 0);
  assert_string_equal(got->endpoint, "");
  assert_int_equal(got->waited_ms, got->total_ms);
}

static void promise_6_connects_that_fail_again_and_again(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = only_deadline();
  record_t *got;
  hole_t hole;

  /* One endpoint refuses and one never answers: nobody ends it but time. */
  assert_int_equal(hole_open(&hole, 1), 0);
  server_refuse(fx->server);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  hole_close(&hole);

  assert_in_time(got, POOL_CONNECTING);
}

static void
promise_6_a_deadline_frees_the_connection_for_the_next(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  pool_request_t hasty = {.path = "/first", .timeout_ms = 30};
  record_t *first, *second;

  server_script(fx->server, silent);
  fixture_pool(fx, &config);
  first = fixture_request(fx, &hasty);
  second = fixture_get(fx, "/second");
  fixture_run(fx);

  assert_int_equal(first->error, UV_ETIMEDOUT);
  assert_string_equal(second->body, "/second");
  assert_int_equal(fx->server->accepted, 2);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(promise_6_a_silent_server),
      FIXTURE_TEST(promise_6_a_server_that_never_reads),
      FIXTURE_TEST(promise_6_a_head_that_dribbles),
      FIXTURE_TEST(promise_6_an_endless_body),
      FIXTURE_TEST(promise_6_endless_chunks),
      FIXTURE_TEST(promise_6_endless_interim_answers),
      FIXTURE_TEST(promise_6_a_body_that_stalls),
      FIXTURE_TEST(promise_6_a_head_that_stalls),
      FIXTURE_TEST(promise_6_a_black_hole),
      FIXTURE_TEST(promise_6_a_server_that_never_accepts),
      FIXTURE_TEST(promise_6_an_upload_that_nobody_reads),
      FIXTURE_TEST(promise_6_waiting_in_line_counts),
      FIXTURE_TEST(promise_6_connects_that_fail_again_and_again),
      FIXTURE_TEST(promise_6_a_deadline_frees_the_connection_for_the_next),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
