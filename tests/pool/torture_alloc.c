/* Memory that runs out, at each allocation in turn: once, and from there on
 * for good. Whatever fails fails cleanly, and with memory back the pool serves
 * as ever. */
#include <signal.h>

#include "fixture.h"

#define ROUNDS_MAX 400u /* allocations in one scenario; it has far fewer */
#define MANY       8

typedef struct {
  fixture_t *fx;
  server_t *second;
  record_t *made[MANY];
  int count;
  int rc; /* of what is not a request */
} scene_t;

typedef struct {
  const char *name;
  const server_step_t *script; /* NULL: the default one */
  pool_config_t config;
  int bare; /* the pool has no endpoint before the scenario */
  void (*act)(scene_t *scene);
} scenario_t;

#define H(n) "X-Header-" #n ": value of " #n "\r\n"
#define H10(n)                                                                 \
  H(n##0)                                                                      \
  H(n##1) H(n##2) H(n##3) H(n##4) H(n##5) H(n##6) H(n##7) H(n##8) H(n##9)
#define HUNDRED                                                                \
  "HTTP/1.1 200 OK\r\n" H10(0) H10(1) H10(2) H10(3) H10(4) H10(5) H10(6)       \
      H10(7) H10(8) H10(9) "Content-Length: 2\r\n\r\nok"
#define CHUNKED                                                                \
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                      \
  "5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\nC: d\r\n\r\n"

#define LARGE_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"
#define LARGE_SIZE (sizeof LARGE_HEAD - 1 + 200000)

static char large[LARGE_SIZE + 1] = LARGE_HEAD; /* the rest is filled in */
static const server_step_t hundred[] = {EXPECT(), SEND(HUNDRED), REPEAT()};
static const server_step_t chunked[] = {EXPECT(), DRIP(CHUNKED, 7), REPEAT()};
static const server_step_t bulky[] = {EXPECT(), SEND_BYTES(large, LARGE_SIZE),
                                      REPEAT()};
static const server_step_t silent[] = {EXPECT(), HANG()};

/* --- scenarios ------------------------------------------------------------ */

static void made(scene_t *scene, record_t *record) {
  scene->made[scene->count++] = record;
}

static void get(scene_t *scene) {
  made(scene, fixture_get(scene->fx, "/one"));
}

static void get_many(scene_t *scene) {
  int i;

  for (i = 0; i < MANY; i++)
    get(scene);
}

static void post_copy(scene_t *scene) {
  char body[1000];
  pool_request_t request = {.method = "POST", .path = "/copy"};

  memset(body, 'b', sizeof body);
  request.body = body;
  request.body_len = sizeof body;
  request.flags = POOL_COPY_BODY;
  made(scene, fixture_request(scene->fx, &request));
  memset(body, 0, sizeof body);
}

static void long_head(scene_t *scene, size_t len) {
  static char value[8000];
  pool_header_t header = {"X-Long", value, 0, 0};
  pool_request_t request = {.path = "/long"};

  memset(value, 'v', sizeof value);
  header.value_len = len;
  request.headers = &header;
  request.header_count = 1;
  made(scene, fixture_request(scene->fx, &request));
  made(scene, fixture_request(scene->fx, &request));
}

static void head_of_400(scene_t *scene) {
  long_head(scene, 400);
}

static void head_of_6000(scene_t *scene) {
  long_head(scene, 6000);
}

static void add_and_get(scene_t *scene) {
  scene->rc = pool_add_endpoint(scene->fx->pool, scene->fx->server->address);
  get(scene);
}

static void two_endpoints(scene_t *scene) {
  scene->rc = pool_add_endpoint(scene->fx->pool, scene->second->address);
  get_many(scene);
}

static void remove_it(scene_t *scene) {
  scene->rc = pool_add_endpoint(scene->fx->pool, scene->second->address);
  get_many(scene);
  fixture_turns(scene->fx, 2);
  pool_remove_endpoint(scene->fx->pool, scene->fx->server->address);
}

static void cancel_some(scene_t *scene) {
  int i;

  get_many(scene);
  fixture_turns(scene->fx, 2);
  for (i = 0; i < MANY; i += 2)
    if (scene->made[i]->rc == 0)
      pool_cancel(scene->fx->pool, scene->made[i]->call);
}

static void drain(scene_t *scene) {
  get_many(scene);
  fixture_turns(scene->fx, 2);
  pool_drain(scene->fx->pool);
}

static void close_now(scene_t *scene) {
  get_many(scene);
  fixture_turns(scene->fx, 3);
  fixture_close_pool(scene->fx);
}

static const scenario_t scenarios[] = {
    {"an endpoint is added", NULL, {0}, 1, add_and_get},
    {"a plain GET", NULL, {0}, 0, get},
    {"a POST with a copied body", NULL, {0}, 0, post_copy},
    {"a head of 400 bytes", NULL, {0}, 0, head_of_400},
    {"a head of 6000 bytes", NULL, {0}, 0, head_of_6000},
    {"an answer with 100 fields", hundred, {0}, 0, get},
    {"chunks and trailers", chunked, {0}, 0, get},
    {"a large body", bulky, {0}, 0, get},
    {"many requests over two endpoints", NULL, {0}, 0, two_endpoints},
    {"requests in line for one connection",
     NULL,
     {.max_connections = 1},
     0,
     get_many},
    {"one request per connection",
     NULL,
     {.max_connections = 2, .max_requests = 1},
     0,
     get_many},
    {"one connection, two endpoints",
     NULL,
     {.max_connections = 1, .max_requests = 1},
     0,
     two_endpoints},
    {"an endpoint is removed", NULL, {.max_connections = 2}, 0, remove_it},
    {"requests are cancelled", silent, {.timeout_ms = 50}, 0, cancel_some},
    {"a drain", NULL, {.max_connections = 1}, 0, drain},
    {"a close with requests pending", silent, {0}, 0, close_now},
};

/* --- running them --------------------------------------------------------- */

/* What may come of a request: an answer, no memory, or an end that the
 * scenario itself brings about. */
static void check_outcome(const record_t *record) {
  if (record->rc != 0) {
    assert_true(record->rc == UV_ENOMEM || record->rc == POOL_ENOENDPOINT);
    assert_int_equal(record->calls, 0);
    return;
  }
  assert_int_equal(record->calls, 1);
  assert_true(record->error == 0 || record->error == UV_ENOMEM ||
              record->error == UV_ECANCELED || record->error == UV_ETIMEDOUT ||
              record->error == POOL_ECLOSING ||
              record->error == POOL_ENOENDPOINT);
}

static void check_serves(fixture_t *fx) {
  record_t *got[10];
  int i;

  server_default(fx->server, fx->servers[1]->fallback);
  server_close_all(fx->server, 0);
  fixture_turns(fx, 5);
  for (i = 0; i < 2; i++) {
    int rc = pool_add_endpoint(fx->pool, fx->servers[i]->address);

    assert_true(rc == 0 || rc == UV_EEXIST);
  }
  for (i = 0; i < 10; i++)
    got[i] = fixture_get(fx, "/after");
  fixture_run(fx);
  for (i = 0; i < 10; i++) {
    assert_int_equal(got[i]->rc, 0);
    assert_int_equal(got[i]->error, 0);
    assert_string_equal(got[i]->body, "/after");
  }
}

static void prepare(scene_t *scene, const scenario_t *scenario) {
  void *state;

  memset(scene, 0, sizeof *scene);
  assert_int_equal(fixture_setup(&state), 0);
  scene->fx = state;
  scene->second = fixture_server(scene->fx);
  if (scenario->script != NULL)
    server_default(scene->fx->server, scenario->script);
  if (scenario->bare)
    fixture_pool_bare(scene->fx, &scenario->config);
  else
    fixture_pool(scene->fx, &scenario->config);
}

/* Returns how many allocations were made to fail. */
static uint64_t run_once(const scenario_t *scenario, uint64_t n,
                         int and_later) {
  scene_t scene;
  uint64_t failures;
  void *state;
  int i;

  prepare(&scene, scenario);
  alarm(20); /* an endless loop would not see any other guard */
  heap_fail(&scene.fx->heap, n, and_later);
  scenario->act(&scene);
  fixture_run(scene.fx);
  alarm(0);
  failures = scene.fx->heap.failures;
  heap_fail(&scene.fx->heap, 0, 0);
  assert_true(scene.rc == 0 || scene.rc == UV_ENOMEM);
  for (i = 0; i < scene.count; i++)
    check_outcome(scene.made[i]);
  if (scene.fx->pool != NULL && scenario->act != drain)
    check_serves(scene.fx);
  state = scene.fx;
  assert_int_equal(fixture_teardown(&state), 0);
  return failures;
}

static void run_scenario(const scenario_t *scenario, int and_later) {
  uint64_t n = 1;

  while (n < ROUNDS_MAX && run_once(scenario, n, and_later) > 0)
    n++;
  print_message("             %s: %u failures\n", scenario->name,
                (unsigned)(n - 1));
  assert_true(n < ROUNDS_MAX);
}

static void run_all(int and_later) {
  size_t i;

  for (i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    run_scenario(&scenarios[i], and_later);
}

static void one_failed_allocation_is_one_clean_failure(void **state) {
  (void)state;
  run_all(0);
}

static void memory_that_stays_away_is_survived(void **state) {
  (void)state;
  run_all(1);
}

static void create_fails_cleanly_at_each_allocation(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.allocator = heap_allocator(&fx->heap)};
  pool_t *const untouched = (pool_t *)(void *)&config;
  pool_t *pool = untouched;
  uint64_t n = 1;

  config.on_event = NULL;
  heap_fail(&fx->heap, n, 0);
  while (pool_create(&pool, &fx->loop, &config) != 0) {
    assert_ptr_equal(pool, untouched);
    assert_int_equal(fx->heap.blocks, 0);
    assert_true(n < ROUNDS_MAX);
    heap_fail(&fx->heap, ++n, 0);
  }
  heap_fail(&fx->heap, 0, 0);
  assert_true(n > 1);
  fx->pool = pool;
  fixture_close_pool(fx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(create_fails_cleanly_at_each_allocation),
      cmocka_unit_test(one_failed_allocation_is_one_clean_failure),
      cmocka_unit_test(memory_that_stays_away_is_survived),
  };

  memset(large + sizeof LARGE_HEAD - 1, 'x', 200000);
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
