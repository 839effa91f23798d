/* Retries have limits: what on_retry says, the deadline, the budget, and the
 * ends that a request may meet while it waits for its time. */
#include "fixture.h"

#define UNAVAILABLE "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"

static const server_step_t closes[] = {EXPECT(), CLOSE()};
static const server_step_t busy[] = {EXPECT(), SEND(UNAVAILABLE), REPEAT()};
static const server_step_t busy_once[] = {EXPECT(), SEND(UNAVAILABLE), EXPECT(),
                                          REPLY(), REPEAT()};
static const server_step_t busy_for_5_s[] = {
    EXPECT(),
    SEND("HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"),
    REPEAT()};

/* --- on_retry --------------------------------------------------------------
 */

static int asked;
static int says; /* of a 503 */
static int wrong;
static void (*then)(fixture_t *fx);

static int on_retry(pool_t *pool, const pool_result_t *result, void *data) {
  fixture_t *fx = data;

  wrong += fx->pool != NULL && pool != fx->pool;
  asked++;
  if (then != NULL)
    then(fx);
  return result->status == 503 ? says : POOL_KEEP;
}

static void judged(fixture_t *fx, int verdict) {
  pool_config_t config = {.max_attempts = 3,
                          .retry_delay_ms = 4,
                          .timeout_ms = 1000,
                          .on_retry = on_retry};

  asked = 0;
  says = verdict;
  then = NULL;
  fixture_pool(fx, &config);
}

static void a_rejected_answer_is_asked_for_again(void **state) {
  fixture_t *fx = *state;
  const fixture_event_t *event;
  record_t *got;

  server_script(fx->server, busy_once);
  judged(fx, 50);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(asked, 2);
  assert_int_equal(wrong, 0);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 200);
  assert_int_equal(got->attempts, 2);
  assert_int_equal(got->first_error, POOL_EREJECTED);
  assert_in_range(got->total_ms, 50, 80);
  event = fixture_event(fx, POOL_EVENT_RETRY, 0);
  assert_non_null(event);
  assert_int_equal(event->all.retry, POOL_RETRY_REJECTED);
  assert_int_equal(event->all.error, POOL_EREJECTED);
  assert_int_equal(event->all.delay_ms, 50);
  assert_string_equal(event->endpoint, fx->server->address);
}

static void without_attempts_left_the_answer_comes_with_the_error(void **s) {
  fixture_t *fx = *s;
  record_t *got;

  server_default(fx->server, busy);
  judged(fx, POOL_BACKOFF);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(asked, 3);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, POOL_EREJECTED);
  assert_int_equal(got->status, 503);
  assert_string_equal(got->body, "busy");
  assert_int_equal(got->phase, POOL_COMPLETE);
  assert_int_equal(got->attempts, 3);
  assert_int_equal(fixture_stats(fx).failed, 1);
}

static void what_cannot_be_repeated_is_not_judged(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {.path = "/x", .max_attempts = 1};
  record_t *got;

  server_default(fx->server, busy);
  judged(fx, 1);
  got = fixture_send(fx, "POST", "/x", "a", 1);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 503);
  got = fixture_request(fx, &request);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(asked, 0);
}

static int ask_server(pool_t *pool, const pool_result_t *result, void *data) {
  (void)pool;
  (void)data;
  asked++;
  return result->status == 503 ? pool_result_retry_after(result) : POOL_KEEP;
}

static void retry_after_is_waited_for(void **state) {
  static const server_step_t script[] = {
      EXPECT(),
      SEND("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"),
      EXPECT(), REPLY(), REPEAT()};
  pool_config_t config = {.max_attempts = 3, .on_retry = ask_server};
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, script);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_in_range(got->total_ms, 2000, 2050);
}

static void what_would_be_too_late_is_not_begun(void **state) {
  pool_config_t config = {
      .max_attempts = 3, .timeout_ms = 4000, .on_retry = ask_server};
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, busy_for_5_s);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, POOL_EREJECTED);
  assert_int_equal(got->status, 503);
  assert_in_range(got->total_ms, 0, 50); /* now, not in four seconds */
}

static void close_in_it(fixture_t *fx) {
  fixture_start_close(fx);
}

static void the_pool_may_be_closed_in_it(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, busy);
  judged(fx, 1);
  then = close_in_it;
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, POOL_EREJECTED);
  assert_int_equal(fx->closed, 1);
}

static void cancel_in_it(fixture_t *fx) {
  wrong += pool_cancel(fx->pool, fx->records->call) != POOL_EGONE;
  wrong += pool_remove_endpoint(fx->pool, fx->server->address) != 0;
}

static void a_cancel_in_it_is_too_late(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, busy);
  judged(fx, 1);
  then = cancel_in_it;
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, POOL_ENOENDPOINT);
  assert_int_equal(got->first_error, POOL_EREJECTED);
  assert_int_equal(wrong, 0);
}

static void request_in_it(fixture_t *fx) {
  then = NULL;
  wrong += fixture_get(fx, "/y")->rc != 0;
}

static void a_request_in_it_is_taken(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, busy_once);
  judged(fx, 50);
  then = request_in_it;
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->status, 200);
  assert_int_equal(fixture_stats(fx).succeeded, 2);
  assert_int_equal(wrong, 0);
}

/* --- while it waits for its time -------------------------------------------
 */

static record_t *backing_off(fixture_t *fx, uint32_t max_pending) {
  pool_config_t config = {
      .max_attempts = 3, .max_pending = max_pending, .on_retry = on_retry};
  record_t *got;

  asked = 0;
  says = 500;
  then = NULL;
  server_default(fx->server, busy);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 100);
  assert_int_equal(fixture_stats(fx).backoff, 1);
  assert_int_equal(fixture_stats(fx).pending, 1);
  return got;
}

static void it_counts_as_pending(void **state) {
  fixture_t *fx = *state;

  backing_off(fx, 1);
  assert_int_equal(fixture_get(fx, "/y")->rc, POOL_EOVERLOADED);
}

static void it_can_be_cancelled(void **state) {
  fixture_t *fx = *state;
  record_t *got = backing_off(fx, 10);

  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  fixture_run(fx);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, UV_ECANCELED);
  assert_int_equal(fx->server->seen, 1);
  assert_int_equal(fx->pool == NULL, 0);
}

static void closing_the_pool_ends_it(void **state) {
  fixture_t *fx = *state;
  record_t *got = backing_off(fx, 10);

  fixture_close_pool(fx);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, POOL_ECLOSING);
}

static void a_drain_lets_it_go_on(void **state) {
  fixture_t *fx = *state;
  record_t *got = backing_off(fx, 10);

  pool_drain(fx->pool);
  fixture_run(fx);
  assert_int_equal(got->error, POOL_EREJECTED);
  assert_int_equal(got->attempts, 3);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DRAINED), 1);
}

static void without_endpoints_it_ends_when_its_time_comes(void **state) {
  fixture_t *fx = *state;
  record_t *got = backing_off(fx, 10);

  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run(fx);
  assert_int_equal(got->error, POOL_ENOENDPOINT);
  assert_in_range(got->total_ms, 500, 550);
}

/* It is late for its retry, and for its deadline too. */
static void a_deadline_that_passed_meanwhile_ends_it(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, busy);
  judged(fx, 500);
  got = fixture_get(fx, "/x");
  fixture_run_ms(fx, 100);
  assert_int_equal(fixture_stats(fx).backoff, 1);
  fixture_block(1000);
  fixture_run(fx);
  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->attempts, 1);
  assert_int_equal(fx->server->seen, 1);
}

static void the_deadline_holds_for_all_attempts_together(void **state) {
  static const server_step_t slow[] = {EXPECT(), DELAY(100), CLOSE()};
  pool_config_t config = {
      .max_attempts = 100, .timeout_ms = 450, .retry_delay_ms = 1};
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->first_error, POOL_EHANGUP);
  assert_int_equal(got->last_error, UV_ETIMEDOUT);
  assert_in_range(got->total_ms, 450, 480);
  assert_in_range(got->attempts, 3, 5);
}

/* --- the budget ------------------------------------------------------------
 */

static void where_nothing_succeeds_retries_end(void **state) {
  pool_config_t config = {.max_attempts = 3, .retry_delay_ms = 1};
  fixture_t *fx = *state;
  uint32_t seen;
  int i;

  server_default(fx->server, closes);
  fixture_pool(fx, &config);
  for (i = 0; i < 200; i++) {
    fixture_get(fx, "/x");
    fixture_run_ms(fx, 100);
  }
  /* Ten tokens at first, and one a second as long as there was no failure. */
  assert_in_range(fixture_stats(fx).retries, 5, 15);
  assert_true(fixture_stats(fx).retries_denied >= 180);
  seen = fx->server->seen;
  for (i = 0; i < 100; i++) {
    fixture_get(fx, "/x");
    fixture_run_ms(fx, 100);
  }
  assert_int_equal(fx->server->seen - seen, 100); /* no retry at all */
}

static void successes_pay_for_retries(void **state) {
  /* Not a stale connection: that would be made up for without a token. */
  static const server_step_t one_of_five[] = {
      EXPECT(), REPLY(),
      EXPECT(), REPLY(),
      EXPECT(), REPLY(),
      EXPECT(), REPLY(),
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nA: b\r\n"),
      CLOSE()};
  pool_config_t config = {.max_attempts = 3,
                          .retry_delay_ms = 1,
                          .retry_ratio = 50,
                          .max_requests = POOL_OFF};
  fixture_t *fx = *state;
  int i;

  server_default(fx->server, one_of_five);
  fixture_pool(fx, &config);
  for (i = 0; i < 500; i++) {
    fixture_get(fx, "/x");
    fixture_run(fx);
  }
  assert_int_equal(fixture_stats(fx).succeeded, 500);
  assert_int_equal(fixture_stats(fx).retries_denied, 0);
  assert_int_equal(fixture_stats(fx).replays, 0);
  assert_in_range(fixture_stats(fx).retries, 120, 130);
}

static void one_that_is_cancelled_before_costs_nothing(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  int i;

  server_default(fx->server, busy);
  judged(fx, 500);
  for (i = 0; i < 30; i++) {
    got = fixture_get(fx, "/x");
    fixture_run_ms(fx, 20);
    assert_int_equal(fixture_stats(fx).backoff, 1);
    assert_int_equal(pool_cancel(fx->pool, got->call), 0);
    fixture_run(fx);
  }
  assert_int_equal(fixture_stats(fx).retries_denied, 0);
  assert_int_equal(fixture_stats(fx).cancelled, 30);
}

/* Many at once fail: a few retries may be live, not all of them, and one that
 * waits for its time counts. */
static void not_all_are_tried_again_at_once(void **state) {
  pool_config_t config = {.max_attempts = 3,
                          .max_connections = 100,
                          .max_connecting = 100,
                          .on_retry = on_retry};
  fixture_t *fx = *state;
  int i;

  asked = 0;
  says = 500;
  then = NULL;
  server_default(fx->server, busy);
  fixture_pool(fx, &config);
  for (i = 0; i < 100; i++)
    fixture_get(fx, "/x");
  fixture_run_ms(fx, 100);
  assert_in_range(fixture_stats(fx).backoff, 3, 10);
}

/* As many as are connected to it at once by default; these are not stale. */
static void a_server_that_goes_at_its_first_requests_costs_none(void **state) {
  static const server_step_t resets[] = {EXPECT(), TURN(2), RESET()};
  pool_config_t config = {.max_attempts = 3};
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *got[24];
  int i;

  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  for (i = 0; i < 24; i++)
    fixture_get(fx, "/warm");
  fixture_run(fx);
  server_default(fx->server, resets);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  for (i = 0; i < 24; i++)
    got[i] = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_true(fx->server->seen >= 4);
  for (i = 0; i < 24; i++)
    assert_int_equal(got[i]->error, 0);
  assert_int_equal(fixture_stats(fx).retries_denied, 0);
}

/* --- refusals of our own ---------------------------------------------------
 */

static void a_full_answer_is_never_retried_inside(void **state) {
  static const server_step_t slow[] = {EXPECT(), DELAY(50), REPLY(), REPEAT()};
  pool_config_t config = {
      .max_attempts = 3, .max_pending = 2, .on_retry = on_retry};
  fixture_t *fx = *state;
  record_t *refused[50];
  uint64_t allocations;
  int i;

  asked = 0;
  then = NULL;
  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  fixture_get(fx, "/a");
  fixture_get(fx, "/b");
  allocations = fx->heap.calls;
  for (i = 0; i < 50; i++)
    refused[i] = fixture_get(fx, "/c");
  assert_int_equal(fx->heap.calls, allocations);
  for (i = 0; i < 50; i++)
    assert_int_equal(refused[i]->rc, POOL_EOVERLOADED);
  fixture_run(fx);
  fixture_run_ms(fx, 5000);
  for (i = 0; i < 50; i++)
    assert_int_equal(refused[i]->calls, 0);
  assert_int_equal(fx->server->seen, 2);
  assert_int_equal(fixture_stats(fx).refused, 50);
  assert_int_equal(fixture_stats(fx).accepted, 2);
  assert_int_equal(fixture_stats(fx).retries, 0);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_rejected_answer_is_asked_for_again),
      FIXTURE_TEST(without_attempts_left_the_answer_comes_with_the_error),
      FIXTURE_TEST(what_cannot_be_repeated_is_not_judged),
      FIXTURE_TEST(retry_after_is_waited_for),
      FIXTURE_TEST(what_would_be_too_late_is_not_begun),
      FIXTURE_TEST(the_pool_may_be_closed_in_it),
      FIXTURE_TEST(a_cancel_in_it_is_too_late),
      FIXTURE_TEST(a_request_in_it_is_taken),
      FIXTURE_TEST(it_counts_as_pending),
      FIXTURE_TEST(it_can_be_cancelled),
      FIXTURE_TEST(closing_the_pool_ends_it),
      FIXTURE_TEST(a_drain_lets_it_go_on),
      FIXTURE_TEST(without_endpoints_it_ends_when_its_time_comes),
      FIXTURE_TEST(a_deadline_that_passed_meanwhile_ends_it),
      FIXTURE_TEST(the_deadline_holds_for_all_attempts_together),
      FIXTURE_TEST(where_nothing_succeeds_retries_end),
      FIXTURE_TEST(successes_pay_for_retries),
      FIXTURE_TEST(one_that_is_cancelled_before_costs_nothing),
      FIXTURE_TEST(not_all_are_tried_again_at_once),
      FIXTURE_TEST(a_server_that_goes_at_its_first_requests_costs_none),
      FIXTURE_TEST(a_full_answer_is_never_retried_inside),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
