/* What a request waits for when it could go somewhere at once, and for how
 * long. Nobody behind it waits for that too. */
#include "fixture.h"

#define PATIENCE_MS 250u
#define MANY        60

static const server_step_t works[] = {EXPECT(), REPLY(), REPEAT()};
static const server_step_t hangs[] = {EXPECT(), HANG()};
static const server_step_t closes[] = {EXPECT(), CLOSE()};
static const server_step_t breaks[] = {
    EXPECT(), SEND("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"),
    REPEAT()};

static void add(fixture_t *fx, const server_t *server) {
  assert_int_equal(pool_add_endpoint(fx->pool, server->address), 0);
}

/* A request that is not answered, on the only endpoint there is so far. */
static record_t *occupy(fixture_t *fx, server_t *server) {
  record_t *got;

  if (server->accepted == 0)
    server_script(server, hangs);
  else
    server_default(server, hangs);
  got = fixture_get(fx, "/hangs");
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_endpoint_stats(fx, server).busy, 1);
  return got;
}

static void release(fixture_t *fx, const record_t *got) {
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  fixture_run(fx);
}

static void after_a_while(const record_t *got) {
  assert_int_equal(got->error, 0);
  assert_in_range(got->total_ms, PATIENCE_MS, PATIENCE_MS + 60);
}

/* --- for an endpoint that it was not tried on ----------------------------- */

/* The first server fails a request once; the other one is full, and stuck. */
static record_t *begin_stuck(fixture_t *fx, uint32_t max_attempts) {
  pool_config_t config = {.max_attempts = max_attempts, .max_connections = 1};
  record_t *stuck;

  fixture_pool_bare(fx, &config);
  add(fx, fixture_server(fx));
  stuck = occupy(fx, fx->servers[1]);
  add(fx, fx->server);
  return stuck;
}

static void a_retry_waits_for_another_endpoint_but_not_for_long(void **state) {
  fixture_t *fx = *state;
  record_t *stuck = begin_stuck(fx, 3);
  record_t *got;

  server_script(fx->server, closes);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  after_a_while(got);
  assert_int_equal(got->attempts, 2);
  assert_string_equal(got->endpoint, fx->server->address);
  release(fx, stuck);
}

static void one_that_comes_free_meanwhile_is_taken(void **state) {
  fixture_t *fx = *state;
  record_t *stuck = begin_stuck(fx, 3);
  record_t *got;

  server_script(fx->server, closes);
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 100);
  assert_int_equal(got->calls, 0);
  release(fx, stuck);
  assert_int_equal(got->error, 0);
  assert_in_range(got->total_ms, 100, 110);
  assert_string_equal(got->endpoint, fx->servers[1]->address);
}

static void those_behind_do_not_wait_with_it(void **state) {
  fixture_t *fx = *state;
  record_t *stuck = begin_stuck(fx, 3);
  record_t *got[4];
  int i;

  server_script(fx->server, closes);
  got[0] = fixture_get(fx, "/x");
  fixture_run_ms(fx, 30);
  for (i = 1; i < 4; i++)
    got[i] = fixture_get(fx, "/behind");
  fixture_run_record(fx, got[0]);
  for (i = 1; i < 4; i++) {
    assert_int_equal(got[i]->error, 0);
    assert_in_range(got[i]->total_ms, 0, 20);
  }
  after_a_while(got[0]);
  release(fx, stuck);
}

static int to_reject;

static int reject_some(pool_t *pool, const pool_result_t *result, void *data) {
  (void)pool;
  (void)result;
  (void)data;
  return to_reject-- > 0 ? 1 : POOL_KEEP;
}

/* Patience counts from when each begins to wait, not one behind the other. */
static void many_wait_no_longer_than_one(void **state) {
  pool_config_t config = {.max_attempts = 2,
                          .max_connections = MANY,
                          .max_connecting = MANY,
                          .on_retry = reject_some,
                          .retry_ratio = 1000};
  fixture_t *fx = *state;
  record_t *stuck[MANY], *got[MANY], *last;
  int i, retried = 0;

  to_reject = 0;
  server_script(fixture_server(fx), works);
  server_default(fx->servers[1], hangs);
  fixture_pool_bare(fx, &config);
  add(fx, fx->servers[1]);
  for (i = 0; i < 200; i++) { /* to pay for them */
    fixture_get(fx, "/warm");
    fixture_run(fx);
  }
  server_close_all(fx->servers[1], 0);
  fixture_run_ms(fx, 5);
  for (i = 0; i < MANY; i++)
    stuck[i] = fixture_get(fx, "/hangs");
  fixture_run_ms(fx, 5);
  add(fx, fx->server);
  to_reject = MANY;
  for (i = 0; i < MANY; i++)
    got[i] = fixture_get(fx, "/x");
  fixture_run_ms(fx, 20);
  last = fixture_get(fx, "/behind");
  fixture_run_record(fx, last);
  assert_int_equal(last->error, 0);
  assert_in_range(last->total_ms, 0, PATIENCE_MS + 20);
  fixture_run_ms(fx, PATIENCE_MS + 20);
  for (i = 0; i < MANY; i++) {
    assert_int_equal(got[i]->calls, 1);
    retried += got[i]->error == 0 && got[i]->attempts == 2;
  }
  assert_true(retried > 20); /* more than are passed over */
  for (i = 0; i < MANY; i++)
    assert_int_equal(pool_cancel(fx->pool, stuck[i]->call), 0);
  fixture_run(fx);
}

/* One that failed a lot is asked again though the other one, stuck, might come
 * free: now and then. */
static void one_that_failed_a_lot_is_asked_again(void **state) {
  fixture_t *fx = *state;
  record_t *stuck = begin_stuck(fx, 1);
  record_t *got;
  int i;

  server_default(fx->server, breaks);
  for (i = 0; i < 40; i++) {
    got = fixture_get(fx, "/x");
    fixture_run_record(fx, got);
    assert_in_range(got->total_ms, 0, 2 * PATIENCE_MS + 60);
  }
  server_close_all(fx->server, 0);
  server_default(fx->server, works);
  for (i = 0; i < 20; i++) {
    got = fixture_get(fx, "/x");
    fixture_run_record(fx, got);
    assert_int_equal(got->status, 200);
    assert_in_range(got->total_ms, 0, 2 * PATIENCE_MS + 60);
  }
  release(fx, stuck);
}

/* --- for an endpoint that is not on trial --------------------------------- */

/* The first server is on trial; the other one is full, and stuck. */
static record_t *begin_trial(fixture_t *fx) {
  pool_config_t config = {
      .max_attempts = 2, .max_connections = 1, .eject_after = 5};
  record_t *stuck;
  int i;

  server_default(fx->server, breaks);
  fixture_pool(fx, &config);
  add(fx, fixture_server(fx));
  for (i = 0; i < 100 && fixture_stats(fx).out == 0; i++) {
    fixture_get(fx, "/x");
    fixture_get(fx, "/x");
    fixture_run(fx);
  }
  server_close_all(fx->servers[1], 0);
  fixture_run_ms(fx, 5);
  stuck = occupy(fx, fx->servers[1]);
  server_default(fx->server, works);
  while (fixture_stats(fx).out > 0)
    fixture_run_ms(fx, 10);
  return stuck;
}

static void a_post_is_no_trial_unless_it_would_wait_for_long(void **state) {
  fixture_t *fx = *state;
  record_t *stuck = begin_trial(fx);
  record_t *got = fixture_send(fx, "POST", "/x", "y", 1);

  fixture_run_record(fx, got);
  after_a_while(got);
  assert_string_equal(got->endpoint, fx->server->address);
  assert_int_equal(got->attempts, 1);
  release(fx, stuck);
}

static void whoever_may_be_the_trial_does_not_wait_behind_it(void **state) {
  fixture_t *fx = *state;
  record_t *stuck = begin_trial(fx);
  record_t *post = fixture_send(fx, "POST", "/x", "y", 1);
  record_t *got[2];

  fixture_run_ms(fx, 20);
  assert_int_equal(post->calls, 0);
  got[0] = fixture_get(fx, "/first");
  got[1] = fixture_get(fx, "/second");
  fixture_run_record(fx, got[1]);
  assert_int_equal(got[0]->error, 0);
  assert_in_range(got[0]->total_ms, 0, 10);
  assert_int_equal(post->error, 0); /* it is on trial no more */
  assert_in_range(post->total_ms, 20, 30);
  assert_int_equal(got[1]->error, 0);
  release(fx, stuck);
}

/* --- for a connect -------------------------------------------------------- */

static void a_slow_connect_is_not_all_that_is_waited_for(void **state) {
  fixture_t *fx = *state;
  record_t *stuck, *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool(fx, NULL);
  stuck = occupy(fx, fx->server);
  fixture_get(fx, "/warm");
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_stats(fx).idle, 1);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x"); /* goes there: less is in hand */
  assert_int_equal(fixture_stats(fx).connecting, 1);
  fixture_run_record(fx, got);
  after_a_while(got);
  assert_int_equal(got->reused, 1);
  release(fx, stuck);
  hole_close(&hole);
}

/* A replay would like a new connection. */
static void nor_does_a_replay_wait_for_it_for_long(void **state) {
  static const server_step_t stale[] = {EXPECT(), TURN(5), REPLY(), EXPECT(),
                                        CLOSE()};
  pool_config_t config = {.max_attempts = 2, .max_connections = 2};
  fixture_t *fx = *state;
  record_t *got;
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  server_script(fx->server, stale);
  fixture_pool(fx, &config);
  fixture_get(fx, "/warm");
  fixture_get(fx, "/warm");
  fixture_run(fx);
  assert_int_equal(fixture_stats(fx).idle, 2);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  assert_int_equal(got->error, 0);
  assert_int_equal(fixture_stats(fx).replays, 1);
  assert_int_equal(got->reused, 1);
  after_a_while(got);
  hole_close(&hole);
}

/* A connection of an endpoint that was removed serves nobody who waits, and is
 * no reason to wait out the rest of the one that is left. */
static void what_serves_nobody_is_not_waited_for(void **state) {
  fixture_t *fx = *state;
  record_t *stuck, *got;
  int i;

  fixture_pool(fx, NULL);
  stuck = occupy(fx, fx->server);
  server_refuse(fixture_server(fx));
  add(fx, fx->servers[1]);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  for (i = 0; i < 5; i++) {
    got = fixture_get(fx, "/x");
    fixture_run_record(fx, got);
    assert_int_equal(got->error, UV_ECONNREFUSED);
    assert_in_range(got->total_ms, 0, 5);
  }
  server_listen(fx->servers[1]);
  got = fixture_get(fx, "/x");
  fixture_run_record(fx, got);
  assert_int_equal(got->error, 0);
  assert_in_range(got->total_ms, 0, 5);
  release(fx, stuck);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_retry_waits_for_another_endpoint_but_not_for_long),
      FIXTURE_TEST(one_that_comes_free_meanwhile_is_taken),
      FIXTURE_TEST(those_behind_do_not_wait_with_it),
      FIXTURE_TEST(many_wait_no_longer_than_one),
      FIXTURE_TEST(one_that_failed_a_lot_is_asked_again),
      FIXTURE_TEST(a_post_is_no_trial_unless_it_would_wait_for_long),
      FIXTURE_TEST(whoever_may_be_the_trial_does_not_wait_behind_it),
      FIXTURE_TEST(a_slow_connect_is_not_all_that_is_waited_for),
      FIXTURE_TEST(nor_does_a_replay_wait_for_it_for_long),
      FIXTURE_TEST(what_serves_nobody_is_not_waited_for),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
