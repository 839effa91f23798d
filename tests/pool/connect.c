/* Connections: who gets one, how many there are, and what happens when they
 * cannot be had. */
#include "fixture.h"

#include "pool.h"

static const server_step_t slow[] = {EXPECT(), DELAY(10), REPLY(), REPEAT()};

static void get_many(fixture_t *fx, record_t **records, int count) {
  char path[16];
  int i;

  for (i = 0; i < count; i++) {
    snprintf(path, sizeof path, "/%d", i);
    records[i] = fixture_get(fx, path);
  }
}

/* --- late binding --------------------------------------------------------- */

static void waiters_are_served_in_their_order(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  record_t *records[20];
  char path[16];
  int i;

  fixture_pool(fx, &config);
  get_many(fx, records, 20);
  fixture_run(fx);

  for (i = 0; i < 20; i++) {
    snprintf(path, sizeof path, "/%d", i);
    assert_string_equal(records[i]->body, path);
    assert_int_equal(records[i]->order, i + 1);
  }
  assert_int_equal(fx->server->accepted, 1);
}

/* Two waiters, two connects; the first answer frees a connection on which the
 * second waiter would go, if the other connect took longer. */
static void a_waiter_takes_whatever_comes_free_first(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.connect_timeout_ms = 5000};
  record_t *records[2];
  hole_t hole;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  get_many(fx, records, 2);
  assert_int_equal(fixture_stats(fx).connecting, 2);
  fixture_run(fx);
  hole_close(&hole);

  assert_string_equal(records[0]->body, "/0");
  assert_string_equal(records[1]->body, "/1");
  assert_int_equal(records[1]->reused, 1);
  assert_true(records[1]->total_ms < 1000);
}

static void no_more_connects_than_waiters(void **state) {
  fixture_t *fx = *state;
  record_t *records[2];

  fixture_pool(fx, NULL);
  get_many(fx, records, 2);
  assert_int_equal(fixture_stats(fx).connecting, 2);
  fixture_run(fx);
  assert_int_equal(fx->server->accepted, 2);
}

static void max_connecting_bounds_connects_at_once(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connecting = 2, .connect_timeout_ms = 5000};
  record_t *records[10];
  hole_t hole;
  int i;

  assert_int_equal(hole_open(&hole, 1), 0);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  get_many(fx, records, 10);
  assert_int_equal(fixture_stats(fx).connecting, 2);
  for (i = 0; i < 10; i++)
    assert_int_equal(pool_cancel(fx->pool, records[i]->call), 0);
  fixture_run(fx);
  hole_close(&hole);
}

static void max_connections_bounds_an_endpoint(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  pool_config_t config = {.max_connections = 3};
  record_t *records[40];

  server_default(fx->server, slow);
  server_default(other, slow);
  fixture_pool(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  get_many(fx, records, 40);
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).succeeded, 40);
  assert_int_equal(fx->server->accepted, 3);
  assert_int_equal(other->accepted, 3);
}

static void several_endpoints_share_the_load(void **state) {
  fixture_t *fx = *state;
  server_t *second = fixture_server(fx), *third = fixture_server(fx);
  record_t *records[60];

  server_default(fx->server, slow);
  server_default(second, slow);
  server_default(third, slow);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, second->address), 0);
  assert_int_equal(pool_add_endpoint(fx->pool, third->address), 0);
  get_many(fx, records, 60);
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).succeeded, 60);
  assert_true(fx->server->seen >= 12);
  assert_true(second->seen >= 12);
  assert_true(third->seen >= 12);
}

/* --- connects that fail --------------------------------------------------- */

static void a_refusal_ends_the_only_request_at_once(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, UV_ECONNREFUSED);
  assert_int_equal(got->phase, POOL_CONNECTING);
  assert_int_equal(got->attempts, 0);
  assert_true(got->total_ms < 100);
}

static void refusals_end_all_who_wait_soon(void **state) {
  fixture_t *fx = *state;
  record_t *records[100];
  uint64_t start = uv_hrtime();
  int i;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  get_many(fx, records, 100);
  fixture_run(fx);

  for (i = 0; i < 100; i++)
    assert_int_equal(records[i]->error, UV_ECONNREFUSED);
  assert_true(uv_hrtime() - start < 1000000000u);
}

static void one_that_refuses_fails_nobody_while_another_serves(void **state) {
  fixture_t *fx = *state;
  server_t *dead = fixture_server(fx);
  record_t *records[100];
  int i;

  server_refuse(dead);
  fixture_pool_bare(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, dead->address), 0);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  get_many(fx, records, 100);
  fixture_run(fx);

  for (i = 0; i < 100; i++)
    assert_int_equal(records[i]->error, 0);
  assert_true(fixture_stats(fx).connect_fails > 0);
}

/* What is open may come free: whoever waits for that has not lost yet. */
static void a_refusal_fails_nobody_while_a_connection_is_open(void **state) {
  fixture_t *fx = *state;
  record_t *first, *second;

  server_default(fx->server, slow);
  fixture_pool(fx, NULL);
  first = fixture_get(fx, "/1");
  fixture_run_ms(fx, 4);
  assert_int_equal(fixture_stats(fx).busy, 1);
  server_refuse(fx->server);
  second = fixture_get(fx, "/2");
  fixture_run(fx);

  assert_string_equal(first->body, "/1");
  assert_string_equal(second->body, "/2");
  assert_int_equal(second->reused, 1);
  assert_int_equal(fixture_stats(fx).connect_fails, 1);
}

/* Nothing is open, everything was tried: who waits is told. */
static void all_that_refuse_end_who_waits(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *got;

  server_refuse(fx->server);
  server_refuse(other);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_int_equal(got->error, UV_ECONNREFUSED);
  assert_int_equal(fixture_stats(fx).connect_fails, 2);
}

static void a_network_that_cannot_be_reached_is_told(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool_bare(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, "255.255.255.255:9"), 0);
  got = fixture_get(fx, "/x");
  fixture_run(fx);

  assert_true(got->error == UV_EACCES || got->error == UV_ENETUNREACH);
  assert_int_equal(got->phase, POOL_CONNECTING);
  assert_string_equal(got->endpoint, "255.255.255.255:9");
  assert_int_equal(fixture_stats(fx).closing, 0);
}

static void a_server_that_comes_back_is_used_at_once(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  int i;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  for (i = 0; i < 12; i++) {
    fixture_get(fx, "/down");
    fixture_run(fx);
  }
  assert_int_equal(fixture_stats(fx).failed, 12);
  assert_int_equal(server_listen(fx->server), 0);
  got = fixture_get(fx, "/up");
  fixture_run(fx);

  assert_string_equal(got->body, "/up");
  assert_true(got->total_ms < 50);
}

/* While another one serves, an endpoint that came back is found again by load,
 * after its pause. */
static void one_of_two_that_comes_back_gets_its_share_again(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *records[40];
  int round;

  server_default(fx->server, slow);
  server_default(other, slow);
  server_refuse(other);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  get_many(fx, records, 10);
  fixture_run(fx);
  assert_int_equal(other->seen, 0);
  assert_int_equal(server_listen(other), 0);
  for (round = 0; round < 200 && other->seen == 0; round++) {
    get_many(fx, records, 40);
    fixture_run(fx);
  }

  assert_true(other->seen > 0);
  assert_int_equal(fixture_stats(fx).failed, 0);
}

/* Several connects of one burst that fail are one failure, not a row of them:
 * the pause is the shortest one. */
static void connects_that_fail_together_count_once(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  record_t *records[40];

  server_default(fx->server, slow);
  server_default(other, slow);
  server_refuse(other);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  get_many(fx, records, 10);
  fixture_run(fx);
  assert_int_equal(server_listen(other), 0);
  fixture_run_ms(fx, 130);
  get_many(fx, records, 40);
  fixture_run(fx);

  assert_true(other->seen > 0);
}

/* Its back-off starts anew once it has served. */
static void a_connect_that_succeeds_forgets_the_failures(void **state) {
  fixture_t *fx = *state;
  pool__link_t *link;
  const pool__endpoint_t *endpoint;

  server_refuse(fx->server);
  fixture_pool(fx, NULL);
  fixture_get(fx, "/refused");
  fixture_run(fx);
  link = pool__list_first(&fx->pool->endpoints.serving);
  assert_non_null(link);
  endpoint = POOL__OF(link, pool__endpoint_t, link);
  assert_int_equal(endpoint->connect_fails_in_row, 1);
  assert_int_equal(server_listen(fx->server), 0);
  fixture_get(fx, "/served");
  fixture_run(fx);

  assert_int_equal(fixture_stats(fx).succeeded, 1);
  assert_int_equal(endpoint->connect_fails_in_row, 0);
}

static void an_endpoint_that_failed_is_left_alone_for_a_while(void **state) {
  fixture_t *fx = *state;
  server_t *dead = fixture_server(fx);
  record_t *records[40];
  int i;

  server_refuse(dead);
  fixture_pool(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, dead->address), 0);
  for (i = 0; i < 10; i++) {
    get_many(fx, records, 40);
    fixture_run(fx);
  }

  assert_int_equal(fixture_stats(fx).failed, 0);
  assert_in_range(fixture_endpoint_stats(fx, dead).connect_fails, 1, 8);
}

/* --- IPv6 ----------------------------------------------------------------- */

static void ipv6_is_an_address_like_any_other(void **state) {
  fixture_t *fx = *state;
  server_t *server = calloc(1, sizeof *server);
  char host[80];
  record_t *got;

  fx->servers[fx->server_count++] = server;
  if (server_open(server, &fx->loop, 1) != 0) {
    print_message("there is no IPv6 here\n");
    return;
  }
  fixture_pool_bare(fx, NULL);
  assert_int_equal(pool_add_endpoint(fx->pool, server->address), 0);
  got = fixture_get(fx, "/six");
  fixture_run(fx);
  snprintf(host, sizeof host, "\r\nHost: %s\r\n", server->address);

  assert_string_equal(got->body, "/six");
  assert_string_equal(got->endpoint, server->address);
  assert_non_null(strstr(server->records[0].bytes, host));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(waiters_are_served_in_their_order),
      FIXTURE_TEST(a_waiter_takes_whatever_comes_free_first),
      FIXTURE_TEST(no_more_connects_than_waiters),
      FIXTURE_TEST(max_connecting_bounds_connects_at_once),
      FIXTURE_TEST(max_connections_bounds_an_endpoint),
      FIXTURE_TEST(several_endpoints_share_the_load),
      FIXTURE_TEST(a_refusal_ends_the_only_request_at_once),
      FIXTURE_TEST(refusals_end_all_who_wait_soon),
      FIXTURE_TEST(one_that_refuses_fails_nobody_while_another_serves),
      FIXTURE_TEST(a_refusal_fails_nobody_while_a_connection_is_open),
      FIXTURE_TEST(all_that_refuse_end_who_waits),
      FIXTURE_TEST(a_network_that_cannot_be_reached_is_told),
      FIXTURE_TEST(a_server_that_comes_back_is_used_at_once),
      FIXTURE_TEST(one_of_two_that_comes_back_gets_its_share_again),
      FIXTURE_TEST(connects_that_fail_together_count_once),
      FIXTURE_TEST(a_connect_that_succeeds_forgets_the_failures),
      FIXTURE_TEST(an_endpoint_that_failed_is_left_alone_for_a_while),
      FIXTURE_TEST(ipv6_is_an_address_like_any_other),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
