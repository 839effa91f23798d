/* Endpoints: added, removed, and what becomes of requests meanwhile. */
#include "fixture.h"

static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t slow[] = {EXPECT(), DELAY(10), REPLY(), REPEAT()};

static void get_many(fixture_t *fx, record_t **records, int count) {
  char path[16];
  int i;

  for (i = 0; i < count; i++) {
    snprintf(path, sizeof path, "/%d", i);
    records[i] = fixture_get(fx, path);
  }
}

/* --- endpoints come and go ----------------------------------------------- */

static void without_an_endpoint_nothing_is_accepted(void **state) {
  fixture_t *fx = *state;

  fixture_pool_bare(fx, NULL);
  assert_int_equal(fixture_get(fx, "/x")->rc, POOL_ENOENDPOINT);
  assert_int_equal(fixture_stats(fx).accepted, 0);
}

static void an_endpoint_is_added_once(void **state) {
  fixture_t *fx = *state;
  char name[80];

  fixture_pool(fx, NULL);
  snprintf(name, sizeof name, "http://%s", fx->server->address);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), UV_EEXIST);
  assert_int_equal(pool_add_endpoint(fx->pool, name), UV_EEXIST);
  assert_int_equal(pool_add_endpoint(fx->pool, "localhost:80"), UV_ENOTSUP);
  assert_int_equal(pool_add_endpoint(fx->pool, "https://1.2.3.4"), UV_ENOTSUP);
  assert_int_equal(pool_add_endpoint(fx->pool, "unix:/x"), UV_ENOTSUP);
  assert_int_equal(pool_add_endpoint(fx->pool, "1.2.3.4:0"), UV_EINVAL);
  assert_int_equal(pool_add_endpoint(fx->pool, NULL), UV_EINVAL);
  assert_int_equal(pool_remove_endpoint(fx->pool, "1.2.3.4"), UV_ENOENT);
  assert_int_equal(pool_remove_endpoint(fx->pool, "???"), UV_EINVAL);
  assert_int_equal(fixture_stats(fx).endpoints, 1);
}

static void an_endpoint_that_is_added_serves_who_waits(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  pool_config_t config = {.max_connections = 1};
  record_t *records[2];

  server_default(fx->server, silent);
  fixture_pool(fx, &config);
  get_many(fx, records, 2);
  fixture_run_ms(fx, 5);
  assert_int_equal(fixture_stats(fx).waiting, 1);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  fixture_run_record(fx, records[1]);

  assert_string_equal(records[1]->body, "/1");
  assert_string_equal(records[1]->endpoint, other->address);
}

static void a_removed_endpoint_ends_what_it_was_sent(void **state) {
  fixture_t *fx = *state;
  server_t *other = fixture_server(fx);
  pool_config_t config = {.max_connections = 1};
  record_t *records[3];

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  get_many(fx, records, 3);
  fixture_run_ms(fx, 4);
  assert_int_equal(fixture_stats(fx).active, 1);
  assert_int_equal(pool_add_endpoint(fx->pool, other->address), 0);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run(fx);
  fixture_run_ms(fx, 5);

  assert_string_equal(records[0]->endpoint, fx->server->address);
  assert_string_equal(records[0]->body, "/0");
  assert_string_equal(records[1]->endpoint, other->address);
  assert_string_equal(records[2]->endpoint, other->address);
  assert_int_equal(fx->server->seen, 1);
  assert_int_equal(fx->server->open, 0);
}

static void removing_the_last_endpoint_ends_who_waits(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  record_t *records[3];

  server_default(fx->server, slow);
  fixture_pool(fx, &config);
  get_many(fx, records, 3);
  fixture_run_ms(fx, 4);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run(fx);

  assert_int_equal(records[0]->error, 0);
  assert_int_equal(records[1]->error, POOL_ENOENDPOINT);
  assert_int_equal(records[1]->phase, POOL_WAITING);
  assert_int_equal(records[2]->error, POOL_ENOENDPOINT);
  assert_int_equal(records[2]->order, 2); /* at once */
}

static void removing_the_last_endpoint_while_it_is_connecting(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  fixture_pool(fx, NULL);
  got = fixture_get(fx, "/x");
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  fixture_run(fx);

  assert_int_equal(got->error, POOL_ENOENDPOINT);
  assert_int_equal(fx->server->seen, 0);
}

static void a_removed_endpoint_may_come_back_at_once(void **state) {
  fixture_t *fx = *state;
  record_t *first, *second;

  server_script(fx->server, slow);
  fixture_pool(fx, NULL);
  first = fixture_get(fx, "/1");
  fixture_run_ms(fx, 3);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
  second = fixture_get(fx, "/2");
  fixture_run(fx);

  assert_string_equal(first->body, "/1");
  assert_string_equal(second->body, "/2");
  assert_int_equal(second->reused, 0);
  assert_int_equal(fx->server->accepted, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(without_an_endpoint_nothing_is_accepted),
      FIXTURE_TEST(an_endpoint_is_added_once),
      FIXTURE_TEST(an_endpoint_that_is_added_serves_who_waits),
      FIXTURE_TEST(a_removed_endpoint_ends_what_it_was_sent),
      FIXTURE_TEST(removing_the_last_endpoint_ends_who_waits),
      FIXTURE_TEST(removing_the_last_endpoint_while_it_is_connecting),
      FIXTURE_TEST(a_removed_endpoint_may_come_back_at_once),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
