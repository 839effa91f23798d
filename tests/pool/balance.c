/* Load is shared by what endpoints cost. Counted at the servers, under a load
 * that does not care how fast the answers come. */
#include "fixture.h"

#define REQUESTS 4000u

static const server_step_t in_10_ms[] = {EXPECT(), DELAY(10), REPLY(),
                                         REPEAT()};
static const server_step_t in_50_ms[] = {EXPECT(), DELAY(50), REPLY(),
                                         REPEAT()};
static const server_step_t busy_at_once[] = {
    EXPECT(), SEND("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), REPEAT()};

typedef struct {
  fixture_t *fx;
  uv_timer_t timer;
  uint32_t left;
  uint32_t at_once;               /* every millisecond */
  uint32_t seen[FIXTURE_SERVERS]; /* before the load */
} load_t;

static void on_tick(uv_timer_t *timer) {
  load_t *load = timer->data;
  uint32_t i;

  for (i = 0; i < load->at_once && load->left > 0; i++, load->left--)
    fixture_get(load->fx, "/x");
  if (load->left == 0)
    uv_timer_stop(timer);
}

/* So many servers, the first of which runs that script. */
static void begin(fixture_t *fx, uint32_t servers, const server_step_t *first) {
  uint32_t i;

  server_default(fx->server, first);
  fixture_pool(fx, NULL);
  for (i = 1; i < servers; i++) {
    server_default(fixture_server(fx), in_10_ms);
    assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[i]->address), 0);
  }
}

static void run(load_t *load, fixture_t *fx, uint32_t at_once) {
  uint32_t i;

  memset(load, 0, sizeof *load);
  load->fx = fx;
  load->left = REQUESTS;
  load->at_once = at_once;
  for (i = 0; i < fx->server_count; i++)
    load->seen[i] = fx->servers[i]->seen;
  uv_timer_init(&fx->loop, &load->timer);
  load->timer.data = load;
  uv_timer_start(&load->timer, on_tick, 1, 1);
  fixture_run(fx);
  uv_close((uv_handle_t *)&load->timer, NULL);
  fixture_turns(fx, 2);
  assert_int_equal(fixture_stats(fx).succeeded % REQUESTS, 0);
}

static uint32_t share(const load_t *load, uint32_t i) { /* in a hundred */
  return (load->fx->servers[i]->seen - load->seen[i]) * 100 / REQUESTS;
}

static void equals_get_equal_shares(void **state) {
  fixture_t *fx = *state;
  load_t load;
  uint32_t i;

  begin(fx, 4, in_10_ms);
  run(&load, fx, 2);
  for (i = 0; i < 4; i++)
    assert_in_range(share(&load, i), 20, 30); /* 25, within a fifth */
}

static void a_weight_is_a_share(void **state) {
  fixture_t *fx = *state;
  load_t load;

  begin(fx, 4, in_10_ms);
  assert_int_equal(pool_set_weight(fx->pool, fx->server->address, 3), 0);
  run(&load, fx, 4);
  assert_in_range(share(&load, 0), 40, 55); /* half */
  assert_int_equal(fixture_endpoint_stats(fx, fx->server).weight, 3);
}

/* Of many, for none of n gets more than two of n; the twice as heavy get twice
 * as much. */
static void weights_hold_among_many(void **state) {
  fixture_t *fx = *state;
  load_t load;
  uint32_t heavy;

  begin(fx, 6, in_10_ms);
  assert_int_equal(pool_set_weight(fx->pool, fx->servers[0]->address, 2), 0);
  assert_int_equal(pool_set_weight(fx->pool, fx->servers[3]->address, 2), 0);
  run(&load, fx, 8);
  heavy = share(&load, 0) + share(&load, 3);
  assert_in_range(heavy, 40, 60); /* half: 4 of 8 */
}

static void of_two_the_heavier_gets_more_but_not_all(void **state) {
  fixture_t *fx = *state;
  load_t load;

  begin(fx, 2, in_10_ms);
  assert_int_equal(pool_set_weight(fx->pool, fx->server->address, 2), 0);
  run(&load, fx, 2);
  assert_in_range(share(&load, 0), 57, 75); /* two thirds */
}

static void weights_have_limits(void **state) {
  fixture_t *fx = *state;

  fixture_pool(fx, NULL);
  assert_int_equal(pool_set_weight(fx->pool, fx->server->address, 1000), 0);
  assert_int_equal(pool_set_weight(fx->pool, fx->server->address, 0),
                   UV_EINVAL);
  assert_int_equal(pool_set_weight(fx->pool, fx->server->address, 1001),
                   UV_EINVAL);
  assert_int_equal(pool_set_weight(fx->pool, "127.0.0.1:1", 1), UV_ENOENT);
  assert_int_equal(pool_set_weight(fx->pool, "nowhere", 1), UV_EINVAL);
  assert_int_equal(pool_set_weight(NULL, fx->server->address, 1), UV_EINVAL);
  assert_int_equal(pool_set_weight(fx->pool, NULL, 1), UV_EINVAL);
}

static void a_slow_one_gets_less(void **state) {
  fixture_t *fx = *state;
  load_t load;

  begin(fx, 4, in_50_ms);
  run(&load, fx, 2);
  assert_in_range(share(&load, 0), 1, 10);
  assert_in_range(fixture_endpoint_stats(fx, fx->server).latency_ms, 49, 60);
}

/* It answers at once, and that it has no time: it looks free, and is the one
 * that most requests would go to. */
static void one_that_fails_fast_draws_nothing(void **state) {
  fixture_t *fx = *state;
  load_t load;
  uint32_t i;

  begin(fx, 5, busy_at_once);
  run(&load, fx, 2);
  run(&load, fx, 2);
  assert_in_range(share(&load, 0), 0, 1);
  for (i = 1; i < 5; i++)
    assert_in_range(share(&load, i), 20, 30);
}

/* More than the good ones can take at once: those wait, and are not thrown at
 * the one that has no time. */
static void nor_when_all_others_are_full(void **state) {
  pool_config_t config = {.max_connections = 5, .max_pending = 10000};
  fixture_t *fx = *state;
  load_t load;
  uint32_t i;

  server_default(fx->server, busy_at_once);
  fixture_pool(fx, &config);
  for (i = 1; i < 3; i++) {
    server_default(fixture_server(fx), in_10_ms);
    assert_int_equal(pool_add_endpoint(fx->pool, fx->servers[i]->address), 0);
  }
  run(&load, fx, 1);
  run(&load, fx, 4);
  assert_in_range(share(&load, 0), 0, 3);
}

static void a_seed_decides(void **state) {
  uint32_t shares[2][4];
  fixture_t *fx;
  void *mine = NULL;
  load_t load;
  uint32_t round, i;

  (void)state;
  for (round = 0; round < 2; round++) {
    assert_int_equal(fixture_setup(&mine), 0);
    fx = mine;
    begin(fx, 4, in_10_ms);
    run(&load, fx, 2);
    for (i = 0; i < 4; i++)
      shares[round][i] = fx->servers[i]->seen;
    assert_int_equal(fixture_teardown(&mine), 0);
  }
  assert_memory_equal(shares[0], shares[1], sizeof shares[0]);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(equals_get_equal_shares),
      FIXTURE_TEST(a_weight_is_a_share),
      FIXTURE_TEST(weights_hold_among_many),
      FIXTURE_TEST(of_two_the_heavier_gets_more_but_not_all),
      FIXTURE_TEST(weights_have_limits),
      FIXTURE_TEST(a_slow_one_gets_less),
      FIXTURE_TEST(one_that_fails_fast_draws_nothing),
      FIXTURE_TEST(nor_when_all_others_are_full),
      cmocka_unit_test(a_seed_decides),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
