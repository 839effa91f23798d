/* Promises about what is told: 7 (the accounts are true), 11 (codes and what
 * comes with them), 12 (no side effects), 13 (zero is a good default). */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* --- 7 -------------------------------------------------------------------- */

static uint32_t seed = 12345;

static uint32_t roll(uint32_t below) {
  seed = seed * 1103515245u + 12345u;
  return (seed >> 16) % below;
}

static int accounts_are_true(fixture_t *fx) {
  pool_stats_t s = fixture_stats(fx);
  uint32_t ended = s.pending - s.waiting - s.active; /* not yet told */

  return s.accepted == s.succeeded + s.failed + s.cancelled + s.pending &&
         s.waiting + s.active <= s.pending && s.active == s.busy &&
         s.pending <= s.max_pending && s.peak_pending >= s.pending &&
         (ended == 0 || s.pending > 0) && s.bytes_allocated == fx->heap.bytes;
}

static void do_something(fixture_t *fx, record_t **records, uint32_t *count) {
  static const char *const paths[] = {"/a", "/b", "bad", "/c"};
  uint32_t what = roll(10);

  if (what < 6) {
    records[*count] = fixture_get(fx, paths[roll(4)]);
    if (records[*count]->rc == 0)
      (*count)++;
  } else if (what == 6 && *count > 0) {
    pool_cancel(fx->pool,
                records[*count - 1 - roll(*count < 9 ? *count : 9)]->call);
  } else if (what == 7) {
    pool_remove_endpoint(fx->pool, fx->servers[roll(2)]->address);
  } else if (what == 8) {
    pool_add_endpoint(fx->pool, fx->servers[roll(2)]->address);
  } else {
    uv_run(&fx->loop, UV_RUN_NOWAIT);
  }
}

static void promise_7_the_accounts_after_anything(void **state) {
  static const server_step_t moody[] = {EXPECT(), REPLY(),  EXPECT(),
                                        REPLY(),  EXPECT(), RESET()};
  static record_t *records[3000];
  fixture_t *fx = *state;
  pool_config_t config = {
      .max_pending = 30, .max_connections = 4, .timeout_ms = 50};
  uint32_t count = 0;
  uint32_t told = 0;
  uint32_t i;

  server_default(fx->server, moody);
  fixture_server(fx);
  fixture_pool(fx, &config);
  for (i = 0; i < 3000; i++) {
    do_something(fx, records, &count);
    assert_true(accounts_are_true(fx));
  }
  fixture_run(fx);

  assert_true(accounts_are_true(fx));
  for (i = 0; i < count; i++)
    told += records[i]->calls == 1;
  assert_int_equal(told, count);
  assert_int_equal(fixture_stats(fx).accepted, count);
  assert_true(fixture_stats(fx).succeeded > 100);
  assert_true(fixture_stats(fx).cancelled > 10);
}

/* A callback sees accounts in which it has happened. */
static void promise_7_the_accounts_in_a_callback(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/a");
  fixture_run(fx);

  assert_int_equal(got->stats.succeeded, 1);
  assert_int_equal(got->stats.pending, 0);
  assert_int_equal(got->stats.idle, 1);
  assert_int_equal(got->stats.busy, 0);
}

/* --- 11 ------------------------------------------------------------------- */

static void tells(fixture_t *fx, const server_step_t *script, int error,
                  pool_phase_t phase) {
  pool_config_t config = {.timeout_ms = 40};
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->calls, 1);
  assert_int_equal(got->error, error);
  assert_int_equal(got->phase, phase);
  assert_string_equal(got->endpoint, fx->server->address);
  assert_int_equal(got->attempts, 1);
  assert_int_equal(got->reused, 0);
  assert_int_equal(got->status, 0);
  assert_int_equal(got->header_count, 0);
  assert_string_equal(got->body, "");
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).last_error, error);
}

static void promise_11_hangup_before_an_answer(void **state) {
  static const server_step_t script[] = {EXPECT(), CLOSE()};

  tells(*state, script, POOL_EHANGUP, POOL_AWAITING);
}

static void promise_11_hangup_within_an_answer(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), CLOSE()};

  tells(*state, script, POOL_EHANGUP, POOL_RECEIVING);
}

static void promise_11_reset_before_an_answer(void **state) {
  static const server_step_t script[] = {EXPECT(), RESET()};

  tells(*state, script, UV_ECONNRESET, POOL_AWAITING);
}

static void promise_11_not_http(void **state) {
  static const server_step_t script[] = {EXPECT(), SEND("SSH-2.0-x\r\n"),
                                         HANG()};

  tells(*state, script, POOL_EPARSE, POOL_RECEIVING);
}

static void promise_11_unasked_upgrade(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 101 Switching\r\n\r\n"), HANG()};

  tells(*state, script, POOL_EPARSE, POOL_RECEIVING);
}

static void promise_11_timeout(void **state) {
  static const server_step_t script[] = {EXPECT(), HANG()};

  tells(*state, script, UV_ETIMEDOUT, POOL_AWAITING);
}

static void promise_11_too_large(void **state) {
  static const server_step_t script[] = {
      EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
      HANG()};

  tells(*state, script, POOL_ETOOLARGE, POOL_RECEIVING);
}

static void promise_11_refused(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, UV_ECONNREFUSED);
  assert_int_equal(got->phase, POOL_CONNECTING);
  assert_string_equal(got->endpoint, fx->server->address);
  assert_int_equal(got->attempts, 0);
}

static int both_are_seen(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->server->seen == 2;
}

static void promise_11_cancelled_in_each_phase(void **state) {
  static const server_step_t half[] = {EXPECT(), SEND("HTTP/1.1 "), HANG()};
  static const server_step_t none[] = {EXPECT(), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 2};
  record_t *records[3];
  int i;

  server_script(fx->server, half);
  server_script(fx->server, none);
  fixture_pool(fx, &config);
  records[0] = fixture_get(fx, "/0");
  records[1] = fixture_get(fx, "/1");
  fixture_run_until(fx, both_are_seen, NULL);
  fixture_turns(fx, 3);
  records[2] = fixture_get(fx, "/2");
  for (i = 0; i < 3; i++)
    assert_int_equal(pool_cancel(fx->pool, records[i]->call), 0);
  fixture_run(fx);

  for (i = 0; i < 3; i++) {
    assert_int_equal(records[i]->error, UV_ECANCELED);
    assert_int_equal(pool_cancel(fx->pool, records[i]->call), POOL_EGONE);
  }
  assert_int_equal(records[0]->phase + records[1]->phase,
                   POOL_RECEIVING + POOL_AWAITING);
  assert_int_equal(records[2]->phase, POOL_WAITING);
  assert_string_equal(records[2]->endpoint, "");
  assert_int_equal(records[2]->attempts, 0);
  assert_int_equal(fixture_stats(fx).cancelled, 3);
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).last_error, 0);
}

static void promise_11_an_answer_tells_its_story(void **state) {
  static const server_step_t script[] = {
      EXPECT(), DELAY(30),
      SEND("HTTP/1.1 503 Not Now\r\nRetry-After: 1\r\n"
           "Content-Length: 2\r\nx-Y:  z \r\n\r\nno"),
      REPEAT()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  record_t *first, *second;

  server_default(fx->server, script);
  fixture_pool(fx, &config);
  first = fixture_get(fx, "/1");
  second = fixture_get(fx, "/2");
  fixture_run(fx);

  assert_int_equal(first->error, 0);
  assert_int_equal(first->phase, POOL_COMPLETE);
  assert_int_equal(first->status, 503);
  assert_string_equal(first->body, "no");
  assert_string_equal(record_header(first, "Retry-After"), "1");
  assert_string_equal(record_header(first, "x-Y"), "z");
  assert_int_equal(first->header_count, 3);
  assert_int_equal(first->attempts, 1);
  assert_int_equal(first->reused, 0);
  assert_int_equal(second->reused, 1);
  assert_in_range(first->first_byte_ms, 28, 1000);
  assert_in_range(second->waited_ms, 28, 1000);
  assert_in_range(second->total_ms, 56, 2000);
}

static void on_header_answer(const pool_result_t *result, void *data) {
  char *found = data;
  const char *value = pool_result_header(result, "RETRY-after");

  snprintf(found, 32, "%s|%s|%s|%s", value == NULL ? "none" : value,
           pool_result_header(result, "X-None") == NULL ? "none" : "some",
           pool_result_header(result, "Retry") == NULL ? "none" : "some",
           pool_result_header(NULL, "x") == NULL ? "none" : "some");
}

static void promise_11_a_header_is_found_in_whatever_case(void **state) {
  static const server_step_t script[] = {
      EXPECT(),
      SEND("HTTP/1.1 204 No\r\nretry-After: 7\r\n"
           "Retry-After: 8\r\n\r\n"),
      REPEAT()};
  fixture_t *fx = *state;
  char found[32] = "";

  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_get(fx->pool, "/x", on_header_answer, found), 0);
  fixture_run(fx);

  assert_string_equal(found, "7|none|none|none");
}

/* --- 12 ------------------------------------------------------------------- */

static int signal_hits;

static void on_signal(int number) {
  (void)number;
  signal_hits++;
}

/* Uses a pool in every way that makes trouble: resets, refusals, uploads. */
static void make_trouble(fixture_t *fx) {
  static const server_step_t reset_upload[] = {EXPECT_HEAD(), RESET()};
  static char body[1 << 20];
  int i;

  server_default(fx->server, reset_upload);
  fixture_pool(fx, NULL);
  for (i = 0; i < 10; i++)
    fixture_send(fx, "POST", "/x", body, sizeof body);
  fixture_run(fx);
  server_refuse(fx->server);
  fixture_get(fx, "/x");
  fixture_run(fx);
  fixture_close_pool(fx);
}

static void promise_12_nothing_is_printed(void **state) {
  FILE *file = tmpfile();
  int fd = file == NULL ? -1 : fileno(file);
  int out = dup(1), err = dup(2);
  off_t printed;

  assert_true(fd >= 0 && out >= 0 && err >= 0);
  fflush(stdout);
  fflush(stderr);
  dup2(fd, 1);
  dup2(fd, 2);
  make_trouble(*state);
  fflush(stdout);
  fflush(stderr);
  dup2(out, 1);
  dup2(err, 2);
  printed = lseek(fd, 0, SEEK_END);
  fclose(file);
  close(out);
  close(err);

  assert_int_equal(printed, 0);
}

static void promise_12_no_signal_is_touched(void **state) {
  struct sigaction mine = {.sa_handler = on_signal}, before, after;

  signal_hits = 0;
  assert_int_equal(sigaction(SIGPIPE, &mine, &before), 0);
  make_trouble(*state);
  assert_int_equal(sigaction(SIGPIPE, &before, &after), 0);

  assert_true(after.sa_handler == on_signal);
}

/* --- 13 ------------------------------------------------------------------- */

static void promise_13_a_zeroed_config_is_the_default(void **state) {
  fixture_t *fx = *state;
  pool_config_t zeroed = {0};
  pool_request_t request = {.path = "/x"};
  record_t *got;

  fixture_pool(fx, &zeroed);
  got = fixture_request(fx, &request);
  fixture_run(fx);

  assert_int_equal(got->status, 200);
  assert_int_equal(fixture_stats(fx).max_pending, 1000);
  assert_non_null(strstr(fx->server->records[0].bytes, "GET /x HTTP/1.1\r\n"));
}

static void promise_13_no_config_at_all(void **state) {
  fixture_t *fx = *state;
  pool_stats_t stats;
  pool_t *pool;

  assert_int_equal(pool_create(&pool, &fx->loop, NULL), 0);
  pool_stats(pool, &stats);
  pool_close(pool, NULL, NULL);
  fixture_run(fx);

  assert_int_equal(stats.max_pending, 1000);
}

static int twenty_are_asked(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->server->seen >= 20;
}

static void promise_13_defaults_bound_connections(void **state) {
  static const server_step_t silent[] = {EXPECT(), HANG()};
  fixture_t *fx = *state;
  int i;

  server_default(fx->server, silent);
  fixture_pool(fx, NULL);
  for (i = 0; i < 1000; i++)
    assert_int_equal(fixture_get(fx, "/x")->rc, 0);
  assert_int_equal(fixture_get(fx, "/x")->rc, POOL_EOVERLOADED);
  assert_int_equal(fixture_stats(fx).connecting, 4);
  fixture_run_until(fx, twenty_are_asked, NULL);
  fixture_run_ms(fx, 10);

  assert_int_equal(fx->server->accepted, 20);
  assert_int_equal(fixture_stats(fx).busy, 20);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(promise_7_the_accounts_after_anything),
      FIXTURE_TEST(promise_7_the_accounts_in_a_callback),
      FIXTURE_TEST(promise_11_hangup_before_an_answer),
      FIXTURE_TEST(promise_11_hangup_within_an_answer),
      FIXTURE_TEST(promise_11_reset_before_an_answer),
      FIXTURE_TEST(promise_11_not_http),
      FIXTURE_TEST(promise_11_unasked_upgrade),
      FIXTURE_TEST(promise_11_timeout),
      FIXTURE_TEST(promise_11_too_large),
      FIXTURE_TEST(promise_11_refused),
      FIXTURE_TEST(promise_11_cancelled_in_each_phase),
      FIXTURE_TEST(promise_11_an_answer_tells_its_story),
      FIXTURE_TEST(promise_11_a_header_is_found_in_whatever_case),
      FIXTURE_TEST(promise_12_nothing_is_printed),
      FIXTURE_TEST(promise_12_no_signal_is_touched),
      FIXTURE_TEST(promise_13_a_zeroed_config_is_the_default),
      FIXTURE_TEST(promise_13_no_config_at_all),
      FIXTURE_TEST(promise_13_defaults_bound_connections),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
