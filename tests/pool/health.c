/* Endpoints that fail are taken out, never too many of them, and come back. */
#include "fixture.h"

#define OUT_MS 5000u

static const server_step_t closes[] = {EXPECT(), CLOSE()};
static const server_step_t breaks[] = {
    EXPECT(), SEND("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"),
    REPEAT()};
static const server_step_t busy[] = {
    EXPECT(), SEND("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), REPEAT()};
static const server_step_t works[] = {EXPECT(), REPLY(), REPEAT()};
static const server_step_t hangs[] = {EXPECT(), HANG()};
static const server_step_t stale[] = {EXPECT(), REPLY(), EXPECT(), CLOSE()};

/* A pool of so many servers. */
static void begin(fixture_t *fx, uint32_t servers, uint32_t max_attempts) {
  pool_config_t config = {.max_attempts = max_attempts, .eject_after = 5};

  fixture_pool(fx, &config);
  while (fx->server_count < servers)
    assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address),
                     0);
}

static pool_health_t health_of(const fixture_t *fx, uint32_t i) {
  return fixture_endpoint_stats(fx, fx->servers[i]).health;
}

/* Requests until that endpoint is out; many at once, for one that failed a
 * moment ago gets nothing while others have nothing to do. */
static void until_out(fixture_t *fx, uint32_t i) {
  uint32_t rounds = 0;
  uint32_t n;

  while (health_of(fx, i) != POOL_OUT && rounds++ < 50) {
    for (n = 0; n < 4 * fx->server_count; n++)
      fixture_get(fx, "/x");
    fixture_run(fx);
  }
  fixture_run_ms(fx, 1); /* events are told */
  assert_int_equal(health_of(fx, i), POOL_OUT);
}

/* Until that one is out no more. */
static void until_back(fixture_t *fx, uint32_t i) {
  uint32_t rounds = 0;

  while (health_of(fx, i) == POOL_OUT && rounds++ < 1000)
    fixture_run_ms(fx, 100);
  assert_int_not_equal(health_of(fx, i), POOL_OUT);
}

static void go_on(fixture_t *fx, uint32_t requests) {
  while (requests-- > 0) {
    fixture_get(fx, "/x");
    fixture_run(fx);
  }
}

static const pool_event_t *last_change(const fixture_t *fx) {
  uint32_t n = fixture_events(fx, POOL_EVENT_HEALTH);

  assert_true(n > 0);
  return &fixture_event(fx, POOL_EVENT_HEALTH, n - 1)->all;
}

/* --- out, and back ---------------------------------------------------------
 */

static void five_failures_in_a_row_take_an_endpoint_out(void **state) {
  fixture_t *fx = *state;
  uint32_t seen;

  server_default(fx->server, closes);
  begin(fx, 3, 1);
  until_out(fx, 0);
  assert_int_equal(fixture_stats(fx).out, 1);
  assert_int_equal(fixture_stats(fx).ejections, 1);
  assert_int_equal(last_change(fx)->health, POOL_OUT);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_FAILS);
  assert_int_equal(last_change(fx)->error, POOL_EHANGUP);
  assert_int_equal(last_change(fx)->fails_in_row, 5);
  assert_true(last_change(fx)->recent_fails >= 5);
  assert_int_equal(last_change(fx)->out, 1);
  assert_int_equal(last_change(fx)->endpoints, 3);
  assert_in_range(last_change(fx)->delay_ms, OUT_MS / 2, OUT_MS);
  seen = fx->server->seen;
  go_on(fx, 100);
  assert_int_equal(fx->server->seen, seen); /* nothing goes there */
  assert_int_equal(fixture_stats(fx).failed, seen);
}

static void it_comes_back_by_one_request_and_a_slow_start(void **state) {
  fixture_t *fx = *state;
  uint32_t seen;

  server_default(fx->server, breaks);
  begin(fx, 3, 2);
  until_out(fx, 0);
  server_default(fx->server, works);
  seen = fx->server->seen;
  fixture_run_ms(fx, OUT_MS + 20);
  assert_int_equal(health_of(fx, 0), POOL_ON_TRIAL);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_TIME);
  go_on(fx, 1);
  assert_int_equal(fx->server->seen, seen + 1);
  assert_int_equal(health_of(fx, 0), POOL_SLOW_START);
  fixture_run_ms(fx, 1);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_TRIAL);
  fixture_run_ms(fx, 10050);
  assert_int_equal(health_of(fx, 0), POOL_HEALTHY);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_STARTED);
}

static void a_trial_that_fails_makes_it_wait_twice_as_long(void **state) {
  fixture_t *fx = *state;
  uint32_t times;
  uint32_t seen;

  server_default(fx->server, breaks);
  begin(fx, 3, 2);
  until_out(fx, 0);
  for (times = 2; times <= 8; times *= 2) {
    until_back(fx, 0);
    seen = fx->server->seen;
    go_on(fx, 1);
    fixture_run_ms(fx, 1);
    assert_int_equal(health_of(fx, 0), POOL_OUT);
    assert_int_equal(fx->server->seen, seen + 1);
    assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_TRIAL_FAILED);
    assert_in_range(last_change(fx)->delay_ms, times * OUT_MS / 2,
                    times * OUT_MS);
  }
}

static void a_refused_connect_counts(void **state) {
  fixture_t *fx = *state;
  uint32_t i;

  begin(fx, 2, 1);
  server_refuse(fx->server);
  for (i = 0; i < 400 && health_of(fx, 0) != POOL_OUT; i++) {
    fixture_get(fx, "/x");
    fixture_get(fx, "/x");
    fixture_run_ms(fx, 20);
  }
  assert_int_equal(health_of(fx, 0), POOL_OUT);
  assert_int_equal(fixture_stats(fx).failed, 0);
}

static void one_that_fails_more_than_the_others_goes_too(void **state) {
  static const server_step_t every_other[] = {
      EXPECT(), SEND("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"),
      EXPECT(), REPLY(), REPEAT()};
  pool_config_t config = {
      .max_attempts = 1, .eject_after = 5, .max_connections = 1};
  fixture_t *fx = *state;
  int i;

  server_default(fx->server, every_other);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  for (i = 0; i < 300 && health_of(fx, 0) != POOL_OUT; i++) {
    fixture_get(fx, "/x");
    fixture_get(fx, "/x");
    fixture_run(fx);
  }
  assert_int_equal(health_of(fx, 0), POOL_OUT);
  fixture_run_ms(fx, 1);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_RATE);
  assert_true(last_change(fx)->recent >= 20);
  assert_true(last_change(fx)->recent_fails * 5 > last_change(fx)->recent);
}

/* A trial is for requests that can be tried elsewhere if it fails; but where
 * there are none it does not wait for ever. */
static void a_trial_hurts_nobody_at_first(void **state) {
  fixture_t *fx = *state;
  uint32_t seen;

  server_default(fx->server, breaks);
  begin(fx, 3, 1);
  until_out(fx, 0);
  until_back(fx, 0);
  seen = fx->server->seen;
  go_on(fx, 50);
  assert_int_equal(fx->server->seen, seen);
  fixture_run_ms(fx, 10000);
  go_on(fx, 1);
  assert_int_equal(fx->server->seen, seen + 1);
}

/* The first server takes a request and keeps it for six seconds, while the
 * others fail and it is taken out and on trial again. */
static record_t *keep_one(fixture_t *fx) {
  pool_config_t config = {.max_attempts = 2, .eject_after = 5};
  pool_request_t request = {.path = "/kept", .timeout_ms = 6000};
  record_t *kept;

  server_default(fx->server, breaks);
  server_script(fx->server, hangs);
  fixture_pool(fx, &config);
  kept = fixture_request(fx, &request);
  fixture_run_ms(fx, 5);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  while (health_of(fx, 0) != POOL_OUT) {
    record_t *last = NULL;
    int n;

    for (n = 0; n < 8; n++)
      last = fixture_get(fx, "/x");
    fixture_run_record(fx, last);
  }
  server_default(fx->server, works);
  until_back(fx, 0);
  assert_int_equal(health_of(fx, 0), POOL_ON_TRIAL);
  assert_int_equal(kept->calls, 0);
  return kept;
}

static void what_began_before_does_not_decide_a_trial(void **state) {
  fixture_t *fx = *state;
  record_t *kept = keep_one(fx);

  fixture_run_record(fx, kept);
  assert_int_equal(kept->error, UV_ETIMEDOUT);
  assert_int_equal(health_of(fx, 0), POOL_ON_TRIAL);
}

/* What ends of the old ones makes no room for a second trial. */
static void a_trial_is_one_whatever_else_ends(void **state) {
  fixture_t *fx = *state;
  record_t *kept = keep_one(fx);
  uint32_t seen = fx->server->seen;
  record_t *trial, *other;

  server_default(fx->server, hangs);
  server_close_all(fx->servers[1], 0);
  trial = fixture_get(fx, "/trial");
  fixture_run_record(fx, kept);
  assert_int_equal(fx->server->seen, seen + 1);
  other = fixture_get(fx, "/x");
  fixture_run_record(fx, other);
  assert_int_equal(other->error, 0);
  assert_int_equal(fx->server->seen, seen + 1);
  assert_int_equal(health_of(fx, 0), POOL_ON_TRIAL);
  assert_int_equal(pool_cancel(fx->pool, trial->call), 0);
  fixture_run(fx);
}

static void nor_does_it_stand_in_its_way(void **state) {
  fixture_t *fx = *state;
  record_t *kept = keep_one(fx);
  uint32_t seen = fx->server->seen;
  record_t *got = fixture_get(fx, "/x");

  fixture_run_record(fx, got);
  assert_int_equal(kept->calls, 0);
  assert_int_equal(fx->server->seen, seen + 1);
  assert_int_equal(health_of(fx, 0), POOL_SLOW_START);
}

/* --- limits ----------------------------------------------------------------
 */

static void the_only_one_stays(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, closes);
  begin(fx, 1, 1);
  go_on(fx, 50);
  assert_int_equal(fx->server->seen, 50);
  assert_int_equal(fixture_stats(fx).ejections, 0);
}

static void at_most_half_are_out(void **state) {
  fixture_t *fx = *state;
  uint32_t i;

  for (i = 1; i < 5; i++)
    fixture_server(fx);
  for (i = 0; i < 5; i++)
    server_default(fx->servers[i], breaks);
  begin(fx, 1, 1);
  for (i = 1; i < 5; i++)
    assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[i]->address), 0);
  for (i = 0; i < 200; i++) {
    go_on(fx, 1);
    assert_in_range(fixture_stats(fx).out, 0, 2);
  }
  assert_int_equal(fixture_stats(fx).out, 2);
}

static void removing_the_well_ones_brings_the_others_back(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, breaks);
  begin(fx, 2, 1);
  until_out(fx, 0);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->servers[1]->address), 0);
  assert_int_equal(health_of(fx, 0), POOL_HEALTHY);
  fixture_run_ms(fx, 1);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_PANIC);
  server_default(fx->server, works);
  assert_int_equal(fixture_get(fx, "/x")->rc, 0);
  fixture_run(fx);
}

static void never_is_a_choice(void **state) {
  pool_config_t config = {.eject_after = POOL_OFF};
  fixture_t *fx = *state;

  server_default(fx->server, closes);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  go_on(fx, 100);
  assert_int_equal(fixture_stats(fx).ejections, 0);
}

/* --- what does not count ---------------------------------------------------
 */

static void an_overloaded_server_is_not_taken_out(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, busy);
  begin(fx, 2, 1);
  go_on(fx, 200);
  assert_true(fx->server->seen > 0);
  assert_int_equal(fixture_stats(fx).ejections, 0);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).fails_in_row, 0);
}

static void stale_connections_do_not_count(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, stale);
  server_default(fixture_server(fx), stale);
  begin(fx, 2, 1);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[1]->address), 0);
  go_on(fx, 100);
  assert_int_equal(fixture_stats(fx).failed, 50);
  assert_int_equal(fixture_stats(fx).ejections, 0);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).recent_fails, 0);
}

static void our_own_cancellations_do_not_count(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  int i;

  server_default(fx->server, hangs);
  server_default(fixture_server(fx), hangs);
  begin(fx, 2, 1);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[1]->address), 0);
  for (i = 0; i < 50; i++) {
    got = fixture_get(fx, "/x");
    fixture_run_ms(fx, 5);
    assert_int_equal(pool_cancel(fx->pool, got->call), 0);
    fixture_run(fx);
  }
  assert_int_equal(fixture_stats(fx).cancelled, 50);
  assert_int_equal(fixture_stats(fx).ejections, 0);
}

/* Blocks the loop for so long when its timer fires. */
typedef struct {
  fixture_t *fx;
  uv_timer_t timer;
  uint32_t ms;
} blocker_t;

static void on_block(uv_timer_t *timer) {
  const blocker_t *blocker = timer->data;

  fixture_block(blocker->ms);
  uv_update_time(&blocker->fx->loop);
}

/* Two servers that answer nothing, and a blocker. */
static void begin_blocked(blocker_t *blocker, fixture_t *fx,
                          const pool_config_t *config, uint32_t ms) {
  server_default(fx->server, hangs);
  fixture_pool(fx, config);
  server_default(fixture_server(fx), hangs);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[1]->address), 0);
  blocker->fx = fx;
  blocker->ms = ms;
  uv_timer_init(&fx->loop, &blocker->timer);
  uv_unref((uv_handle_t *)&blocker->timer);
  blocker->timer.data = blocker;
}

static void end_blocked(blocker_t *blocker) {
  uv_close((uv_handle_t *)&blocker->timer, NULL);
  fixture_turns(blocker->fx, 2);
}

static void what_fails_while_our_loop_is_blocked_does_not_count(void **state) {
  pool_config_t config = {
      .max_attempts = 1, .eject_after = 5, .attempt_timeout_ms = 50};
  fixture_t *fx = *state;
  blocker_t blocker;
  int i;

  begin_blocked(&blocker, fx, &config, 300);
  for (i = 0; i < 30; i++) {
    fixture_get(fx, "/x");
    uv_timer_start(&blocker.timer, on_block, 5, 0);
    fixture_run(fx);
  }
  assert_int_equal(fixture_stats(fx).failed, 30);
  assert_int_equal(fixture_stats(fx).ejections, 0);
  end_blocked(&blocker);
}

static void but_a_moment_is_no_excuse_for_a_long_silence(void **state) {
  pool_config_t config = {
      .max_attempts = 1, .eject_after = 5, .attempt_timeout_ms = 400};
  fixture_t *fx = *state;
  blocker_t blocker;

  begin_blocked(&blocker, fx, &config, 40);
  while (fixture_stats(fx).failed < 60 && fixture_stats(fx).ejections == 0) {
    pool_request_t soon = {.path = "/x", .timeout_ms = 10};

    fixture_get(fx, "/x");
    fixture_request(fx, &soon); /* shows that there was a block */
    uv_timer_start(&blocker.timer, on_block, 5, 0);
    fixture_run(fx);
  }
  assert_int_equal(fixture_stats(fx).ejections, 1);
  end_blocked(&blocker);
}

/* Nobody had the time to see that it was there. */
static void nor_does_a_connect_that_our_loop_was_late_for(void **state) {
  pool_config_t config = {.max_attempts = 1, .connect_timeout_ms = 50};
  fixture_t *fx = *state;
  pool_endpoint_stats_t stats;
  hole_t hole;
  uint32_t i;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  for (i = 0; i < 2; i++) {
    fixture_get(fx, "/x");
    if (i == 0)
      fixture_block(300);
    fixture_run(fx);
    assert_int_equal(pool_endpoint_stats(fx->pool, hole.address, &stats), 0);
    assert_int_equal(stats.connect_fails, i + 1);
    assert_int_equal(stats.recent_fails, i);
    assert_int_equal(stats.fails_in_row, i);
  }
  hole_close(&hole);
}

static void a_stuck_endpoint_is_found_by_the_deadline_too(void **state) {
  pool_config_t config = {
      .max_attempts = 1, .eject_after = 5, .timeout_ms = 100};
  fixture_t *fx = *state;

  server_default(fx->server, hangs);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  until_out(fx, 0);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(five_failures_in_a_row_take_an_endpoint_out),
      FIXTURE_TEST(it_comes_back_by_one_request_and_a_slow_start),
      FIXTURE_TEST(a_trial_that_fails_makes_it_wait_twice_as_long),
      FIXTURE_TEST(a_trial_hurts_nobody_at_first),
      FIXTURE_TEST(what_began_before_does_not_decide_a_trial),
      FIXTURE_TEST(nor_does_it_stand_in_its_way),
      FIXTURE_TEST(a_trial_is_one_whatever_else_ends),
      FIXTURE_TEST(a_refused_connect_counts),
      FIXTURE_TEST(one_that_fails_more_than_the_others_goes_too),
      FIXTURE_TEST(the_only_one_stays),
      FIXTURE_TEST(at_most_half_are_out),
      FIXTURE_TEST(removing_the_well_ones_brings_the_others_back),
      FIXTURE_TEST(never_is_a_choice),
      FIXTURE_TEST(an_overloaded_server_is_not_taken_out),
      FIXTURE_TEST(stale_connections_do_not_count),
      FIXTURE_TEST(our_own_cancellations_do_not_count),
      FIXTURE_TEST(what_fails_while_our_loop_is_blocked_does_not_count),
      FIXTURE_TEST(but_a_moment_is_no_excuse_for_a_long_silence),
      FIXTURE_TEST(nor_does_a_connect_that_our_loop_was_late_for),
      FIXTURE_TEST(a_stuck_endpoint_is_found_by_the_deadline_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
