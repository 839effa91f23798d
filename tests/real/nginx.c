/* What nginx does on a good day, and how it says no. */
#include "fixture.h"
#include "process.h"

#define BIG_BYTES (1024u * 1024u)

static process_t nginx;

static int teardown(void **state) {
  process_remove(&nginx);
  return fixture_teardown(state);
}

#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

static void pool_to_nginx(fixture_t *fx, uint32_t max_connections) {
  pool_config_t config = {0};

  config.max_connections = max_connections;
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, nginx.address), 0);
}

static void assert_answer(const record_t *got, int status) {
  assert_int_equal(got->calls, 1);
  assert_string_equal(pool_err_name(got->error), "OK");
  assert_int_equal(got->status, status);
  assert_int_equal(got->phase, POOL_COMPLETE);
  assert_int_equal(got->attempts, 1);
}

static record_t *get(fixture_t *fx, const char *path) {
  record_t *got = fixture_get(fx, path);

  assert_int_equal(got->rc, 0);
  fixture_run_record(fx, got);
  return got;
}

static char *write_pattern(const char *name, size_t len) {
  char *text = malloc(len);

  assert_non_null(text);
  process_pattern(text, len);
  process_write(&nginx, name, text, len);
  return text;
}

/* --- connections --------------------------------------------------------- */

static void requests_in_a_row_share_one_connection(void **state) {
  fixture_t *fx = *state;
  int i;

  process_nginx(&nginx, 0, "location / { return 200 hello; }");
  pool_to_nginx(fx, 20);
  for (i = 0; i < 50; i++) {
    record_t *got = get(fx, "/");

    assert_answer(got, 200);
    assert_string_equal(got->body, "hello");
    assert_int_equal(got->reused, i > 0);
  }
  assert_int_equal(fixture_stats(fx).connects, 1);
}

static int none_is_idle(fixture_t *fx, void *arg) {
  (void)arg;
  return fixture_stats(fx).idle == 0;
}

static void a_connection_that_nginx_lets_go_is_not_used_again(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  process_nginx(&nginx, 0,
                "keepalive_timeout 1s; location / { return 200 hello; }");
  pool_to_nginx(fx, 20);
  assert_answer(get(fx, "/"), 200);
  assert_int_equal(fixture_stats(fx).idle, 1);
  fixture_run_until(fx, none_is_idle, NULL);

  got = get(fx, "/");
  assert_answer(got, 200);
  assert_int_equal(got->reused, 0);
  assert_int_equal(fixture_stats(fx).connects, 2);
  assert_int_equal(fixture_stats(fx).failed, 0);
  assert_int_equal(fixture_events(fx, POOL_EVENT_DISCONNECT), 1);
}

/* With a second argument nginx says how long it will wait, and we go first. */
static void the_keep_alive_hint_of_nginx_is_heeded(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  process_nginx(&nginx, 0,
                "keepalive_timeout 30s 2s; location / { return 200 hello; }");
  pool_to_nginx(fx, 20);
  got = get(fx, "/");
  assert_string_equal(record_header(got, "Keep-Alive"), "timeout=2");
  fixture_run_until(fx, none_is_idle, NULL);
  fixture_run_ms(fx, 1);
  assert_int_equal(fx->events[fx->event_count - 1].type, POOL_EVENT_DISCONNECT);
  assert_int_equal(fx->events[fx->event_count - 1].error, 0);
}

static void every_third_answer_ends_its_connection(void **state) {
  fixture_t *fx = *state;
  int i, said_close = 0;

  process_nginx(&nginx, 0,
                "keepalive_requests 3; location / { return 200 hello; }");
  pool_to_nginx(fx, 1);
  for (i = 0; i < 20; i++) {
    record_t *got = get(fx, "/");

    assert_answer(got, 200);
    said_close += strcmp(record_header(got, "Connection"), "close") == 0;
  }
  assert_int_equal(said_close, 6);
  assert_int_equal(fixture_stats(fx).connects, 7);
  assert_int_equal(fixture_stats(fx).stale, 0);
}

static void
a_crowd_is_served_by_no_more_connections_than_allowed(void **state) {
  fixture_t *fx = *state;
  record_t *got[100];
  int i;

  process_nginx(&nginx, 0,
                "keepalive_requests 7; location / { return 200 hello; }");
  pool_to_nginx(fx, 5);
  for (i = 0; i < 100; i++)
    got[i] = fixture_get(fx, "/");
  fixture_run(fx);
  for (i = 0; i < 100; i++) {
    assert_answer(got[i], 200);
    assert_in_range(got[i]->stats.busy + got[i]->stats.idle +
                        got[i]->stats.connecting + got[i]->stats.closing,
                    0, 5);
  }
}

static void no_answer_at_all_is_a_hangup(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  process_nginx(&nginx, 0,
                "location /no { return 444; } location / { return 200 yes; }");
  pool_to_nginx(fx, 20);
  got = get(fx, "/no");
  assert_string_equal(pool_err_name(got->error), "POOL_EHANGUP");
  assert_int_equal(got->phase, POOL_AWAITING);
  assert_int_equal(got->attempts, 1);
  assert_string_equal(got->endpoint, nginx.address);
  assert_answer(get(fx, "/yes"), 200);
}

/* --- answers ---------------------------------------------------------------
 */

static void a_file_comes_whole(fixture_t *fx, const char *path, char *text,
                               size_t len) {
  record_t *got = get(fx, path);

  assert_answer(got, 200);
  assert_int_equal(got->body_len, len);
  assert_memory_equal(got->body, text, len);
  free(text);
}

static void large_files_come_whole(void **state) {
  fixture_t *fx = *state;

  process_init(&nginx);
  process_nginx(&nginx, 0, "");
  pool_to_nginx(fx, 1);
  a_file_comes_whole(fx, "/64k", write_pattern("64k", 65536), 65536);
  a_file_comes_whole(fx, "/1m", write_pattern("1m", BIG_BYTES), BIG_BYTES);
  a_file_comes_whole(fx, "/odd", write_pattern("odd", 65537), 65537);
  assert_int_equal(fixture_stats(fx).connects, 1);
}

static void a_file_over_the_limit_is_too_large(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {0};

  process_nginx(&nginx, 0, "");
  free(write_pattern("64k", 65536));
  free(write_pattern("less", 65535));
  config.max_body_bytes = 65535;
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, nginx.address), 0);
  assert_int_equal(get(fx, "/64k")->error, POOL_ETOOLARGE);
  assert_answer(get(fx, "/less"), 200);
}

/* Server-side includes have no length beforehand, and come in many chunks. */
static void a_chunked_answer_comes_whole(void **state) {
  static const char page[] = "[<!--# include virtual=\"/part.txt\" -->|"
                             "<!--# include virtual=\"/part.txt\" -->]";
  fixture_t *fx = *state;
  const size_t part = 100000;
  char *text;
  record_t *got;

  process_nginx(&nginx, 0, "ssi on;");
  text = write_pattern("part.txt", part);
  process_write(&nginx, "page.html", page, sizeof page - 1);
  pool_to_nginx(fx, 1);
  got = get(fx, "/page.html");
  assert_answer(got, 200);
  assert_string_equal(record_header(got, "Transfer-Encoding"), "chunked");
  assert_int_equal(got->body_len, 2 * part + 3);
  assert_memory_equal(got->body + 1, text, part);
  assert_memory_equal(got->body + part + 1, "|", 1);
  assert_memory_equal(got->body + part + 2, text, part);
  free(text);
  assert_true(get(fx, "/page.html")->reused);
}

static void an_answer_that_ends_with_its_connection_comes_whole(void **state) {
  fixture_t *fx = *state;
  char *text;
  record_t *got;

  process_nginx(&nginx, 0, "ssi on; chunked_transfer_encoding off;");
  text = write_pattern("page.html", 100000);
  pool_to_nginx(fx, 1);
  got = get(fx, "/page.html");
  assert_answer(got, 200);
  assert_null(record_header(got, "Content-Length"));
  assert_null(record_header(got, "Transfer-Encoding"));
  assert_int_equal(got->body_len, 100000);
  assert_memory_equal(got->body, text, 100000);
  free(text);
  assert_false(get(fx, "/page.html")->reused);
}

static void
an_answer_to_head_has_no_body_and_keeps_the_connection(void **state) {
  fixture_t *fx = *state;
  record_t *got;

  process_nginx(&nginx, 0, "");
  free(write_pattern("1m", BIG_BYTES));
  pool_to_nginx(fx, 1);
  got = fixture_send(fx, "HEAD", "/1m", NULL, 0);
  fixture_run_record(fx, got);
  assert_answer(got, 200);
  assert_string_equal(record_header(got, "Content-Length"), "1048576");
  assert_int_equal(got->body_len, 0);
  assert_true(get(fx, "/1m")->reused);
}

static void not_modified_has_no_body_and_keeps_the_connection(void **state) {
  fixture_t *fx = *state;
  pool_request_t request = {0};
  pool_header_t header = {0};
  record_t *got;

  process_nginx(&nginx, 0, "");
  free(write_pattern("64k", 65536));
  pool_to_nginx(fx, 1);
  header.name = "If-None-Match";
  header.value = record_header(get(fx, "/64k"), "ETag");
  assert_non_null(header.value);
  request.path = "/64k";
  request.headers = &header;
  request.header_count = 1;
  got = fixture_request(fx, &request);
  fixture_run_record(fx, got);
  assert_answer(got, 304);
  assert_int_equal(got->body_len, 0);
  got = get(fx, "/64k");
  assert_answer(got, 200);
  assert_true(got->reused);
}

/* --- request bodies ------------------------------------------------------ */

static void a_large_body_is_taken(void **state) {
  fixture_t *fx = *state;
  char *body = malloc(BIG_BYTES);
  record_t *got;
  int i;

  assert_non_null(body);
  process_pattern(body, BIG_BYTES);
  process_nginx(&nginx, 0,
                "client_max_body_size 2m; location / { return 200 taken; }");
  pool_to_nginx(fx, 1);
  for (i = 0; i < 3; i++) {
    got = fixture_send(fx, "POST", "/", body, BIG_BYTES);
    fixture_run_record(fx, got);
    assert_answer(got, 200);
    assert_string_equal(got->body, "taken");
    assert_int_equal(got->reused, i > 0);
  }
  free(body);
}

/* The refusal comes while the body is being sent. */
static void a_body_that_is_refused_early_gets_its_answer(void **state) {
  fixture_t *fx = *state;
  const size_t len = 8 * BIG_BYTES;
  char *body = malloc(len);
  record_t *got;

  assert_non_null(body);
  process_pattern(body, len);
  process_nginx(&nginx, 0,
                "client_max_body_size 1k; location / { return 200 taken; }");
  pool_to_nginx(fx, 1);
  got = fixture_send(fx, "POST", "/", body, len);
  fixture_run_record(fx, got);
  free(body);
  assert_answer(got, 413);
  assert_answer(get(fx, "/"), 200);
  assert_int_equal(fixture_stats(fx).connects, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(requests_in_a_row_share_one_connection),
      TEST(a_connection_that_nginx_lets_go_is_not_used_again),
      TEST(the_keep_alive_hint_of_nginx_is_heeded),
      TEST(every_third_answer_ends_its_connection),
      TEST(a_crowd_is_served_by_no_more_connections_than_allowed),
      TEST(no_answer_at_all_is_a_hangup),
      TEST(large_files_come_whole),
      TEST(a_file_over_the_limit_is_too_large),
      TEST(a_chunked_answer_comes_whole),
      TEST(an_answer_that_ends_with_its_connection_comes_whole),
      TEST(an_answer_to_head_has_no_body_and_keeps_the_connection),
      TEST(not_modified_has_no_body_and_keeps_the_connection),
      TEST(a_large_body_is_taken),
      TEST(a_body_that_is_refused_early_gets_its_answer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
