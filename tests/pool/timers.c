/* Each time limit: it fires, it fires in time, it fires for nothing else, and
 * POOL_OFF turns it off. And a loop that was blocked makes no false alarm. */
#include "fixture.h"

#define SLACK_MS 250u /* resolution, grace, and a slow machine */

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t slow[] = {EXPECT(), DELAY(80), REPLY(), REPEAT()};
static const server_step_t very_slow[] = {EXPECT(), DELAY(500), REPLY(),
                                          REPEAT()};
static const server_step_t deaf[] = {DEAF(), HANG()};

static uint64_t took_ms(const record_t *record) {
  return (record->ended_hr - record->started_hr) / 1000000;
}

static record_t *get_with(fixture_t *fx, const pool_config_t *config,
                          const server_step_t *script) {
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, config);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  return got;
}

static void assert_timed_out(const record_t *got, uint32_t ms) {
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_in_range(took_ms(got), ms - 5, ms + SLACK_MS);
}

/* --- connect_timeout_ms --------------------------------------------------- */

static void connect_timeout_ends_a_connect(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.connect_timeout_ms = 40};
  record_t *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  hole_close(&hole);

  assert_timed_out(got, 40);
  assert_int_equal(got->phase, POOL_CONNECTING);
  assert_string_equal(got->endpoint, hole.address);
  assert_int_equal(fixture_stats(fx).connect_fails, 1);
}

static void connect_timeout_concerns_only_the_connect(void **state) {
  pool_config_t config = {.connect_timeout_ms = 20};
  record_t *got = get_with(*state, &config, slow);

  assert_int_equal(got->error, 0);
}

static void connect_timeout_off_leaves_the_deadline(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.connect_timeout_ms = POOL_OFF, .timeout_ms = 70};
  record_t *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  hole_close(&hole);

  assert_timed_out(got, 70);
  assert_int_equal(fixture_stats(fx).connect_fails, 0);
}

/* --- timeout_ms ---------------------------------------------------------- */

static void a_request_may_have_a_timeout_of_its_own(void **state) {
  fixture_t *fx = *state;
  pool_request_t hasty = {.path = "/x", .timeout_ms = 30};
  pool_request_t endless = {.path = "/x", .timeout_ms = POOL_OFF};
  pool_config_t config = {.timeout_ms = 60};
  record_t *first, *second, *third;

  server_default(fx->server, very_slow);
  fixture_pool(fx, &config);
  first = fixture_request(fx, &hasty);
  second = fixture_get(fx, "/x");
  third = fixture_request(fx, &endless);
  fixture_run(fx);

  assert_int_equal(first->order, 1);
  assert_timed_out(first, 30);
  assert_timed_out(second, 60);
  assert_int_equal(third->error, 0);
}

static void timeout_off_waits(void **state) {
  pool_config_t config = {.timeout_ms = POOL_OFF};
  record_t *got = get_with(*state, &config, slow);

  assert_int_equal(got->error, 0);
}

/* --- head_timeout_ms ------------------------------------------------------ */

static void head_timeout_ends_a_silent_answer(void **state) {
  pool_config_t config = {.head_timeout_ms = 40};
  record_t *got = get_with(*state, &config, silent);

  assert_timed_out(got, 40);
  assert_int_equal(got->phase, POOL_AWAITING);
}

static void head_timeout_is_not_put_off_by_interim_answers(void **state) {
  static const server_step_t script[] = {
      EXPECT(), FLOOD("HTTP/1.1 102 Processing\r\n\r\n", 10)};
  pool_config_t config = {.head_timeout_ms = 50};
  record_t *got = get_with(*state, &config, script);

  assert_timed_out(got, 50);
}

static void head_timeout_is_not_put_off_by_a_dribble(void **state) {
  static const server_step_t script[] = {EXPECT(), SEND("HTTP/1.1 200 OK\r\n"),
                                         FLOOD("A: b\r\n", 5)};
  pool_config_t config = {.head_timeout_ms = 50};
  record_t *got = get_with(*state, &config, script);

  assert_timed_out(got, 50);
}

static void head_timeout_does_not_concern_the_body(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"), DELAY(90),
      SEND("body"), HANG()};
  pool_config_t config = {.head_timeout_ms = 40};
  record_t *got = get_with(*state, &config, script);

  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "body");
}

/* It counts from the end of the request, not from its start. In that time the
 * server reads the megabytes that its kernel has. */
static void head_timeout_does_not_concern_the_upload(void **state) {
  static const server_step_t script[] = {DEAF(),   DELAY(500), HEAR(),
                                         EXPECT(), REPLY(),    HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.head_timeout_ms = 400};
  size_t size = 16u << 20;
  char *body = calloc(1, size);
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  got = fixture_send(fx, "PUT", "/x", body, size);
  fixture_run_record(fx, got);
  free(body);

  assert_int_equal(got->error, 0);
}

/* Nor is it forgotten behind one that took several writes. */
static void head_timeout_follows_a_long_upload(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.head_timeout_ms = 50};
  size_t size = 16u << 20;
  char *body = calloc(1, size);
  record_t *got;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  got = fixture_send(fx, "PUT", "/x", body, size);
  fixture_run_record(fx, got);
  free(body);

  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->phase, POOL_AWAITING);
  assert_true(got->total_ms < 2000); /* not by some later timer */
}

/* --- stall_timeout_ms ----------------------------------------------------- */

static void stall_timeout_ends_a_silent_answer(void **state) {
  pool_config_t config = {.stall_timeout_ms = 40};
  record_t *got = get_with(*state, &config, silent);

  assert_timed_out(got, 40);
}

static void stall_timeout_ends_a_body_that_stops(void **state) {
  static const server_step_t script[] = {
      EXPECT(), DELAY(30),
      SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), HANG()};
  pool_config_t config = {.stall_timeout_ms = 50};
  record_t *got = get_with(*state, &config, script);

  assert_timed_out(got, 80);
  assert_int_equal(got->phase, POOL_RECEIVING);
}

static void stall_timeout_lets_slow_bodies_live(void **state) {
  static const server_step_t script[] = {
      EXPECT(),  SEND("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na"),
      DELAY(25), SEND("b"),
      DELAY(25), SEND("c"),
      DELAY(25), SEND("d"),
      DELAY(25), SEND("e"),
      DELAY(25), SEND("f"),
      HANG()};
  pool_config_t config = {.stall_timeout_ms = 60};
  record_t *got = get_with(*state, &config, script);

  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "abcdef");
}

static void stall_timeout_ends_an_upload_that_stops(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.stall_timeout_ms = 40};
  size_t size = 16u << 20;
  char *body = calloc(1, size);
  record_t *got;

  server_default(fx->server, deaf);
  fixture_pool(fx, &config);
  got = fixture_send(fx, "PUT", "/x", body, size);
  fixture_run_record(fx, got);
  free(body);

  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->phase, POOL_SENDING);
  /* Bytes moved after the start, so it may be noticed a round later. */
  assert_in_range(took_ms(got), 38, 80 + SLACK_MS);
}

/* The server takes a little now and then: bytes move, if slowly. */
static void stall_timeout_lets_slow_uploads_live(void **state) {
  static const server_step_t script[] = {
      DEAF(),   DELAY(120), HEAR(),     DELAY(1), DEAF(),   DELAY(120), HEAR(),
      DELAY(1), DEAF(),     DELAY(120), HEAR(),   EXPECT(), REPLY(),    HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.stall_timeout_ms = 280};
  size_t size = 16u << 20;
  char *body = calloc(1, size);
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  got = fixture_send(fx, "PUT", "/x", body, size);
  fixture_run_record(fx, got);
  free(body);

  assert_int_equal(got->error, 0);
}

static void head_and_stall_timeouts_are_off_by_default(void **state) {
  record_t *got = get_with(*state, NULL, slow);

  assert_int_equal(got->error, 0);
}

/* --- idle_timeout_ms ------------------------------------------------------ */

static void idle_timeout_off_keeps_connections(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.idle_timeout_ms = POOL_OFF};

  fixture_pool(fx, &config);
  fixture_get(fx, "/x");
  fixture_run(fx);
  fixture_run_ms(fx, 50);
  assert_int_equal(fixture_stats(fx).idle, 1);
}

static void idle_timeout_does_not_concern_busy_connections(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.idle_timeout_ms = 40};
  record_t *got;

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  fixture_get(fx, "/x");
  fixture_run(fx);
  got = fixture_get(fx, "/y");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->reused, 1);
}

/* --- resolution_ms -------------------------------------------------------- */

static void a_coarse_resolution_fires_late_never_early(void **state) {
  pool_config_t config = {.resolution_ms = 100, .timeout_ms = 30};
  record_t *got = get_with(*state, &config, silent);

  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_in_range(took_ms(got), 28, 130 + SLACK_MS);
}

static void a_fine_resolution_fires_at_once(void **state) {
  pool_config_t config = {.resolution_ms = 1, .timeout_ms = 30};
  record_t *got = get_with(*state, &config, silent);

  assert_in_range(took_ms(got), 29, 30 + SLACK_MS);
}

/* --- a blocked loop --------------------------------------------------------
 */

/* Runs in the poll of the loop: the timers come next, and the answers that
 * arrived meanwhile only after them. */
static void then_answer_and_block(record_t *record) {
  server_send_all(record->fx->server, OK_BODY, sizeof OK_BODY - 1);
  fixture_block(*(uint32_t *)record->then_data);
}

static void answer_during_a_block(fixture_t *fx, const pool_config_t *config,
                                  uint32_t block_ms) {
  static const server_step_t close[] = {
      EXPECT(), DELAY(10), SEND("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
      CLOSE()};
  record_t *blocks, *got;

  server_script(fx->server, close);
  server_default(fx->server, silent);
  fixture_pool(fx, config);
  blocks = fixture_get(fx, "/1");
  blocks->then = then_answer_and_block;
  blocks->then_data = &block_ms;
  got = fixture_get(fx, "/2");
  fixture_run(fx);

  assert_int_equal(blocks->error, 0);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "hello");
}

static void an_answer_that_is_there_wins_over_a_late_deadline(void **state) {
  pool_config_t config = {.timeout_ms = 40};

  answer_during_a_block(*state, &config, 150);
}

static void
an_answer_that_is_there_wins_over_a_deadline_just_past(void **state) {
  pool_config_t config = {.timeout_ms = 40};

  answer_during_a_block(*state, &config, 45);
}

static void an_answer_that_is_there_wins_over_a_late_head_limit(void **state) {
  pool_config_t config = {.head_timeout_ms = 40};

  answer_during_a_block(*state, &config, 150);
}

static void an_answer_that_is_there_wins_over_a_late_stall_limit(void **state) {
  pool_config_t config = {.stall_timeout_ms = 40};

  answer_during_a_block(*state, &config, 150);
}

static void then_block_60_ms(record_t *record) {
  (void)record;
  fixture_block(60);
}

static void a_callback_that_blocks_makes_no_other_request_late(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 40};
  record_t *first, *second;

  fixture_pool(fx, &config);
  first = fixture_get(fx, "/1");
  second = fixture_get(fx, "/2");
  first->then = second->then = then_block_60_ms;
  fixture_run(fx);

  assert_int_equal(first->error, 0);
  assert_int_equal(second->error, 0);
}

static void a_connect_that_is_done_wins_over_its_late_limit(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.connect_timeout_ms = 30};
  record_t *got;

  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_block(100);
  fixture_run(fx);

  assert_int_equal(got->error, 0);
}

static void a_block_does_not_put_a_deadline_off_for_long(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 40};
  record_t *got;

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_block(150);
  fixture_run(fx);

  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_in_range(took_ms(got), 148, 150 + SLACK_MS);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(connect_timeout_ends_a_connect),
      FIXTURE_TEST(connect_timeout_concerns_only_the_connect),
      FIXTURE_TEST(connect_timeout_off_leaves_the_deadline),
      FIXTURE_TEST(a_request_may_have_a_timeout_of_its_own),
      FIXTURE_TEST(timeout_off_waits),
      FIXTURE_TEST(head_timeout_ends_a_silent_answer),
      FIXTURE_TEST(head_timeout_is_not_put_off_by_interim_answers),
      FIXTURE_TEST(head_timeout_is_not_put_off_by_a_dribble),
      FIXTURE_TEST(head_timeout_does_not_concern_the_body),
      FIXTURE_TEST(head_timeout_does_not_concern_the_upload),
      FIXTURE_TEST(head_timeout_follows_a_long_upload),
      FIXTURE_TEST(stall_timeout_ends_a_silent_answer),
      FIXTURE_TEST(stall_timeout_ends_a_body_that_stops),
      FIXTURE_TEST(stall_timeout_lets_slow_bodies_live),
      FIXTURE_TEST(stall_timeout_ends_an_upload_that_stops),
      FIXTURE_TEST(stall_timeout_lets_slow_uploads_live),
      FIXTURE_TEST(head_and_stall_timeouts_are_off_by_default),
      FIXTURE_TEST(idle_timeout_off_keeps_connections),
      FIXTURE_TEST(idle_timeout_does_not_concern_busy_connections),
      FIXTURE_TEST(a_coarse_resolution_fires_late_never_early),
      FIXTURE_TEST(a_fine_resolution_fires_at_once),
      FIXTURE_TEST(an_answer_that_is_there_wins_over_a_late_deadline),
      FIXTURE_TEST(an_answer_that_is_there_wins_over_a_deadline_just_past),
      FIXTURE_TEST(an_answer_that_is_there_wins_over_a_late_head_limit),
      FIXTURE_TEST(an_answer_that_is_there_wins_over_a_late_stall_limit),
      FIXTURE_TEST(a_callback_that_blocks_makes_no_other_request_late),
      FIXTURE_TEST(a_connect_that_is_done_wins_over_its_late_limit),
      FIXTURE_TEST(a_block_does_not_put_a_deadline_off_for_long),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
