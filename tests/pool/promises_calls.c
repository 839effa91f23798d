/* Promise 4: any callback may call any function of the library. Every function
 * is called from every kind of callback, for requests that end in every way;
 * what has to come out is that each request is told once, and that everything
 * can be closed (the fixture looks). */
#include "fixture.h"

static const server_step_t hangup[] = {EXPECT(), CLOSE()};
static const server_step_t reset[] = {EXPECT(), RESET()};
static const server_step_t garbage[] = {EXPECT(), SEND("garbage\r\n"), HANG()};
static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t noisy[] = {EXPECT(), SEND(OK_BODY "more"), HANG()};
static const server_step_t late_noise[] = {EXPECT(), SEND(OK_BODY), TURN(2),
                                           SEND("more"), HANG()};

typedef struct {
  fixture_t *fx;
  void (*action)(fixture_t *fx);
  record_t *others[8];
  unsigned left; /* times the action is still to be done */
} plan_t;

/* --- what is called ------------------------------------------------------ */

static void no_more(record_t *record) {
  (void)record;
}

static void act_request(fixture_t *fx) {
  fixture_get(fx, "/again")->then = no_more;
  fixture_send(fx, "POST", "/again", "body", 4)->then = no_more;
}

static void act_cancel(fixture_t *fx) {
  plan_t *plan = fx->data;
  pool_call_t none = {0};
  int i;

  pool_cancel(fx->pool, none);
  for (i = 0; i < 8; i++)
    if (plan->others[i] != NULL)
      pool_cancel(fx->pool, plan->others[i]->call);
}

static void on_closed(void *data) {
  fixture_t *fx = data;

  fx->closed++;
  fx->pool = NULL;
}

static void act_close(fixture_t *fx) {
  fx->closed = 0;
  pool_close(fx->pool, on_closed, fx);
  pool_close(fx->pool, on_closed, fx);
}

static void act_close_and_call(fixture_t *fx) {
  pool_stats_t stats;

  act_close(fx);
  fixture_get(fx, "/late")->then = no_more;
  act_cancel(fx);
  pool_add_endpoint(fx->pool, "127.0.0.1:9");
  pool_remove_endpoint(fx->pool, fx->server->address);
  pool_set_max_pending(fx->pool, 7);
  pool_stats(fx->pool, &stats);
  pool_drain(fx->pool);
}

static void act_drain(fixture_t *fx) {
  pool_drain(fx->pool);
  pool_drain(fx->pool);
}

static void act_add(fixture_t *fx) {
  pool_add_endpoint(fx->pool, fx->servers[1]->address);
}

static void act_remove(fixture_t *fx) {
  pool_remove_endpoint(fx->pool, fx->server->address);
}

static void act_remove_and_add(fixture_t *fx) {
  pool_remove_endpoint(fx->pool, fx->server->address);
  pool_add_endpoint(fx->pool, fx->server->address);
}

static void act_numbers(fixture_t *fx) {
  pool_endpoint_stats_t endpoint;
  pool_stats_t stats;

  pool_stats(fx->pool, &stats);
  pool_endpoint_stats(fx->pool, fx->server->address, &endpoint);
  pool_set_max_pending(fx->pool, 1);
  pool_set_max_pending(fx->pool, 100);
}

static void act_everything(fixture_t *fx) {
  act_numbers(fx);
  act_request(fx);
  act_cancel(fx);
  act_remove_and_add(fx);
  act_add(fx);
  act_remove(fx);
  act_request(fx);
  act_drain(fx);
  act_close_and_call(fx);
}

static void (*const actions[])(fixture_t *fx) = {
    act_request, act_cancel,     act_close,  act_close_and_call,
    act_drain,   act_add,        act_remove, act_remove_and_add,
    act_numbers, act_everything,
};
#define ACTIONS (sizeof actions / sizeof actions[0])

/* --- when it is called --------------------------------------------------- */

static void act_now(fixture_t *fx) {
  plan_t *plan = fx->data;

  if (plan->left == 0 || fx->pool == NULL)
    return;
  plan->left--;
  plan->action(fx);
}

static void then_act(record_t *record) {
  act_now(record->fx);
}

static void act_on_event(fixture_t *fx, const pool_event_t *event) {
  (void)event;
  act_now(fx);
}

/* --- what had happened --------------------------------------------------- */

typedef struct {
  const char *name;
  const server_step_t *script; /* NULL: answers; of the first two */
  int refuses;
  int cancels;
  int removes;
} scenario_t;

static const scenario_t scenarios[] = {
    {"answered", NULL, 0, 0, 0},         {"hung up on", hangup, 0, 0, 0},
    {"reset", reset, 0, 0, 0},           {"not understood", garbage, 0, 0, 0},
    {"timed out", silent, 0, 0, 0},      {"answered and more", noisy, 0, 0, 0},
    {"more later", late_noise, 0, 0, 0}, {"refused", NULL, 1, 0, 0},
    {"cancelled", silent, 0, 1, 0},      {"removed", silent, 0, 0, 1},
};
#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

static int begin(fixture_t *fx, const scenario_t *scenario, plan_t *plan,
                 int from_events) {
  pool_config_t config = {.max_connections = 2, .timeout_ms = 10};
  int i;

  fx->data = plan;
  fixture_server(fx);
  if (scenario->script != NULL) {
    server_script(fx->server, scenario->script);
    server_script(fx->server, scenario->script);
  }
  if (scenario->refuses)
    server_refuse(fx->server);
  if (from_events)
    fx->on_event = act_on_event;
  fixture_pool(fx, &config);
  for (i = 0; i < 8; i++) {
    plan->others[i] = fixture_get(fx, "/one");
    if (!from_events)
      plan->others[i]->then = then_act;
  }
  return 0;
}

static void play(const scenario_t *scenario, void (*action)(fixture_t *fx),
                 unsigned times, int from_events) {
  plan_t plan = {.action = action, .left = times};
  fixture_t *fx;
  void *state;
  int i;

  fixture_setup(&state);
  fx = plan.fx = state;
  begin(fx, scenario, &plan, from_events);
  if (scenario->cancels || scenario->removes)
    fixture_turns(fx, 4);
  for (i = 0; scenario->cancels && i < 8; i++)
    pool_cancel(fx->pool, plan.others[i]->call);
  if (scenario->removes && fx->pool != NULL)
    pool_remove_endpoint(fx->pool, fx->server->address);
  fixture_run(fx);
  fixture_turns(fx, 4); /* events of an idle pool */
  fx->on_event = NULL;
  if (times > 0 && plan.left == times)
    fail_msg("%s: no callback ran", scenario->name);
  if (fixture_teardown(&state) != 0)
    fail_msg("%s, action %u times", scenario->name, times);
}

static void play_all(unsigned times, int from_events) {
  size_t s, a;

  for (s = 0; s < SCENARIOS; s++)
    for (a = 0; a < ACTIONS; a++)
      play(&scenarios[s], actions[a], times, from_events);
}

static void promise_4_the_first_done_callback_may_call_anything(void **state) {
  (void)state;
  play_all(1, 0);
}

static void promise_4_every_done_callback_may_call_anything(void **state) {
  (void)state;
  play_all(20, 0);
}

static void promise_4_the_first_event_may_call_anything(void **state) {
  (void)state;
  play_all(1, 1);
}

static void promise_4_every_event_may_call_anything(void **state) {
  (void)state;
  play_all(20, 1);
}

/* --- the callback of pool_close() --------------------------------------- */

static void on_closed_start_again(void *data) {
  fixture_t *fx = data;

  fx->closed++;
  fixture_pool(fx, NULL);
  fx->data = fixture_get(fx, "/second life");
  if (((record_t *)fx->data)->rc != 0)
    fx->data = fixture_get(fx, "/second-life");
}

static void promise_4_the_close_callback_may_start_again(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  fixture_get(fx, "/first");
  pool_close(fx->pool, on_closed_start_again, fx);
  fixture_run(fx);
  got = fx->data;

  assert_int_equal(fx->closed, 1);
  assert_int_equal(got->status, 200);
  assert_string_equal(got->body, "/second-life");
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_4_the_first_done_callback_may_call_anything),
      cmocka_unit_test(promise_4_every_done_callback_may_call_anything),
      cmocka_unit_test(promise_4_the_first_event_may_call_anything),
      cmocka_unit_test(promise_4_every_event_may_call_anything),
      FIXTURE_TEST(promise_4_the_close_callback_may_start_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
