/* With ping_path a pool asks endpoints that are out, and knows when all are
 * down. */
#include "fixture.h"

static const server_step_t breaks[] = {
    EXPECT(), SEND("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"),
    REPEAT()};
static const server_step_t works[] = {EXPECT(), REPLY(), REPEAT()};
static const server_step_t hangs[] = {EXPECT(), HANG()};

static void begin(fixture_t *fx, uint32_t servers) {
  char path[] = "/ping?a=b";
  pool_config_t config = {.max_attempts = 2,
                          .eject_after = 5,
                          .ping_path = path,
                          .ping_timeout_ms = 200};

  fixture_pool(fx, &config);
  memset(path, 'x', sizeof path); /* it is the caller's */
  while (fx->server_count < servers)
    assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address),
                     0);
}

static pool_endpoint_stats_t stats_of(const fixture_t *fx, uint32_t i) {
  return fixture_endpoint_stats(fx, fx->servers[i]);
}

static void burst(fixture_t *fx) {
  uint32_t n;

  for (n = 0; n < 4 * fx->server_count; n++)
    fixture_get(fx, "/x");
  fixture_run(fx);
}

static void until_out(fixture_t *fx, uint32_t i) {
  uint32_t rounds = 0;

  while (stats_of(fx, i).health != POOL_OUT && rounds++ < 50) {
    burst(fx);
    fixture_run_ms(fx, 100);
  }
  assert_int_equal(stats_of(fx, i).health, POOL_OUT);
}

/* Until all are. */
static void all_out(fixture_t *fx) {
  uint32_t i;

  for (i = 0; i < 500 && fixture_stats(fx).out < fx->server_count; i++) {
    burst(fx);
    fixture_run_ms(fx, 100);
  }
  assert_int_equal(fixture_stats(fx).out, fx->server_count);
}

/* Until that one is out no more. */
static void until_back(fixture_t *fx, uint32_t i) {
  uint32_t rounds = 0;

  while (stats_of(fx, i).health == POOL_OUT && rounds++ < 1000)
    fixture_run_ms(fx, 50);
  assert_int_not_equal(stats_of(fx, i).health, POOL_OUT);
}

static const char *last_request(const server_t *server) {
  return server->records[server->seen - 1].bytes;
}

static const pool_event_t *last_change(const fixture_t *fx) {
  uint32_t n = fixture_events(fx, POOL_EVENT_HEALTH);

  assert_true(n > 0);
  return &fixture_event(fx, POOL_EVENT_HEALTH, n - 1)->all;
}

static void wait_for_pings(fixture_t *fx, uint32_t i, uint64_t pings) {
  uint32_t rounds = 0;

  while (stats_of(fx, i).pings < pings && rounds++ < 1000)
    fixture_run_ms(fx, 50);
  fixture_run_ms(fx, 250);
  assert_int_equal(stats_of(fx, i).pings, pings);
}

static void one_that_is_out_is_asked_and_comes_back(void **state) {
  fixture_t *fx = *state;
  pool_endpoint_stats_t stats;
  uint32_t seen, accepted;
  uint64_t attempts;
  char want[128];

  server_default(fx->server, breaks);
  begin(fx, 3);
  until_out(fx, 0);
  server_close_all(fx->server, 0);
  fixture_run_ms(fx, 5);
  server_default(fx->server, works);
  seen = fx->server->seen;
  accepted = fx->server->accepted;
  attempts = stats_of(fx, 0).attempts;
  wait_for_pings(fx, 0, 1);
  snprintf(want, sizeof want, "GET /ping?a=b HTTP/1.1\r\nHost: %s\r\n\r\n",
           fx->server->address);
  assert_int_equal(fx->server->seen, seen + 1);
  assert_int_equal(fx->server->accepted, accepted + 1);
  assert_string_equal(last_request(fx->server), want);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_PING);
  stats = stats_of(fx, 0);
  assert_int_equal(stats.health, POOL_ON_TRIAL);
  assert_int_equal(stats.attempts, attempts); /* it is no request */
  assert_int_equal(stats.idle, 1);            /* its connection is kept */
  assert_int_equal(fixture_stats(fx).pings, 1);
  fixture_get(fx, "/y");
  fixture_run(fx);
  assert_int_equal(stats_of(fx, 0).health, POOL_SLOW_START);
  assert_int_equal(fx->server->accepted, accepted + 1);
}

static void asking_becomes_rarer(void **state) {
  fixture_t *fx = *state;
  uint64_t at[8];
  uint32_t i;

  server_default(fx->server, breaks);
  begin(fx, 3);
  until_out(fx, 0);
  for (i = 0; i < 8; i++) {
    wait_for_pings(fx, 0, i + 1);
    at[i] = uv_now(&fx->loop);
  }
  assert_int_equal(stats_of(fx, 0).health, POOL_OUT);
  assert_in_range(at[1] - at[0], 1000, 2350);
  assert_in_range(at[2] - at[1], 2000, 4350);
  assert_in_range(at[3] - at[2], 4000, 8350);
  for (i = 4; i < 8; i++)
    assert_in_range(at[i] - at[i - 1], 7400, 15350);
}

static void a_ping_that_is_not_answered_in_time_has_failed(void **state) {
  fixture_t *fx = *state;

  server_default(fx->server, breaks);
  begin(fx, 3);
  until_out(fx, 0);
  server_default(fx->server, hangs);
  server_close_all(fx->server, 0);
  wait_for_pings(fx, 0, 1);
  assert_int_equal(stats_of(fx, 0).health, POOL_OUT);
  assert_int_equal(stats_of(fx, 0).last_error, UV_ETIMEDOUT);
  assert_int_equal(stats_of(fx, 0).busy, 0);
}

static void when_all_are_down_nothing_is_taken(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  uint32_t seen;

  server_default(fx->server, breaks);
  server_default(fixture_server(fx), breaks);
  begin(fx, 2);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[1]->address), 0);
  all_out(fx);
  seen = fx->servers[0]->seen + fx->servers[1]->seen;
  got = fixture_get(fx, "/x");
  assert_int_equal(got->rc, POOL_EUNHEALTHY);
  assert_int_equal(fixture_stats(fx).pending, 0);
  assert_int_equal(fx->servers[0]->seen + fx->servers[1]->seen, seen);
  server_default(fx->server, works);
  server_close_all(fx->server, 0);
  until_back(fx, 0);
  got = fixture_get(fx, "/x");
  assert_int_equal(got->rc, 0);
  fixture_run(fx);
  assert_int_equal(got->status, 200);
  assert_int_equal(stats_of(fx, 0).health, POOL_SLOW_START);
}

static void the_only_one_can_be_down_too(void **state) {
  fixture_t *fx = *state;
  record_t *waits = NULL;
  uint32_t i;

  begin(fx, 1);
  server_refuse(fx->server);
  for (i = 0; i < 500 && fixture_stats(fx).out == 0; i++) {
    waits = fixture_get(fx, "/x");
    fixture_run_ms(fx, 20);
  }
  assert_int_equal(fixture_stats(fx).out, 1);
  assert_int_equal(last_change(fx)->reason, POOL_BECAUSE_PING_FAILED);
  fixture_run_ms(fx, 1);
  assert_non_null(waits);
  assert_int_equal(waits->calls, 1); /* nobody waits for what may never come */
  assert_int_equal(fixture_get(fx, "/x")->rc, POOL_EUNHEALTHY);
  server_listen(fx->server);
  until_back(fx, 0);
  waits = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(waits->status, 200);
}

/* Its only connection is at work, and is given up for the ping. */
static void who_waits_is_told_when_the_last_one_goes_down(void **state) {
  pool_config_t config = {.max_attempts = 1,
                          .eject_after = 2,
                          .max_connections = 1,
                          .ping_path = "/p"};
  static const server_step_t slow[] = {
      EXPECT(), DELAY(100),
      SEND("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"), REPEAT()};
  fixture_t *fx = *state;
  record_t *got[20];
  int i, unhealthy = 0;

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  for (i = 0; i < 20; i++)
    got[i] = fixture_get(fx, "/x");
  fixture_run(fx);
  for (i = 0; i < 20; i++) {
    assert_int_equal(got[i]->calls, 1);
    unhealthy += got[i]->error == POOL_EUNHEALTHY;
  }
  assert_in_range(unhealthy, 10, 18);
  assert_int_equal(got[19]->error, POOL_EUNHEALTHY);
  assert_int_equal(got[19]->attempts, 0);
}

/* A ping that is answered badly leaves no connection behind, or soon there
 * would be no room for the next one. */
static void pings_that_fail_leave_room_for_others(void **state) {
  pool_config_t config = {.max_attempts = 2,
                          .eject_after = 5,
                          .max_connections = 2,
                          .idle_timeout_ms = POOL_OFF,
                          .ping_path = "/p"};
  fixture_t *fx = *state;
  uint64_t pings;

  server_default(fx->server, breaks);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, fixture_server(fx)->address), 0);
  until_out(fx, 0);
  for (pings = 1; pings <= 6; pings++) {
    wait_for_pings(fx, 0, pings);
    assert_int_equal(stats_of(fx, 0).idle, 0);
  }
  server_default(fx->server, works);
  until_back(fx, 0);
}

/* When the last one that serves is removed, nothing but a ping can end that. */
static void the_rest_is_asked_soon_when_the_last_one_is_removed(void **state) {
  fixture_t *fx = *state;
  uint64_t pings;

  server_default(fx->server, breaks);
  begin(fx, 2);
  until_out(fx, 0);
  for (pings = 1; pings <= 6; pings++)
    wait_for_pings(fx, 0, pings); /* 7.5 s lie between them by now */
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->servers[1]->address), 0);
  fixture_run_ms(fx, 2050);
  assert_int_equal(stats_of(fx, 0).pings, pings);
  assert_int_equal(fixture_get(fx, "/x")->rc, POOL_EUNHEALTHY);
}

/* Nobody had the time to see that the connection was there. */
static void a_ping_that_our_loop_was_late_for_tells_nothing(void **state) {
  pool_config_t config = {.max_attempts = 1,
                          .eject_after = 2,
                          .connect_timeout_ms = 50,
                          .ping_path = "/p"};
  fixture_t *fx = *state;
  hole_t hole;
  uint32_t n;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  for (n = 2; n <= 3; n++) { /* from the second on it is asked each time */
    while (fixture_stats(fx).connect_fails < n + (n == 3)) {
      assert_int_equal(fixture_stats(fx).out, 0);
      record_t *got = fixture_get(fx, "/x");

      assert_int_equal(got->rc, 0);
      fixture_run_record(fx, got);
    }
    if (n == 2)
      fixture_block(300);
    fixture_run_ms(fx, 60);
    assert_int_equal(fixture_stats(fx).out, n - 2);
  }
  hole_close(&hole);
}

/* --- its ends --------------------------------------------------------------
 */

static void ping_under_way(fixture_t *fx) {
  uint32_t rounds = 0;

  server_default(fx->server, breaks);
  begin(fx, 2);
  until_out(fx, 0);
  server_default(fx->server, hangs);
  server_close_all(fx->server, 0);
  while (stats_of(fx, 0).busy == 0 && rounds++ < 1000)
    fixture_run_ms(fx, 10);
  assert_int_equal(stats_of(fx, 0).busy, 1);
}

static void the_endpoint_may_be_removed_meanwhile(void **state) {
  fixture_t *fx = *state;

  ping_under_way(fx);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run_ms(fx, 20);
  assert_int_equal(fixture_events(fx, POOL_EVENT_REMOVED), 1);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  assert_int_equal(stats_of(fx, 0).health, POOL_HEALTHY);
}

static void the_pool_may_be_closed_meanwhile(void **state) {
  fixture_t *fx = *state;

  ping_under_way(fx);
  fixture_close_pool(fx);
}

static void a_drain_does_not_wait_for_it(void **state) {
  fixture_t *fx = *state;

  ping_under_way(fx);
  pool_drain(fx->pool);
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
  assert_int_equal(fixture_stats(fx).busy, 0);
}

static void a_ping_keeps_no_loop_alive(void **state) {
  fixture_t *fx = *state;

  ping_under_way(fx);
  fixture_run(fx); /* returns: nothing is pending */
  assert_int_equal(stats_of(fx, 0).busy, 1);
}

static void a_path_that_is_none_is_refused(void **state) {
  static const char *const paths[] = {"ping", "", "/a b", "/a#b"};
  fixture_t *fx = *state;
  size_t i;

  for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    pool_config_t config = {.ping_path = paths[i]};

    assert_int_equal(fixture_try_pool(fx, &config), UV_EINVAL);
    assert_int_equal(fx->heap.blocks, 0);
  }
  fixture_pool(fx, NULL);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(one_that_is_out_is_asked_and_comes_back),
      FIXTURE_TEST(asking_becomes_rarer),
      FIXTURE_TEST(a_ping_that_is_not_answered_in_time_has_failed),
      FIXTURE_TEST(when_all_are_down_nothing_is_taken),
      FIXTURE_TEST(the_only_one_can_be_down_too),
      FIXTURE_TEST(who_waits_is_told_when_the_last_one_goes_down),
      FIXTURE_TEST(pings_that_fail_leave_room_for_others),
      FIXTURE_TEST(the_rest_is_asked_soon_when_the_last_one_is_removed),
      FIXTURE_TEST(a_ping_that_our_loop_was_late_for_tells_nothing),
      FIXTURE_TEST(the_endpoint_may_be_removed_meanwhile),
      FIXTURE_TEST(the_pool_may_be_closed_meanwhile),
      FIXTURE_TEST(a_drain_does_not_wait_for_it),
      FIXTURE_TEST(a_ping_keeps_no_loop_alive),
      FIXTURE_TEST(a_path_that_is_none_is_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
