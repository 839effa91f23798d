/* What only shows when several rare things come together: who is woken by a
 * pause that is over, whom a failed connect leaves alone, and so on. */
#include <signal.h>

#include "fixture.h"
#include "pool.h"
#include "wrap_uv.h"

#define CHAIN 8

#define PROXY_CLOSE                                                            \
  "HTTP/1.1 200 OK\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n"

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t proxy_close[] = {EXPECT(), SEND(PROXY_CLOSE),
                                            REPEAT()};

/* Whatever another test left to fail does not. */
static int setup(void **state) {
  wrap_reset();
  return fixture_setup(state);
}

#define GAPS_TEST(name)                                                        \
  cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

static int is_active(fixture_t *fx, void *arg) {
  const uint32_t *count = arg;

  return fixture_stats(fx).active == *count;
}

static int is_idle(fixture_t *fx, void *arg) {
  const uint32_t *count = arg;

  return fixture_stats(fx).idle == *count;
}

static int has_failed(fixture_t *fx, void *arg) {
  (void)arg;
  return fixture_stats(fx).connect_fails > 0;
}

static pool__endpoint_t *first_endpoint(const fixture_t *fx) {
  pool__link_t *link = pool__list_first(&fx->pool->endpoints.serving);

  return POOL__OF(link, pool__endpoint_t, link);
}

/* --- who fails --- */

static int is_closed(fixture_t *fx, void *arg) {
  (void)arg;
  return fixture_stats(fx).idle == 0;
}

/* One endpoint failed before the request was made, the other since: the first
 * has not been tried for it. */
static void an_old_failure_is_not_held_against_a_new_request(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *got;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  fixture_turns(fx, 2);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  got = fixture_get(fx, "/1");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_true(fixture_endpoint_stats(fx, fx->server).connect_fails > 0);

  server_refuse(other);
  server_close_all(other, 0);
  fixture_run_until(fx, is_closed, NULL);
  assert_int_equal(server_listen(fx->server), 0);
  got = fixture_get(fx, "/2");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->endpoint, fx->server->address);
}

/* --- who waits ------------------------------------------------------------ */

/* Nothing else would wake it: no request is made, no connection comes free. */
static void a_pause_that_is_over_serves_who_waits(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  pool_config_t config = {.max_connections = 1};
  pool_request_t request = {.path = "/waits", .timeout_ms = 2000};
  record_t *got;
  uint32_t one = 1;

  server_default(fx->server, silent);
  server_refuse(other);
  fixture_pool(fx, &config);
  fixture_get(fx, "/silent");
  fixture_run_until(fx, is_active, &one);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  got = fixture_request(fx, &request);
  fixture_run_until(fx, has_failed, NULL);
  assert_int_equal(fixture_stats(fx).waiting, 1);
  assert_int_equal(server_listen(other), 0);
  fixture_run_record(fx, got);

  assert_int_equal(got->error, 0);
  assert_string_equal(got->endpoint, other->address);
  assert_int_equal(fx->server->accepted, 1);
}

static void a_failed_connect_ends_nobody_whom_another_will_serve(void **state) {
  fixture_t *fx = *state;
  record_t *cancelled, *got;

  fixture_pool(fx, NULL);
  cancelled = fixture_get(fx, "/cancelled");
  got = fixture_get(fx, "/waits");
  assert_int_equal(pool_cancel(fx->pool, cancelled->call), 0);
  assert_int_equal(fixture_stats(fx).connecting, 2);
  wrap_fail(WRAP_CONNECTED, 1, 0, UV_ECONNREFUSED);
  fixture_run(fx);

  assert_int_equal(wrap_failures(), 1);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "/waits");
  assert_int_equal(fixture_stats(fx).connects, 1);
}

/* A request that was tried before waits again, and the connect on its behalf
 * fails on the spot: it is taken off the queue while that is walked. */
static void a_retry_whose_connect_fails_at_once_goes_on(void **state) {
  static const server_step_t closes[] = {EXPECT(), CLOSE()};
  pool_config_t config = {.max_attempts = 4, .retry_delay_ms = 20};
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, closes);
  fixture_pool(fx, &config);
  wrap_fail(WRAP_CONNECT, 2, 0, UV_ENETUNREACH);
  got = fixture_get(fx, "/again");
  fixture_run(fx);

  assert_int_equal(wrap_failures(), 1);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "/again");
  assert_int_equal(got->first_error, POOL_EHANGUP);
  assert_int_equal(got->last_error, UV_ENETUNREACH);
}

/* A connection that was opened for a request that is cancelled by then, and
 * that nobody has used, turns out to be dead when the next one is written. */
static void die_unused(fixture_t *fx, int error) {
  record_t *got;
  uint32_t one = 1;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/cancelled");
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  fixture_run_until(fx, is_idle, &one);
  fixture_turns(fx, 3);
  wrap_fail(WRAP_TRY_WRITE, 1, 0, error);
  got = fixture_get(fx, "/served");
  fixture_run(fx);

  assert_int_equal(wrap_failures(), 1);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "/served");
  assert_int_equal(got->attempts, 1);
  assert_int_equal(fixture_stats(fx).stale, 1);
  assert_int_equal(fixture_stats(fx).connects, 2);
}

static void an_unused_connection_that_died_at_rest_is_replaced(void **state) {
  die_unused(*state, UV_EPIPE);
}

static void an_unused_connection_that_was_reset_is_replaced(void **state) {
  die_unused(*state, UV_ECONNRESET);
}

/* --- pauses --------------------------------------------------------------- */

/* In the callback of a request: how long its endpoint is to pause. */
static void note_pause(record_t *record) {
  uint64_t *pause = record->then_data;

  *pause = first_endpoint(record->fx)->backoff.due - uv_now(&record->fx->loop);
}

/* Has a request end with an error, and returns the pause that follows. */
static uint64_t fail_one(fixture_t *fx) {
  record_t *got = fixture_get(fx, "/refused");
  uint64_t pause = UINT64_MAX;

  got->then = note_pause;
  got->then_data = &pause;
  fixture_run(fx);
  assert_int_equal(got->error, UV_ECONNREFUSED);
  assert_true(pool__timer_armed(&first_endpoint(fx)->backoff));
  return pause;
}

static void end_pause(fixture_t *fx) {
  pool__wheel_disarm(&fx->pool->wheel, &first_endpoint(fx)->backoff);
  pool__endpoint_rise(first_endpoint(fx));
}

static void a_pause_is_twice_the_one_before_up_to_ten_seconds(void **state) {
  static const uint64_t pauses[] = {100,  200,  400,   800,   1600,
                                    3200, 6400, 10000, 10000, 10000};
  fixture_t *fx = *state;
  size_t i;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  for (i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
    assert_int_equal(fail_one(fx), pauses[i]);
    end_pause(fx);
  }
}

static void a_failure_during_a_pause_does_not_double_it(void **state) {
  fixture_t *fx = *state;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  assert_int_equal(fail_one(fx), 100);
  end_pause(fx);
  assert_int_equal(fail_one(fx), 200);
  assert_int_equal(fail_one(fx), 200);
}

/* It is not the endpoint that lacks them: it could be asked at any time. */
static void without_descriptors_pauses_stay_short(void **state) {
  static const uint64_t pauses[] = {100, 200, 400, 800, 1600, 2000, 2000};
  fixture_t *fx = *state;
  record_t *got;
  size_t i;

  fixture_pool(fx, NULL);
  wrap_fail(WRAP_CONNECT, 1, 1, UV_EMFILE);
  for (i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
    got = fixture_get(fx, "/x"); /* fails on the spot, and is told later */
    assert_int_equal(first_endpoint(fx)->backoff.due - uv_now(&fx->loop),
                     pauses[i]);
    fixture_run(fx);
    assert_int_equal(got->error, UV_EMFILE);
    end_pause(fx);
  }
}

/* A pool of one endpoint that has failed, and is asked; we have no port for
 * that. It tells nothing, neither good nor bad. */
static void a_ping_without_a_port_tells_nothing(void **state) {
  static const server_step_t closes[] = {EXPECT(), CLOSE()};
  pool_config_t config = {
      .max_attempts = 1, .eject_after = 2, .ping_path = "/p"};
  fixture_t *fx = *state;
  int i;

  server_default(fx->server, closes);
  fixture_pool(fx, &config);
  wrap_fail(WRAP_CONNECT, 3, 0, UV_EADDRNOTAVAIL);
  for (i = 0; i < 2; i++) {
    fixture_get(fx, "/x");
    fixture_run(fx);
  }
  fixture_turns(fx, 5);
  assert_int_equal(wrap_failures(), 1);
  assert_int_equal(fixture_stats(fx).out, 0);
  fixture_get(fx, "/x");
  fixture_run_ms(fx, 20);
  assert_int_equal(fixture_stats(fx).out, 1);
}

static void after_a_success_pauses_are_short_again(void **state) {
  fixture_t *fx = *state;
  uint32_t none = 0;
  record_t *got;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  fail_one(fx);
  end_pause(fx);
  assert_int_equal(fail_one(fx), 200);
  assert_int_equal(server_listen(fx->server), 0);
  got = fixture_get(fx, "/served");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  server_refuse(fx->server);
  server_close_all(fx->server, 0);
  fixture_run_until(fx, is_idle, &none);
  assert_int_equal(fail_one(fx), 100);
}

/* --- one thing leads to the next ------------------------------------------ */

/* Requests on silent connections. Each is cancelled by what the one before
 * brought about, and the turn of the loop is noted in which that was. */
static struct {
  uv_prepare_t prepare;
  uint32_t turn;
  pool_call_t calls[CHAIN];
  uint32_t turns[CHAIN];
  uint32_t count;
} chain;

static void on_prepare(uv_prepare_t *handle) {
  (void)handle;
  chain.turn++;
}

static void cancel_next(fixture_t *fx) {
  if (chain.count == CHAIN)
    return;
  chain.turns[chain.count++] = chain.turn;
  if (chain.count < CHAIN)
    pool_cancel(fx->pool, chain.calls[chain.count]);
}

static void cancel_next_on_done(record_t *record) {
  cancel_next(record->fx);
}

static void cancel_next_on_event(fixture_t *fx, const pool_event_t *event) {
  if (event->type == POOL_EVENT_DISCONNECT)
    cancel_next(fx);
}

static void chain_begin(fixture_t *fx, void (*then)(record_t *record)) {
  pool_config_t config = {.max_connecting = CHAIN};
  uint32_t count = CHAIN;
  uint32_t i;

  memset(&chain, 0, sizeof chain);
  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  for (i = 0; i < CHAIN; i++) {
    record_t *got = fixture_get(fx, "/silent");

    got->then = then;
    chain.calls[i] = got->call;
  }
  fixture_run_until(fx, is_active, &count);
  fixture_turns(fx, 3); /* what is to be told of that is told */
  uv_prepare_init(&fx->loop, &chain.prepare);
  uv_prepare_start(&chain.prepare, on_prepare);
  uv_unref((uv_handle_t *)&chain.prepare);
}

static void chain_run(fixture_t *fx) {
  uint32_t i;

  pool_cancel(fx->pool, chain.calls[0]);
  fixture_turns(fx, 3 * CHAIN);
  uv_close((uv_handle_t *)&chain.prepare, NULL);
  fixture_turns(fx, 1);
  assert_int_equal(chain.count, CHAIN);
  for (i = 1; i < CHAIN; i++)
    assert_true(chain.turns[i] > chain.turns[i - 1]);
}

static void callbacks_that_end_the_next_leave_the_loop_its_turns(void **state) {
  fixture_t *fx = *state;

  chain_begin(fx, cancel_next_on_done);
  chain_run(fx);
}

static void events_that_cause_the_next_leave_the_loop_its_turns(void **state) {
  fixture_t *fx = *state;

  chain_begin(fx, NULL);
  fx->on_event = cancel_next_on_event;
  chain_run(fx);
  fx->on_event = NULL;
}

/* --- what only the parser reads ------------------------------------------- */

static void a_proxy_that_closes_is_believed(void **state) {
  fixture_t *fx = *state;
  uint32_t i;

  server_default(fx->server, proxy_close);
  fixture_pool(fx, NULL);
  for (i = 1; i <= 3; i++) {
    record_t *got = fixture_get(fx, "/");

    fixture_run(fx);
    assert_int_equal(got->error, 0);
    assert_int_equal(got->reused, 0);
    assert_int_equal(fixture_stats(fx).idle, 0);
  }
  assert_int_equal(fx->server->accepted, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      GAPS_TEST(an_old_failure_is_not_held_against_a_new_request),
      GAPS_TEST(a_pause_that_is_over_serves_who_waits),
      GAPS_TEST(a_failed_connect_ends_nobody_whom_another_will_serve),
      GAPS_TEST(a_retry_whose_connect_fails_at_once_goes_on),
      GAPS_TEST(an_unused_connection_that_died_at_rest_is_replaced),
      GAPS_TEST(an_unused_connection_that_was_reset_is_replaced),
      GAPS_TEST(a_pause_is_twice_the_one_before_up_to_ten_seconds),
      GAPS_TEST(a_failure_during_a_pause_does_not_double_it),
      GAPS_TEST(without_descriptors_pauses_stay_short),
      GAPS_TEST(a_ping_without_a_port_tells_nothing),
      GAPS_TEST(after_a_success_pauses_are_short_again),
      GAPS_TEST(callbacks_that_end_the_next_leave_the_loop_its_turns),
      GAPS_TEST(events_that_cause_the_next_leave_the_loop_its_turns),
      GAPS_TEST(a_proxy_that_closes_is_believed),
  };

  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
