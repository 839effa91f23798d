/* A request is ended in each phase that it can be in, by each thing that can
 * end it, from outside the loop and from the callback of another request. */
#include <signal.h>

#include "fixture.h"
#include "pool.h"

#define SHORT_MS  150u
#define BODY_SIZE 16000000u

typedef enum {
  IN_LINE,      /* WAITING */
  IN_CONNECT,   /* CONNECTING */
  IN_SENDING,   /* the server does not read */
  IN_AWAITING,  /* it does not answer */
  IN_RECV_HEAD, /* it stops in the middle of the head */
  IN_RECV_BODY, /* or of the body */
  PLACES
} place_t;

typedef enum { BY_CANCEL, BY_DEADLINE, BY_CLOSE, BY_REMOVAL, BY_DRAIN } end_t;

typedef struct {
  fixture_t *fx;
  hole_t hole;
  int has_hole;
  const char *address; /* of the one endpoint */
  record_t *blocker;
  record_t *target;
  place_t place;
  end_t end;
  int rc; /* of the function that ends it */
} case_t;

static const char *const place_names[PLACES] = {
    "waiting",  "connecting",         "sending",
    "awaiting", "receiving the head", "receiving the body"};
static const pool_phase_t phases[PLACES] = {POOL_WAITING,   POOL_CONNECTING,
                                            POOL_SENDING,   POOL_AWAITING,
                                            POOL_RECEIVING, POOL_RECEIVING};
static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t half_head[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nX: "), HANG()};
static const server_step_t half_body[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), HANG()};
static char large_body[BODY_SIZE];

/* --- to the place --------------------------------------------------------- */

static void open_target(case_t *c, place_t place) {
  c->address = c->fx->server->address;
  if (place == IN_CONNECT || place == IN_SENDING) {
    assert_int_equal(hole_open(&c->hole, place == IN_CONNECT), 0);
    c->has_hole = 1;
    c->address = c->hole.address;
  }
  server_default(c->fx->server, place == IN_RECV_HEAD   ? half_head
                                : place == IN_RECV_BODY ? half_body
                                                        : silent);
  assert_int_equal(pool_add_endpoint(c->fx->pool, c->address), 0);
}

/* The phase in the pool's own books. */
static int is_there(fixture_t *fx, void *arg) {
  const case_t *c = arg;
  const pool__call_t *call = pool__call_find(&fx->pool->calls, c->target->call);
  pool_stats_t stats = fixture_stats(fx);

  if (call == NULL)
    return 0;
  switch (call->state) {
  case POOL__CALL_WAITING:
    return c->place == IN_LINE ||
           (c->place == IN_CONNECT && stats.connecting > 0);
  case POOL__CALL_ACTIVE:
    return call->attempt.phase == POOL_RECEIVING ||
           (call->attempt.phase == POOL_AWAITING && fx->server->seen > 0) ||
           (call->attempt.phase == POOL_SENDING && c->has_hole);
  default:
    return 0;
  }
}

static int blocked(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->server->seen > 0;
}

static void send_target(case_t *c, place_t place) {
  pool_request_t request = {.method = "PUT", .path = "/target"};

  if (place == IN_LINE) {
    c->blocker = fixture_get(c->fx, "/blocker");
    fixture_run_until(c->fx, blocked, NULL);
  }
  request.body = large_body;
  request.body_len = place == IN_SENDING ? BODY_SIZE : 10;
  request.timeout_ms = c->end == BY_CANCEL || c->end == BY_CLOSE ? 0 : SHORT_MS;
  c->target = fixture_request(c->fx, &request);
  assert_int_equal(c->target->rc, 0);
  fixture_run_until(c->fx, is_there, c);
  if (place == IN_RECV_HEAD || place == IN_RECV_BODY)
    while (
        pool__call_find(&c->fx->pool->calls, c->target->call)->attempt.phase !=
        POOL_RECEIVING)
      fixture_turns(c->fx, 1);
}

/* --- the end -------------------------------------------------------------- */

static void on_closed(void *data) {
  fixture_t *fx = data;

  fx->closed++;
  fx->pool = NULL;
}

static void end_it(case_t *c) {
  c->rc = 0;
  switch (c->end) {
  case BY_CANCEL:
    c->rc = pool_cancel(c->fx->pool, c->target->call);
    break;
  case BY_CLOSE:
    pool_close(c->fx->pool, on_closed, c->fx);
    break;
  case BY_REMOVAL:
    c->rc = pool_remove_endpoint(c->fx->pool, c->address);
    break;
  case BY_DRAIN:
    pool_drain(c->fx->pool);
    break;
  case BY_DEADLINE:
    break;
  }
}

static void end_in_callback(record_t *record) {
  end_it(record->then_data);
}

/* A request that is cancelled has its callback in the next turn, whatever the
 * others do. */
static void end_from_callback(case_t *c) {
  record_t *trigger = fixture_get(c->fx, "/trigger");

  trigger->then = end_in_callback;
  trigger->then_data = c;
  assert_int_equal(pool_cancel(c->fx->pool, trigger->call), 0);
  fixture_run_record(c->fx, trigger);
}

static int expected_error(const case_t *c, place_t place) {
  switch (c->end) {
  case BY_CANCEL:
    return UV_ECANCELED;
  case BY_CLOSE:
    return POOL_ECLOSING;
  case BY_REMOVAL:
    return place == IN_LINE || place == IN_CONNECT ? (int)POOL_ENOENDPOINT
                                                   : (int)UV_ETIMEDOUT;
  case BY_DEADLINE:
  case BY_DRAIN:
    break;
  }
  return UV_ETIMEDOUT;
}

static int pool_gone(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->pool == NULL;
}

static int told_drained(fixture_t *fx, void *arg) {
  (void)arg;
  return fixture_events(fx, POOL_EVENT_DRAINED) > 0;
}

/* --- and afterwards ------------------------------------------------------- */

static void serves_again(case_t *c) {
  server_t *healthy = fixture_server(c->fx);
  record_t *got;

  assert_int_equal(pool_add_endpoint(c->fx->pool, healthy->address), 0);
  pool_remove_endpoint(c->fx->pool, c->address);
  got = fixture_get(c->fx, "/again");
  fixture_run_record(c->fx, got);
  assert_int_equal(got->error, 0);
  assert_string_equal(got->body, "/again");
}

static void check_after(case_t *c) {
  if (c->end == BY_CLOSE) {
    fixture_run_until(c->fx, pool_gone, NULL);
    assert_int_equal(c->fx->heap.blocks, 0);
  } else if (c->end == BY_DRAIN) {
    if (c->blocker != NULL && c->blocker->calls == 0)
      assert_int_equal(pool_cancel(c->fx->pool, c->blocker->call), 0);
    fixture_run_until(c->fx, told_drained, NULL);
    assert_int_equal(fixture_stats(c->fx).pending, 0);
  } else {
    serves_again(c);
  }
}

static void run_case(place_t place, end_t end, int in_callback) {
  pool_config_t config = {.max_connections = 1, .connect_timeout_ms = 5000};
  case_t c;
  void *state;

  print_message("             %s\n", place_names[place]);
  memset(&c, 0, sizeof c);
  assert_int_equal(fixture_setup(&state), 0);
  c.fx = state;
  c.place = place;
  c.end = end;
  fixture_pool_bare(c.fx, &config);
  open_target(&c, place);
  send_target(&c, place);
  if (in_callback)
    end_from_callback(&c);
  else
    end_it(&c);
  assert_int_equal(c.rc, 0);
  fixture_run_record(c.fx, c.target);
  assert_int_equal(c.target->error, expected_error(&c, place));
  assert_int_equal(c.target->phase, phases[place]);
  check_after(&c);
  assert_int_equal(c.target->calls, 1);
  if (c.has_hole)
    hole_close(&c.hole);
  assert_int_equal(fixture_teardown(&state), 0);
}

static void run_places(end_t end, int in_callback) {
  place_t place;

  for (place = 0; place < PLACES; place++)
    run_case(place, end, in_callback);
}

static void a_cancel_ends_a_request_in_every_phase(void **state) {
  (void)state;
  run_places(BY_CANCEL, 0);
}

static void a_cancel_in_a_callback_does_too(void **state) {
  (void)state;
  run_places(BY_CANCEL, 1);
}

static void the_deadline_ends_a_request_in_every_phase(void **state) {
  (void)state;
  run_places(BY_DEADLINE, 0);
}

static void closing_the_pool_ends_a_request_in_every_phase(void **state) {
  (void)state;
  run_places(BY_CLOSE, 0);
}

static void closing_it_in_a_callback_does_too(void **state) {
  (void)state;
  run_places(BY_CLOSE, 1);
}

static void a_removed_endpoint_keeps_only_what_is_on_its_way(void **state) {
  (void)state;
  run_places(BY_REMOVAL, 0);
}

static void one_removed_in_a_callback_does_too(void **state) {
  (void)state;
  run_places(BY_REMOVAL, 1);
}

static void a_drain_lets_every_request_go_on_to_its_end(void **state) {
  (void)state;
  run_places(BY_DRAIN, 0);
}

static void a_drain_in_a_callback_does_too(void **state) {
  (void)state;
  run_places(BY_DRAIN, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cancel_ends_a_request_in_every_phase),
      cmocka_unit_test(a_cancel_in_a_callback_does_too),
      cmocka_unit_test(the_deadline_ends_a_request_in_every_phase),
      cmocka_unit_test(closing_the_pool_ends_a_request_in_every_phase),
      cmocka_unit_test(closing_it_in_a_callback_does_too),
      cmocka_unit_test(a_removed_endpoint_keeps_only_what_is_on_its_way),
      cmocka_unit_test(one_removed_in_a_callback_does_too),
      cmocka_unit_test(a_drain_lets_every_request_go_on_to_its_end),
      cmocka_unit_test(a_drain_in_a_callback_does_too),
  };

  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
