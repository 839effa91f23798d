/* Every call into libuv and libc that can fail does so, with each error that
 * it may have: the request ends with just that error, or succeeds after all. */
#include <signal.h>

#include "fixture.h"
#include "wrap_uv.h"

#define OPEN_ENDED "HTTP/1.1 200 OK\r\n\r\n/get"

static const server_step_t open_ended[] = {EXPECT(), SEND(OPEN_ENDED), CLOSE()};

static const int connect_errors[] = {
    UV_EMFILE,        UV_ENFILE,       UV_ENOBUFS,      UV_ENOMEM,
    UV_EADDRNOTAVAIL, UV_ENETUNREACH,  UV_EHOSTUNREACH, UV_EACCES,
    UV_EPERM,         UV_ECONNREFUSED, UV_ETIMEDOUT,    0};
static const int other_errors[] = {UV_EINVAL, UV_ENOMEM, UV_ENOBUFS,
                                   UV_ECONNRESET, 0};
static const int write_errors[] = {UV_EPIPE,  UV_ECONNRESET, UV_ENOBUFS,
                                   UV_ENOMEM, UV_EBADF,      0};

static void serves_ten(fixture_t *fx) {
  record_t *got[10];
  int i;

  wrap_reset();
  server_default(fx->server, fx->servers[1]->fallback);
  for (i = 0; i < 10; i++)
    got[i] = fixture_get(fx, "/after");
  fixture_run(fx);
  for (i = 0; i < 10; i++) {
    assert_int_equal(got[i]->error, 0);
    assert_string_equal(got[i]->body, "/after");
  }
}

/* Two requests, one after the other, the n-th of those calls fails. What the
 * second and later do depends on it; all end with that error or an answer. */
static void run_one(wrap_call_t call, uint32_t n, int and_later, int error,
                    const server_step_t *script) {
  fixture_t *fx;
  record_t *got;
  void *state;
  int i;

  assert_int_equal(fixture_setup(&state), 0);
  fx = state;
  fixture_server(fx); /* for its default script; nobody connects to it */
  if (script != NULL)
    server_default(fx->server, script);
  fixture_pool(fx, NULL);
  wrap_reset();
  wrap_fail(call, n, and_later, error);
  for (i = 0; i < 3; i++) {
    uint32_t before = wrap_failures();

    got = fixture_get(fx, "/get");
    fixture_run(fx);
    assert_int_equal(got->rc, 0);
    assert_int_equal(got->calls, 1);
    assert_true(got->error == 0 || got->error == error);
    assert_true(got->error == 0 || wrap_failures() > before);
    if (got->error == 0)
      assert_string_equal(got->body, "/get");
    if (call == WRAP_CONNECT || call == WRAP_NODELAY || call == WRAP_CONNECTED)
      assert_true(got->error == 0 || got->phase == POOL_CONNECTING);
    fixture_turns(fx, 3);
  }
  assert_true(!and_later || wrap_failures() > 0);
  serves_ten(fx);
  assert_int_equal(fixture_teardown(&state), 0);
}

static void run_errors(wrap_call_t call, const int *errors,
                       const server_step_t *script) {
  uint32_t n;

  for (; *errors != 0; errors++) {
    for (n = 1; n <= 3; n++)
      run_one(call, n, 0, *errors, script);
    run_one(call, 1, 1, *errors, script);
  }
}

static void a_connect_that_cannot_begin_ends_with_its_error(void **state) {
  (void)state;
  run_errors(WRAP_CONNECT, connect_errors, NULL);
  run_errors(WRAP_NODELAY, other_errors, NULL);
}

static void a_connect_that_fails_later_does_too(void **state) {
  (void)state;
  run_errors(WRAP_CONNECTED, connect_errors, NULL);
  run_errors(WRAP_READ_START, other_errors, NULL);
}

static void a_write_that_fails_at_once_ends_with_its_error(void **state) {
  (void)state;
  run_errors(WRAP_TRY_WRITE, write_errors, NULL);
}

static int was_lost_to(const fixture_t *fx, int error) {
  uint32_t i;

  for (i = 0; i < fx->event_count; i++)
    if (fx->events[i].type == POOL_EVENT_DISCONNECT)
      return fx->events[i].error == error;
  return 0;
}

/* And the event says why. */
static void
a_rested_connection_that_cannot_be_looked_at_is_replaced(void **state) {
  static const wrap_call_t calls[] = {WRAP_FILENO, WRAP_PEEK};
  static const int reasons[] = {UV_EBADF, UV_ECONNRESET};
  size_t i;

  (void)state;
  for (i = 0; i < 2; i++) {
    fixture_t *fx;
    record_t *got;
    void *own;

    assert_int_equal(fixture_setup(&own), 0);
    fx = own;
    fixture_pool(fx, NULL);
    wrap_reset();
    fixture_get(fx, "/first");
    fixture_run(fx);
    fixture_turns(fx, 3);
    wrap_fail(calls[i], 1, 0, UV_ECONNRESET);
    got = fixture_get(fx, "/second");
    fixture_run(fx);
    assert_int_equal(got->error, 0);
    assert_int_equal(wrap_failures(), 1);
    assert_true(was_lost_to(fx, reasons[i]));
    assert_int_equal(fixture_stats(fx).stale, 1);
    assert_int_equal(fx->server->accepted, 2);
    assert_int_equal(fixture_teardown(&own), 0);
  }
}

static void an_interrupted_look_is_taken_again(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  wrap_reset();
  fixture_get(fx, "/first");
  fixture_run(fx);
  fixture_turns(fx, 3);
  wrap_fail(WRAP_PEEK, 1, 0, UV_EINTR);
  got = fixture_get(fx, "/second");
  fixture_run(fx);
  assert_int_equal(wrap_failures(), 1);
  assert_int_equal(got->error, 0);
  assert_int_equal(fx->server->accepted, 1);
}

static void an_open_end_that_cannot_be_judged_is_no_answer(void **state) {
  (void)state;
  run_errors(WRAP_GETSOCKOPT, other_errors, open_ended);
}

static void a_write_that_cannot_be_queued_ends_with_its_error(void **state) {
  fixture_t *fx = *state;
  const int *error = write_errors;

  fixture_server(fx);
  fixture_pool(fx, NULL);
  for (; *error != 0; error++) {
    record_t *got;

    wrap_reset();
    wrap_limit_try_write(5);
    wrap_fail(WRAP_WRITE, 1, 0, *error);
    got = fixture_get(fx, "/");
    fixture_run(fx);
    assert_int_equal(got->error, *error);
    assert_int_equal(got->phase, POOL_SENDING);
    assert_int_equal(got->attempts, 1);
  }
  serves_ten(fx);
}

/* Nothing of it was sent: a connection used before is replaced, and the
 * request goes elsewhere. */
static void an_unsent_request_on_a_rested_connection_is_sent_anew(void **s) {
  fixture_t *fx = *s;
  record_t *got;

  fixture_pool(fx, NULL);
  wrap_reset();
  fixture_get(fx, "/first");
  fixture_run(fx);
  wrap_limit_try_write(0);
  wrap_fail(WRAP_WRITE, 1, 0, UV_EPIPE);
  got = fixture_send(fx, "POST", "/second", "x", 1);
  fixture_run(fx);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->attempts, 1);
  assert_int_equal(fx->server->seen, 2);
}

/* What we lack is no fault of the connections at rest. */
static void a_lack_of_ours_costs_no_connection_but_one(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  int i;

  fixture_pool(fx, NULL);
  wrap_reset();
  for (i = 0; i < 4; i++)
    fixture_get(fx, "/warm");
  fixture_run(fx);
  wrap_limit_try_write(0);
  wrap_fail(WRAP_WRITE, 1, 1, UV_ENOMEM);
  got = fixture_get(fx, "/x");
  fixture_run(fx);
  assert_int_equal(got->error, UV_ENOMEM);
  assert_int_equal(fixture_stats(fx).idle, 3);
  assert_int_equal(fixture_stats(fx).stale, 0);
}

/* The server has half a request and waits for the rest, which cannot come. */
static void a_write_that_fails_later_ends_with_its_error(void **state) {
  static const int errors[] = {UV_ENOBUFS, UV_ENOMEM, 0};
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 1000};
  const int *error = errors;

  fixture_server(fx);
  fixture_pool(fx, &config);
  for (; *error != 0; error++) {
    record_t *got;

    wrap_reset();
    wrap_limit_try_write(5);
    wrap_fail(WRAP_WRITTEN, 1, 0, *error);
    got = fixture_get(fx, "/");
    fixture_run(fx);
    assert_int_equal(got->error, *error);
    assert_int_equal(got->phase, POOL_SENDING);
  }
  serves_ten(fx);
}

/* The server answered and closed before it had the whole request (RFC 9112
 * 9.5): that the rest cannot be sent is no reason not to read what it said. */
static void an_answer_behind_a_broken_pipe_is_read(void **state) {
  static const server_step_t script[] = {EXPECT(), REPLY(), TURN(5),
                                         SEND(OK_BODY), CLOSE()};
  fixture_t *fx = *state;
  record_t *got;

  server_default(fx->server, script);
  fixture_pool(fx, NULL);
  wrap_reset();
  fixture_run_record(fx, fixture_get(fx, "/first"));
  wrap_limit_try_write(5);
  wrap_fail(WRAP_WRITTEN, 1, 0, UV_EPIPE);
  got = fixture_get(fx, "/second");
  fixture_run(fx);
  assert_int_equal(wrap_failures(), 1);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "hello");
}

static void a_write_may_take_any_number_of_bytes(void **state) {
  fixture_t *fx = *state;
  static const char body[] = "a small body of a request";
  size_t n;

  fixture_pool(fx, NULL);
  wrap_reset();
  for (n = 0; n < 160; n++) {
    record_t *got;

    wrap_limit_try_write(n);
    got = fixture_send(fx, "POST", "/bytes", body, sizeof body - 1);
    fixture_run(fx);
    assert_int_equal(got->error, 0);
    assert_string_equal(got->body, "/bytes");
    assert_string_equal(strstr(fx->server->records[n].bytes, "\r\n\r\n") + 4,
                        body);
    assert_string_equal(fx->server->records[n].bytes,
                        fx->server->records[0].bytes);
  }
  assert_true(wrap_called(WRAP_WRITE) > 80);
  assert_true(wrap_called(WRAP_WRITE) < 160);
  assert_int_equal(fx->server->accepted, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_connect_that_cannot_begin_ends_with_its_error),
      cmocka_unit_test(a_connect_that_fails_later_does_too),
      cmocka_unit_test(a_write_that_fails_at_once_ends_with_its_error),
      cmocka_unit_test(
          a_rested_connection_that_cannot_be_looked_at_is_replaced),
      FIXTURE_TEST(an_interrupted_look_is_taken_again),
      cmocka_unit_test(an_open_end_that_cannot_be_judged_is_no_answer),
      FIXTURE_TEST(a_write_that_cannot_be_queued_ends_with_its_error),
      FIXTURE_TEST(an_unsent_request_on_a_rested_connection_is_sent_anew),
      FIXTURE_TEST(a_lack_of_ours_costs_no_connection_but_one),
      FIXTURE_TEST(a_write_that_fails_later_ends_with_its_error),
      FIXTURE_TEST(an_answer_behind_a_broken_pipe_is_read),
      FIXTURE_TEST(a_write_may_take_any_number_of_bytes),
  };

  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
