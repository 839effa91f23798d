#include "conform_stage.h"

static const char *const phases[] = {"waiting",  "connecting", "sending",
                                     "awaiting", "receiving",  "complete"};

static const char *event_name(pool_event_type_t type) {
  switch (type) {
  case POOL_EVENT_CONNECT:
    return "connect";
  case POOL_EVENT_CONNECT_FAIL:
    return "connect_fail";
  case POOL_EVENT_DISCONNECT:
    return "disconnect";
  case POOL_EVENT_UNSOLICITED:
    return "unsolicited";
  case POOL_EVENT_REMOVED:
    return "removed";
  case POOL_EVENT_DRAINED:
    return "drained";
  case POOL_EVENT_RETRY:
    return "retry";
  case POOL_EVENT_HEALTH:
    return "health";
  }
  return "?";
}

/* Endpoints are named by the order in which their servers were made. */
static const char *endpoint_name(const fixture_t *fx, const char *address) {
  static const char *const names[FIXTURE_SERVERS] = {"s0", "s1", "s2", "s3",
                                                     "s4", "s5", "s6", "s7"};
  uint32_t i;

  for (i = 0; i < fx->server_count && address != NULL; i++)
    if (strcmp(fx->servers[i]->address, address) == 0)
      return names[i];
  return address == NULL || *address == '\0' ? "none" : "s?";
}

/* --- what is told --------------------------------------------------------- */

static const char *status_name(int status) {
  return status == 0 ? "0" : pool_err_name(status);
}

static void on_done(record_t *record) {
  const stage_request_t *request = record->then_data;
  stage_t *stage = request->stage;

  conform_log(stage->log, request->who,
              "%s %s %d body %zu %.24s headers %zu at %s attempts %u%s",
              status_name(record->error), phases[record->phase], record->status,
              record->body_len, record->body, record->header_count,
              endpoint_name(stage->fx, record->endpoint), record->attempts,
              record->reused ? " reused" : "");
  if (request->then != NULL)
    request->then(stage);
}

static void on_event(fixture_t *fx, const pool_event_t *event) {
  stage_t *stage = fx->data;

  conform_log(stage->log, endpoint_name(fx, event->endpoint), "%s %s",
              event_name(event->type), status_name(event->error));
  if (stage->then != NULL && stage->on == event->type)
    stage->then(stage);
}

/* --- begin and end -------------------------------------------------------- */

void stage_begin_bare(stage_t *stage, conform_t *log) {
  void *state;

  memset(stage, 0, sizeof *stage);
  stage->log = log;
  fixture_setup(&state);
  stage->fx = state;
  stage->fx->data = stage;
  stage->fx->on_event = on_event;
}

void stage_pool(stage_t *stage, const pool_config_t *config) {
  uint32_t i;

  fixture_pool_bare(stage->fx, config);
  for (i = 0; i < stage->fx->server_count; i++)
    assert_int_equal(
        pool_add_endpoint(stage->fx->pool, stage->fx->servers[i]->address), 0);
}

void stage_begin(stage_t *stage, conform_t *log, const pool_config_t *config) {
  stage_begin_bare(stage, log);
  stage_pool(stage, config);
}

static void log_pool(const stage_t *stage) {
  pool_stats_t n = fixture_stats(stage->fx);

  conform_log(
      stage->log, "pool", "accepted %d succeeded %d failed %d cancelled %d",
      (int)n.accepted, (int)n.succeeded, (int)n.failed, (int)n.cancelled);
  conform_log(stage->log, "pool",
              "connects %d fails %d reuses %d stale %d unsolicited %d idle %d",
              (int)n.connects, (int)n.connect_fails, (int)n.reuses,
              (int)n.stale, (int)n.unsolicited, (int)n.idle);
}

static void log_server(const stage_t *stage, const server_t *server) {
  conform_log(stage->log, endpoint_name(stage->fx, server->address),
              "accepted %u seen %u hangups %u resets %u", server->accepted,
              server->seen, server->hangups, server->resets);
}

void stage_end(stage_t *stage) {
  void *state = stage->fx;
  uint32_t i;

  if (stage->fx->pool != NULL)
    log_pool(stage);
  for (i = 0; i < stage->fx->server_count; i++)
    log_server(stage, stage->fx->servers[i]);
  assert_int_equal(fixture_teardown(&state), 0);
}

/* --- requests ------------------------------------------------------------- */

stage_request_t *stage_request(stage_t *stage, const char *who,
                               const pool_request_t *given) {
  stage_request_t *request = &stage->requests[stage->count++];
  record_t *record = fixture_record(stage->fx);
  fixture_t *fx = stage->fx;

  assert_true(stage->count <= STAGE_REQUESTS);
  request->stage = stage;
  request->who = who;
  request->record = record;
  record->then = on_done;
  record->then_data = request;
  fx->in_call++;
  record->rc =
      pool_request(fx->pool, given, fixture_done, record, &record->call);
  fx->in_call--;
  if (record->rc != 0)
    conform_log(stage->log, who, "refused %s", status_name(record->rc));
  return request;
}

stage_request_t *stage_send(stage_t *stage, const char *who, const char *method,
                            const char *body, size_t len) {
  pool_request_t request = {
      .method = method, .path = "/path", .body = body, .body_len = len};

  return stage_request(stage, who, &request);
}

stage_request_t *stage_get(stage_t *stage, const char *who) {
  return stage_send(stage, who, NULL, NULL, 0);
}

void stage_cancel(stage_request_t *request) {
  stage_t *stage = request->stage;

  conform_log(stage->log, request->who, "cancel %s",
              status_name(pool_cancel(stage->fx->pool, request->record->call)));
}

/* --- running -------------------------------------------------------------- */

void stage_run(stage_t *stage) {
  fixture_run(stage->fx);
}

static int is_idle(fixture_t *fx, void *n) {
  return fixture_stats(fx).idle == *(uint32_t *)n;
}

static int is_seen(fixture_t *fx, void *n) {
  return fx->server->seen >= *(uint32_t *)n;
}

void stage_until_idle(stage_t *stage, uint32_t n) {
  fixture_run_until(stage->fx, is_idle, &n);
}

void stage_until_seen(stage_t *stage, uint32_t n) {
  fixture_run_until(stage->fx, is_seen, &n);
}

void stage_one_with(conform_t *log, const pool_config_t *config,
                    const server_step_t *steps, const char *method,
                    size_t len) {
  char *body = calloc(1, len + 1);
  stage_t stage;

  assert_non_null(body);
  stage_begin(&stage, log, config);
  server_default(stage.fx->server, steps);
  stage_send(&stage, "r", method, len > 0 ? body : NULL, len);
  stage_run(&stage);
  fixture_turns(stage.fx, 5);
  stage_end(&stage);
  free(body);
}

void stage_one(conform_t *log, const server_step_t *steps) {
  stage_one_with(log, NULL, steps, "GET", 0);
}
