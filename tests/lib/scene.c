#include "scene.h"

#define RECOVERY_MS 5000u /* deadline of a request when all is well again */
#define TEN         10

void scene_open(scene_t *scene, const scenario_t *scenario, fixture_t *fx) {
  memset(scene, 0, sizeof *scene);
  scene->scenario = scenario;
  scene->fx = fx;
  fx->server = fixture_server(fx);
  scene->second = fixture_server(fx);
  if (scenario->script != NULL)
    server_default(fx->server, scenario->script);
  if (scenario->prepare != NULL)
    scenario->prepare(scene);
}

int scene_pool(scene_t *scene) {
  fixture_t *fx = scene->fx;
  int err = fixture_try_pool(fx, &scene->scenario->config);

  if (err != 0)
    return err;
  uv_update_time(&fx->loop);
  return scene->scenario->bare
             ? 0
             : pool_add_endpoint(fx->pool, fx->server->address);
}

void scene_play(scene_t *scene) {
  scene->scenario->act(scene);
  fixture_run(scene->fx);
}

void scene_close(scene_t *scene) {
  if (scene->has_hole)
    hole_close(&scene->hole);
  scene->has_hole = 0;
}

/* --- what came of it ------------------------------------------------------ */

static int is_on(const int *list, int error) {
  for (; *list != 0; list++)
    if (*list == error)
      return 1;
  return 0;
}

static int is_own(const scenario_t *scenario, int error) {
  int i;

  for (i = 0; i < SCENE_ERRORS && scenario->errors[i] != 0; i++)
    if (scenario->errors[i] == error)
      return 1;
  return 0;
}

/* If an endpoint could not be added there may be none. */
static void check_one(const scene_t *scene, const record_t *record,
                      const int *errors) {
  int error = record->rc != 0 ? record->rc : record->error;

  assert_int_equal(record->calls, record->rc == 0 ? 1 : 0);
  if (error == 0 || is_on(errors, error) || is_own(scene->scenario, error) ||
      (scene->rc != 0 && error == POOL_ENOENDPOINT))
    return;
  fail_msg("a request %s: %s", record->rc != 0 ? "was refused" : "ended",
           pool_err_name(error));
}

void scene_check(const scene_t *scene, const int *errors) {
  int i;

  for (i = 0; i < scene->count; i++)
    check_one(scene, scene->made[i], errors);
  if (scene->rc != 0 && !is_on(errors, scene->rc))
    fail_msg("a call failed: %s", pool_err_name(scene->rc));
}

int scene_told(const scene_t *scene, const int *errors) {
  const fixture_t *fx = scene->fx;
  uint32_t e;
  int i;

  if (is_on(errors, scene->rc))
    return 1;
  for (i = 0; i < scene->count; i++)
    if (is_on(errors, scene->made[i]->rc) ||
        is_on(errors, scene->made[i]->error))
      return 1;
  for (e = 0; e < fx->event_count; e++)
    if (is_on(errors, fx->events[e].error))
      return 1;
  return 0;
}

/* --- what went over the wire ---------------------------------------------- */

#define HASH_START 0xcbf29ce484222325u /* FNV-1a */
#define HASH_PRIME 0x100000001b3u

static uint64_t mix(uint64_t hash, const char *bytes, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    hash = (hash ^ (unsigned char)bytes[i]) * HASH_PRIME;
  return hash;
}

static int has_mark(const scene_marks_t *marks, uint64_t mark) {
  uint32_t i;

  for (i = 0; i < marks->count; i++)
    if (marks->marks[i] == mark)
      return 1;
  return 0;
}

static void add_mark(scene_marks_t *marks, uint64_t mark) {
  if (has_mark(marks, mark))
    return;
  if (marks->count == SCENE_MARKS)
    abort();
  marks->marks[marks->count++] = mark;
}

static uint64_t mark_request(const server_record_t *record) {
  const char *host = strstr(record->bytes, "\r\nHost: ");
  size_t before = host == NULL ? 0 : (size_t)(host - record->bytes) + 2;
  size_t after = before + (host == NULL ? 0 : strcspn(host + 2, "\r"));

  return mix(mix(HASH_START, record->bytes, before), record->bytes + after,
             record->len - after);
}

static uint64_t mark_answer(const record_t *record) {
  uint64_t hash = HASH_START + (uint64_t)record->status;
  size_t i;

  for (i = 0; i < record->header_count; i++) {
    const pool_header_t *header = &record->headers[i];

    hash = mix(hash, header->name, header->name_len + 1);
    hash = mix(hash, header->value, header->value_len + 1);
  }
  return mix(hash, record->body, record->body_len);
}

void scene_mark(const scene_t *scene, scene_marks_t *marks) {
  const fixture_t *fx = scene->fx;
  uint32_t s, r;
  int i;

  for (s = 0; s < fx->server_count; s++)
    for (r = 0; r < fx->servers[s]->seen; r++)
      add_mark(marks, mark_request(&fx->servers[s]->records[r]));
  for (i = 0; i < scene->count; i++)
    if (scene->made[i]->calls > 0 && scene->made[i]->error == 0)
      add_mark(marks, mark_answer(scene->made[i]));
}

void scene_compare(const scene_marks_t *marks, const scene_marks_t *good) {
  uint32_t i;

  for (i = 0; i < marks->count; i++)
    if (!has_mark(good, marks->marks[i]))
      fail_msg("a request or an answer is not as it should be");
}

/* --- afterwards ----------------------------------------------------------- */

/* Adds both servers; 0, or -1 when the pool takes no more. */
static int add_servers(fixture_t *fx) {
  int i;

  for (i = 0; i < 2; i++) {
    int rc = pool_add_endpoint(fx->pool, fx->servers[i]->address);

    if (rc == POOL_ECLOSING)
      return -1;
    if (rc != 0 && rc != UV_EEXIST)
      fail_msg("an endpoint cannot be added again: %s", pool_err_name(rc));
  }
  return 0;
}

static void be_open(scene_t *scene) {
  fixture_t *fx = scene->fx;

  if (fx->pool != NULL && add_servers(fx) == 0)
    return;
  fixture_close_pool(fx);
  fixture_pool_bare(fx, &scene->scenario->config);
  assert_int_equal(add_servers(fx), 0);
}

static void check_numbers(const fixture_t *fx) {
  pool_stats_t stats = fixture_stats(fx);

  assert_int_equal(stats.pending, 0);
  assert_int_equal(stats.busy, 0);
  assert_int_equal(stats.accepted,
                   stats.succeeded + stats.failed + stats.cancelled);
}

static void check_serves(fixture_t *fx) {
  pool_request_t request = {.path = "/after", .timeout_ms = RECOVERY_MS};
  record_t *got[TEN];
  int i;

  for (i = 0; i < TEN; i++)
    got[i] = fixture_request(fx, &request);
  fixture_run(fx);
  for (i = 0; i < TEN; i++) {
    if (got[i]->rc != 0 || got[i]->error != 0)
      fail_msg("afterwards a request is not answered: %s, %s",
               pool_err_name(got[i]->rc), pool_err_name(got[i]->error));
    assert_string_equal(got[i]->body, "/after");
  }
}

void scene_recover(scene_t *scene) {
  fixture_t *fx = scene->fx;

  fx->on_event = NULL;
  server_default(fx->server, scene->second->fallback);
  if (scene->second->listener == NULL)
    assert_int_equal(server_listen(scene->second), 0);
  server_close_all(fx->server, 0);
  server_close_all(scene->second, 0);
  fixture_turns(fx, 5);
  be_open(scene);
  check_serves(fx);
  check_numbers(fx);
}
