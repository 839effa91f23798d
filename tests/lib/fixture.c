#include "fixture.h"

#ifdef FIXTURE_SIMULATED
#include "kernel.h"
#endif

/* --- records -------------------------------------------------------------- */

static char *copy_bytes(const char *bytes, size_t len) {
  char *copy = malloc(len + 1);

  if (copy == NULL)
    abort();
  memcpy(copy, bytes, len);
  copy[len] = '\0';
  return copy;
}

static void free_result(record_t *record) {
  size_t i;

  for (i = 0; i < record->header_count; i++) {
    free((char *)(uintptr_t)record->headers[i].name);
    free((char *)(uintptr_t)record->headers[i].value);
  }
  free(record->headers);
  free(record->body);
  record->header_count = 0;
  record->headers = NULL;
  record->body = NULL;
}

static void copy_headers(record_t *record, const pool_result_t *result) {
  size_t i;

  record->headers = calloc(result->header_count + 1, sizeof *record->headers);
  if (record->headers == NULL)
    abort();
  record->header_count = result->header_count;
  for (i = 0; i < result->header_count; i++) {
    const pool_header_t *from = &result->headers[i];
    pool_header_t *to = &record->headers[i];

    to->name = copy_bytes(from->name, from->name_len);
    to->name_len = from->name_len;
    to->value = copy_bytes(from->value, from->value_len);
    to->value_len = from->value_len;
  }
}

static void copy_result(record_t *record, const pool_result_t *result) {
  free_result(record);
  record->error = result->error;
  record->phase = result->phase;
  record->status = result->status;
  copy_headers(record, result);
  record->body = copy_bytes(result->body, result->body_len);
  record->body_len = result->body_len;
  if (result->endpoint != NULL)
    snprintf(record->endpoint, sizeof record->endpoint, "%s", result->endpoint);
  record->attempts = result->attempts;
  record->reused = result->reused;
  record->waited_ms = result->waited_ms;
  record->first_byte_ms = result->first_byte_ms;
  record->total_ms = result->total_ms;
  record->first_error = result->first_error;
  record->last_error = result->last_error;
}

record_t *fixture_record(fixture_t *fx) {
  record_t *record = calloc(1, sizeof *record);

  if (record == NULL)
    abort();
  record->fx = fx;
  record->next = fx->records;
  record->rc = -1;
  record->started_hr = uv_hrtime();
  fx->records = record;
  return record;
}

void fixture_done(const pool_result_t *result, void *data) {
  record_t *record = data;
  fixture_t *fx = record->fx;

  record->calls++;
  record->order = ++fx->callbacks;
  record->in_call = fx->in_call;
  record->ended_hr = uv_hrtime();
  copy_result(record, result);
  if (fx->pool != NULL)
    pool_stats(fx->pool, &record->stats);
  if (record->then != NULL)
    record->then(record);
}

record_t *fixture_request(fixture_t *fx, const pool_request_t *request) {
  record_t *record = fixture_record(fx);
  int outer = fx->in_call;

  fx->in_call = 1;
  record->rc =
      pool_request(fx->pool, request, fixture_done, record, &record->call);
  fx->in_call = outer;
  return record;
}

record_t *fixture_send(fixture_t *fx, const char *method, const char *path,
                       const char *body, size_t len) {
  pool_request_t request = {0};

  request.method = method;
  request.path = path;
  request.body = body;
  request.body_len = len;
  return fixture_request(fx, &request);
}

record_t *fixture_get(fixture_t *fx, const char *path) {
  return fixture_send(fx, NULL, path, NULL, 0);
}

const char *record_header(const record_t *record, const char *name) {
  size_t i;

  for (i = 0; i < record->header_count; i++)
    if (strcmp(record->headers[i].name, name) == 0)
      return record->headers[i].value;
  return NULL;
}

/* --- events -------------------------------------------------------------- */

static void on_event(pool_t *pool, const pool_event_t *event, void *data) {
  fixture_t *fx = data;

  (void)pool;
  if (fx->event_count < FIXTURE_EVENTS) {
    fixture_event_t *to = &fx->events[fx->event_count++];

    to->type = event->type;
    to->error = event->error;
    to->lost = event->lost;
    to->all = *event;
    if (event->endpoint != NULL)
      snprintf(to->endpoint, sizeof to->endpoint, "%s", event->endpoint);
  }
  if (fx->on_event != NULL)
    fx->on_event(fx, event);
}

const fixture_event_t *fixture_event(const fixture_t *fx,
                                     pool_event_type_t type, uint32_t n) {
  uint32_t i;

  for (i = 0; i < fx->event_count; i++)
    if (fx->events[i].type == type && n-- == 0)
      return &fx->events[i];
  return NULL;
}

uint32_t fixture_events(const fixture_t *fx, pool_event_type_t type) {
  uint32_t count = 0;
  uint32_t i;

  for (i = 0; i < fx->event_count; i++)
    count += fx->events[i].type == type;
  return count;
}

/* --- running the loop ---------------------------------------------------- */

static void on_guard(uv_timer_t *timer) {
  fixture_t *fx = timer->data;

  fx->hung = 1;
  uv_stop(timer->loop);
}

static void start_guard(fixture_t *fx) {
  fx->hung = 0;
  uv_update_time(&fx->loop);
  uv_timer_start(&fx->guard, on_guard, FIXTURE_GUARD_MS, 0);
}

/* Runs until `test`, which may be NULL; 0, or -1 when it takes too long. */
static int run(fixture_t *fx, int (*test)(fixture_t *fx, void *arg),
               void *arg) {
  start_guard(fx);
  if (test == NULL) {
    uv_run(&fx->loop, UV_RUN_DEFAULT);
  } else {
    uv_ref((uv_handle_t *)&fx->guard);
    while (!fx->hung && !test(fx, arg))
      uv_run(&fx->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&fx->guard);
  }
  uv_timer_stop(&fx->guard);
  return fx->hung ? -1 : 0;
}

void fixture_run(fixture_t *fx) {
  if (run(fx, NULL, NULL) != 0)
    fail_msg("the loop did not come to rest");
}

void fixture_run_until(fixture_t *fx, int (*test)(fixture_t *fx, void *arg),
                       void *arg) {
  if (run(fx, test, arg) != 0)
    fail_msg("what was waited for did not happen");
}

static int was_told(fixture_t *fx, void *arg) {
  const record_t *record = arg;

  (void)fx;
  return record->calls > 0;
}

void fixture_run_record(fixture_t *fx, const record_t *record) {
  fixture_run_until(fx, was_told, (void *)(uintptr_t)record);
}

static void on_timer(uv_timer_t *timer) {
  fixture_t *fx = timer->data;

  fx->timer_fired = 1;
}

static int timer_fired(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->timer_fired;
}

void fixture_run_ms(fixture_t *fx, uint32_t ms) {
  fx->timer_fired = 0;
  uv_update_time(&fx->loop);
  uv_timer_start(&fx->timer, on_timer, ms, 0);
  fixture_run_until(fx, timer_fired, NULL);
}

void fixture_turns(fixture_t *fx, uint32_t n) {
  while (n-- > 0)
    uv_run(&fx->loop, UV_RUN_NOWAIT);
}

void fixture_block(uint32_t ms) {
  uint64_t until = uv_hrtime() + (uint64_t)ms * 1000000;

  while (uv_hrtime() < until)
    continue;
}

/* --- the pool ------------------------------------------------------------ */

int fixture_try_pool(fixture_t *fx, const pool_config_t *config) {
  pool_config_t used = {0};

  if (config != NULL)
    used = *config;
  used.allocator = heap_allocator(&fx->heap);
  used.on_event = on_event;
  used.data = fx;
  if (used.max_attempts == 0)
    used.max_attempts = 1;
  if (used.eject_after == 0)
    used.eject_after = POOL_OFF;
  if (used.seed == 0)
    used.seed = 1;
  return pool_create(&fx->pool, &fx->loop, &used);
}

void fixture_pool_bare(fixture_t *fx, const pool_config_t *config) {
  assert_int_equal(fixture_try_pool(fx, config), 0);
  uv_update_time(&fx->loop); /* deadlines start at the true time */
}

void fixture_pool(fixture_t *fx, const pool_config_t *config) {
  fixture_pool_bare(fx, config);
  assert_int_equal(pool_add_endpoint(fx->pool, fx->server->address), 0);
}

static void on_pool_closed(void *data) {
  fixture_t *fx = data;

  fx->closed++;
  fx->pool = NULL;
}

static int pool_closed(fixture_t *fx, void *arg) {
  (void)arg;
  return fx->closed > 0;
}

void fixture_start_close(fixture_t *fx) {
  fx->closed = 0;
  pool_close(fx->pool, on_pool_closed, fx);
}

/* 0, or -1 with what is wrong on the standard error output. */
static int close_pool(fixture_t *fx) {
  if (fx->pool == NULL)
    return 0;
  heap_fail(&fx->heap, 0, 0);
  fixture_start_close(fx);
  if (run(fx, pool_closed, NULL) != 0) {
    print_error("the pool did not close\n");
    return -1;
  }
  return 0;
}

void fixture_close_pool(fixture_t *fx) {
  assert_int_equal(close_pool(fx), 0);
  assert_int_equal(fx->heap.blocks, 0);
  assert_int_equal(fx->heap.bytes, 0);
}

pool_stats_t fixture_stats(const fixture_t *fx) {
  pool_stats_t stats;

  pool_stats(fx->pool, &stats);
  return stats;
}

pool_endpoint_stats_t fixture_endpoint_stats(const fixture_t *fx,
                                             const server_t *server) {
  pool_endpoint_stats_t stats;

  assert_int_equal(pool_endpoint_stats(fx->pool, server->address, &stats), 0);
  return stats;
}

/* --- set up, tear down --------------------------------------------------- */

/* Compiled with FIXTURE_SIMULATED, each fixture has a simulated kernel of its
 * own (see tests/sim), and fails when a socket is left open on it. */
#ifdef FIXTURE_SIMULATED
/* A real kernel's buffers grow to what a connection needs. */
static void on_connect(void *arg, int port, kernel_route_t *route) {
  (void)arg;
  (void)port;
  route->path.send_room = 1 << 20;
  route->path.client_room = 1 << 20;
  route->path.server_room = 1 << 20;
}

static void begin_kernel(void) {
  kernel_options_t options = {.seed = 1, .on_connect = on_connect};

  kernel_begin(&options);
}

static int end_kernel(void) {
  uint32_t open = kernel_open_files();

  kernel_end();
  if (open == 0)
    return 0;
  print_error("%u sockets are left open\n", open);
  return -1;
}
#else
static void begin_kernel(void) {}

static int end_kernel(void) {
  return 0;
}
#endif

server_t *fixture_server(fixture_t *fx) {
  server_t *server = calloc(1, sizeof *server);

  assert_non_null(server);
  assert_true(fx->server_count < FIXTURE_SERVERS);
  fx->servers[fx->server_count++] = server;
  assert_int_equal(server_open(server, &fx->loop, 0), 0);
  return server;
}

fixture_t *fixture_new(void) {
  fixture_t *fx = calloc(1, sizeof *fx);

  if (fx == NULL)
    abort();
  begin_kernel();
  heap_init(&fx->heap);
  return fx;
}

int fixture_open(fixture_t *fx) {
  int err = uv_loop_init(&fx->loop);

  if (err != 0)
    return err;
  uv_timer_init(&fx->loop, &fx->guard);
  uv_timer_init(&fx->loop, &fx->timer);
  fx->guard.data = fx->timer.data = fx;
  uv_unref((uv_handle_t *)&fx->guard);
  return 0;
}

int fixture_setup(void **state) {
  fixture_t *fx = fixture_new();

  *state = fx;
  assert_int_equal(fixture_open(fx), 0);
  fx->server = fixture_server(fx);
  return 0;
}

static int servers_closed(fixture_t *fx, void *arg) {
  uint32_t i;

  (void)arg;
  for (i = 0; i < fx->server_count; i++)
    if (!server_closed(fx->servers[i]))
      return 0;
  return 1;
}

static int close_servers(fixture_t *fx) {
  uint32_t i;
  int rc;

  for (i = 0; i < fx->server_count; i++)
    server_close(fx->servers[i]);
  rc = run(fx, servers_closed, NULL);
  for (i = 0; rc == 0 && i < fx->server_count; i++) {
    server_clear(fx->servers[i]);
    free(fx->servers[i]);
  }
  return rc;
}

static int close_loop(fixture_t *fx) {
  uv_close((uv_handle_t *)&fx->guard, NULL);
  uv_close((uv_handle_t *)&fx->timer, NULL);
  uv_run(&fx->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&fx->loop) == 0)
    return 0;
  print_error("the loop has handles left\n");
  return -1;
}

/* Promise 3 for every request of the test: told once or refused. */
static int check_record(const record_t *record) {
  if (record->in_call)
    print_error("a callback ran inside a pool_*() call\n");
  else if (record->calls != (record->rc == 0 ? 1u : 0u))
    print_error("a callback ran %u times, pool_request() said %d\n",
                record->calls, record->rc);
  else
    return 0;
  return -1;
}

static int free_records(fixture_t *fx) {
  int rc = 0;

  while (fx->records != NULL) {
    record_t *record = fx->records;

    rc |= check_record(record);
    fx->records = record->next;
    free_result(record);
    free(record);
  }
  return rc;
}

static int tear_down(fixture_t *fx) {
  int rc = close_pool(fx);

  if (fx->wrong != NULL) {
    print_error("not so in a callback: %s\n", fx->wrong);
    rc = -1;
  }
  rc |= close_servers(fx);
  if (rc != 0)
    return rc; /* memory is still in use: leave it */
  rc |= close_loop(fx);
  rc |= free_records(fx);
  if (fx->heap.blocks != 0 || fx->heap.bytes != 0) {
    print_error("the pool left %zu blocks\n", fx->heap.blocks);
    rc = -1;
  }
  if (rc == 0)
    free(fx);
  return rc;
}

int fixture_teardown(void **state) {
  int rc = tear_down(*state);

  return rc | end_kernel();
}
