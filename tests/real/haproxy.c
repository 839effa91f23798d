/* What haproxy does: between us and nginx, and by itself when it has nobody to
 * ask or nobody answers. */
#include "fixture.h"
#include "process.h"

static process_t nginx, proxy;

static int teardown(void **state) {
  process_remove(&proxy);
  process_remove(&nginx);
  return fixture_teardown(state);
}

#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

#define ANSWERS                                                                \
  "  http-request return status 200 content-type text/plain string hello"

static void pool_to_proxy(fixture_t *fx, uint32_t max_connections) {
  pool_config_t config = {0};

  config.max_connections = max_connections;
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, proxy.address), 0);
}

/* A proxy before one server, with lines for its section. */
static void proxy_to(const char *address, const char *defaults,
                     const char *lines, const char *server_options) {
  char others[512];

  snprintf(others, sizeof others, "backend back\n%s\n  server one %s %s\n",
           lines, address, server_options);
  process_haproxy(&proxy, defaults, "  default_backend back", others);
}

static void assert_answer(const record_t *got, int status) {
  assert_int_equal(got->calls, 1);
  assert_string_equal(pool_err_name(got->error), "OK");
  assert_int_equal(got->status, status);
  assert_int_equal(got->attempts, 1);
}

static record_t *get(fixture_t *fx, const char *path) {
  record_t *got = fixture_get(fx, path);

  assert_int_equal(got->rc, 0);
  fixture_run_record(fx, got);
  return got;
}

/* --- connections --------------------------------------------------------- */

static void requests_through_a_proxy_share_one_connection(void **state) {
  fixture_t *fx = *state;
  int i;

  process_need("haproxy");
  process_nginx(&nginx, 0, "location / { return 200 $request_uri; }");
  proxy_to(nginx.address, "  option http-keep-alive", "", "");
  pool_to_proxy(fx, 20);
  for (i = 0; i < 30; i++) {
    char path[32];
    record_t *got;

    snprintf(path, sizeof path, "/number/%d", i);
    got = get(fx, path);
    assert_answer(got, 200);
    assert_string_equal(got->body, path);
    assert_int_equal(got->reused, i > 0);
  }
  assert_int_equal(fixture_stats(fx).connects, 1);
}

static void a_proxy_that_closes_each_time_is_no_failure(void **state) {
  fixture_t *fx = *state;
  record_t *got[50];
  int i;

  process_need("haproxy");
  process_nginx(&nginx, 0, "location / { return 200 hello; }");
  proxy_to(nginx.address, "  option httpclose", "", "");
  pool_to_proxy(fx, 3);
  for (i = 0; i < 50; i++)
    got[i] = fixture_get(fx, "/");
  fixture_run(fx);
  for (i = 0; i < 50; i++) {
    assert_answer(got[i], 200);
    assert_int_equal(got[i]->reused, 0);
    assert_string_equal(record_header(got[i], "connection"), "close");
  }
  assert_int_equal(fixture_stats(fx).connects, 50);
  assert_int_equal(fixture_stats(fx).stale, 0);
}

static int none_is_idle(fixture_t *fx, void *arg) {
  (void)arg;
  return fixture_stats(fx).idle == 0;
}

static void
a_connection_that_the_proxy_lets_go_is_not_used_again(void **state) {
  fixture_t *fx = *state;

  process_haproxy(&proxy, "  timeout http-keep-alive 200ms", ANSWERS, "");
  pool_to_proxy(fx, 20);
  assert_answer(get(fx, "/"), 200);
  assert_int_equal(fixture_stats(fx).idle, 1);
  fixture_run_until(fx, none_is_idle, NULL);
  assert_answer(get(fx, "/"), 200);
  assert_int_equal(fixture_stats(fx).connects, 2);
  assert_int_equal(fixture_stats(fx).failed, 0);
}

/* --- bodies ----------------------------------------------------------------
 */

static void large_bodies_pass_through_a_proxy(void **state) {
  fixture_t *fx = *state;
  const size_t len = 1024 * 1024;
  char *text = malloc(len);
  record_t *got;

  assert_non_null(text);
  process_need("haproxy");
  process_pattern(text, len);
  process_nginx(&nginx, 0,
                "client_max_body_size 2m;"
                "location /post { return 200 $http_content_length; }");
  process_write(&nginx, "big", text, len);
  proxy_to(nginx.address, "  option http-keep-alive", "", "");
  pool_to_proxy(fx, 1);
  got = get(fx, "/big");
  assert_answer(got, 200);
  assert_int_equal(got->body_len, len);
  assert_memory_equal(got->body, text, len);
  got = fixture_send(fx, "POST", "/post", text, len);
  fixture_run_record(fx, got);
  assert_answer(got, 200);
  assert_string_equal(got->body, "1048576");
  got = fixture_send(fx, "HEAD", "/big", NULL, 0);
  fixture_run_record(fx, got);
  assert_answer(got, 200);
  assert_int_equal(got->body_len, 0);
  assert_answer(get(fx, "/big"), 200);
  assert_int_equal(fixture_stats(fx).connects, 1);
  free(text);
}

/* --- what the proxy says itself --------------------------------------------
 */

static void no_server_behind_the_proxy_is_a_503(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  int i;

  process_haproxy(&proxy, "", "  default_backend none", "backend none");
  pool_to_proxy(fx, 2);
  for (i = 0; i < 5; i++) {
    got = get(fx, "/");
    assert_answer(got, 503);
    assert_true(got->body_len > 0);
  }
  assert_int_equal(fixture_stats(fx).succeeded, 5);
}

static void a_server_that_refuses_the_proxy_is_a_503(void **state) {
  fixture_t *fx = *state;

  server_refuse(fx->server);
  process_need("haproxy");
  proxy_to(fx->server->address, "  retries 0", "", "");
  pool_to_proxy(fx, 2);
  assert_answer(get(fx, "/"), 503);
  assert_int_equal(server_listen(fx->server), 0);
  assert_answer(get(fx, "/"), 200);
}

static void a_server_that_is_silent_to_the_proxy_is_a_504(void **state) {
  static const server_step_t silent[] = {EXPECT(), HANG()};
  fixture_t *fx = *state;
  record_t *got;

  server_script(fx->server, silent);
  process_need("haproxy");
  proxy_to(fx->server->address, "", "  timeout server 200ms", "");
  pool_to_proxy(fx, 2);
  got = get(fx, "/");
  assert_answer(got, 504);
  assert_in_range(got->first_byte_ms, 150, 5000);
  assert_answer(get(fx, "/"), 200);
}

static void a_server_that_hangs_up_on_the_proxy_is_a_502(void **state) {
  static const server_step_t rude[] = {EXPECT(), CLOSE()};
  fixture_t *fx = *state;

  server_default(fx->server, rude);
  process_need("haproxy");
  proxy_to(fx->server->address, "  retries 0", "", "");
  pool_to_proxy(fx, 2);
  assert_answer(get(fx, "/"), 502);
}

/* The proxy's own queue: one request at a time may go to the server, and who
 * waits for too long is told. */
static void a_queue_that_is_too_long_at_the_proxy_is_a_503(void **state) {
  static const server_step_t slow[] = {EXPECT(), DELAY(600), REPLY(), HANG()};
  fixture_t *fx = *state;
  record_t *first, *second;

  server_default(fx->server, slow);
  process_need("haproxy");
  proxy_to(fx->server->address, "  timeout queue 200ms", "", "maxconn 1");
  pool_to_proxy(fx, 2);
  first = fixture_get(fx, "/first");
  second = fixture_get(fx, "/second");
  fixture_run(fx);
  assert_int_equal(first->error, 0);
  assert_int_equal(second->error, 0);
  assert_int_equal(first->status + second->status, 200 + 503);
  assert_int_equal(fx->server->seen, 1);
}

/* The front's limit: a connection over it is not accepted until another one
 * goes; its requests wait, and are served. */
static void
a_proxy_at_its_connection_limit_serves_all_in_the_end(void **state) {
  fixture_t *fx = *state;
  record_t *got[60];
  int i;

  process_haproxy(&proxy, "  option httpclose",
                  "  maxconn 2\n  backlog 100\n" ANSWERS, "");
  pool_to_proxy(fx, 6);
  for (i = 0; i < 60; i++)
    got[i] = fixture_get(fx, "/");
  fixture_run(fx);
  for (i = 0; i < 60; i++)
    assert_answer(got[i], 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(requests_through_a_proxy_share_one_connection),
      TEST(a_proxy_that_closes_each_time_is_no_failure),
      TEST(a_connection_that_the_proxy_lets_go_is_not_used_again),
      TEST(large_bodies_pass_through_a_proxy),
      TEST(no_server_behind_the_proxy_is_a_503),
      TEST(a_server_that_refuses_the_proxy_is_a_503),
      TEST(a_server_that_is_silent_to_the_proxy_is_a_504),
      TEST(a_server_that_hangs_up_on_the_proxy_is_a_502),
      TEST(a_queue_that_is_too_long_at_the_proxy_is_a_503),
      TEST(a_proxy_at_its_connection_limit_serves_all_in_the_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
