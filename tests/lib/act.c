#include "act.h"

#define MANY       8
#define BACKOFF_MS 120u /* after a failed connect; at first */
#define LONG_VALUE 6000u
#define BODY_BYTES 300000u /* more than a simulated socket takes at once */

void act_fill(char *bytes, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    bytes[i] = (char)('0' + i * i % 71);
}

/* --- requests ------------------------------------------------------------- */

static record_t *make(scene_t *scene, const pool_request_t *request) {
  record_t *record = fixture_request(scene->fx, request);

  record->then_data = scene;
  if (scene->count == SCENE_REQUESTS)
    abort();
  scene->made[scene->count++] = record;
  return record;
}

static record_t *get(scene_t *scene) {
  static const pool_request_t request = {.path = "/one"};

  return make(scene, &request);
}

void act_get_one(scene_t *scene) {
  get(scene);
}

void act_get_many(scene_t *scene) {
  int i;

  for (i = 0; i < MANY; i++)
    get(scene);
}

/* Each when the one before has ended, and what that led to as well. */
void act_get_in_turn(scene_t *scene) {
  int i;

  for (i = 0; i < MANY; i++) {
    get(scene);
    fixture_run(scene->fx);
    fixture_run_ms(scene->fx, 1);
  }
}

static void post(scene_t *scene, size_t len) {
  static char body[BODY_BYTES];
  pool_request_t request = {.method = "POST", .path = "/post"};

  act_fill(body, len);
  request.body = body;
  request.body_len = len;
  make(scene, &request);
}

static void note(scene_t *scene, int rc) {
  if (scene->rc == 0)
    scene->rc = rc;
}

static void add(scene_t *scene, const char *address) {
  note(scene, pool_add_endpoint(scene->fx->pool, address));
}

/* From a callback too, where the pool may be on its way out: every second one
 * of what was made, from `first` on. */
static void cancel_from(scene_t *scene, int first) {
  int i;

  for (i = first; i < scene->count; i += 2)
    if (scene->made[i]->rc == 0)
      pool_cancel(scene->fx->pool, scene->made[i]->call);
}

/* --- plain ---------------------------------------------------------------- */

/* Right away, and after a rest. */
void act_get_warm(scene_t *scene) {
  get(scene);
  fixture_run(scene->fx);
  get(scene);
  fixture_run(scene->fx);
  fixture_turns(scene->fx, 3);
  get(scene);
}

void act_head(scene_t *scene) {
  static const pool_request_t request = {.method = "HEAD", .path = "/head"};

  make(scene, &request);
  make(scene, &request);
}

void act_post_small(scene_t *scene) {
  post(scene, 100);
  fixture_run(scene->fx);
  post(scene, 100);
}

void act_post_large(scene_t *scene) {
  post(scene, BODY_BYTES);
}

void act_post_copied(scene_t *scene) {
  char body[1000];
  pool_request_t request = {.method = "POST", .path = "/copy"};

  memset(body, 'b', sizeof body);
  request.body = body;
  request.body_len = sizeof body;
  request.flags = POOL_COPY_BODY;
  make(scene, &request);
  memset(body, 0, sizeof body);
}

static void long_head(scene_t *scene, size_t len) {
  static char value[LONG_VALUE];
  pool_header_t header = {"X-Long", value, 0, 0};
  pool_request_t request = {.path = "/long"};

  memset(value, 'v', sizeof value);
  header.value_len = len;
  request.headers = &header;
  request.header_count = 1;
  make(scene, &request);
  make(scene, &request);
}

void act_head_of_400(scene_t *scene) {
  long_head(scene, 400);
}

void act_head_of_6000(scene_t *scene) {
  long_head(scene, LONG_VALUE);
}

/* --- endpoints ------------------------------------------------------------ */

void prepare_refusal(scene_t *scene) {
  server_refuse(scene->second);
}

void prepare_hole(scene_t *scene) {
  assert_int_equal(hole_open(&scene->hole, 1), 0);
  scene->has_hole = 1;
}

void act_with_second(scene_t *scene) {
  add(scene, scene->second->address);
  act_get_many(scene);
}

void act_with_hole(scene_t *scene) {
  add(scene, scene->hole.address);
  act_get_many(scene);
}

void act_add_first(scene_t *scene) {
  add(scene, scene->fx->server->address);
  get(scene);
}

void act_add_while_pending(scene_t *scene) {
  act_get_many(scene);
  add(scene, scene->second->address);
  fixture_turns(scene->fx, 2);
  get(scene);
}

void act_remove_while_pending(scene_t *scene) {
  act_with_second(scene);
  fixture_turns(scene->fx, 2);
  pool_remove_endpoint(scene->fx->pool, scene->fx->server->address);
}

/* While it is left alone for a time, because it refused. */
void act_remove_refused(scene_t *scene) {
  act_with_second(scene);
  fixture_run(scene->fx);
  pool_remove_endpoint(scene->fx->pool, scene->second->address);
  get(scene);
  fixture_run_ms(scene->fx, BACKOFF_MS);
}

void act_remove_last(scene_t *scene) {
  act_get_many(scene);
  fixture_turns(scene->fx, 3);
  pool_remove_endpoint(scene->fx->pool, scene->fx->server->address);
}

/* --- connections ---------------------------------------------------------- */

void act_stale(scene_t *scene) {
  get(scene);
  fixture_run(scene->fx);
  server_close_all(scene->fx->server, 0);
  get(scene);
  fixture_run(scene->fx);
  server_close_all(scene->fx->server, 1);
  get(scene);
}

void act_unsolicited(scene_t *scene) {
  get(scene);
  fixture_run(scene->fx);
  server_send_all(scene->fx->server, OK_BODY, sizeof OK_BODY - 1);
  get(scene);
  fixture_run(scene->fx);
  server_send_all(scene->fx->server, "x", 1);
  fixture_turns(scene->fx, 3);
  get(scene);
}

/* --- cancelled ------------------------------------------------------------ */

void act_cancel_early(scene_t *scene) {
  act_get_many(scene);
  cancel_from(scene, 1);
}

void act_cancel_late(scene_t *scene) {
  act_get_many(scene);
  fixture_turns(scene->fx, 4);
  cancel_from(scene, 0);
  fixture_turns(scene->fx, 2);
  cancel_from(scene, 1);
}

void act_cancel_sending(scene_t *scene) {
  post(scene, BODY_BYTES);
  fixture_turns(scene->fx, 4);
  cancel_from(scene, 0);
}

/* --- time ----------------------------------------------------------------- */

void act_get_two_soon(scene_t *scene) {
  static const pool_request_t request = {.path = "/",
                                         .timeout_ms = ACT_SOON_MS};

  make(scene, &request);
  make(scene, &request);
}

/* --- the end -------------------------------------------------------------- */

void act_drain(scene_t *scene) {
  act_get_many(scene);
  fixture_turns(scene->fx, 2);
  pool_drain(scene->fx->pool);
}

void act_close_pending(scene_t *scene) {
  act_get_many(scene);
  fixture_turns(scene->fx, 3);
  fixture_start_close(scene->fx);
}

static void then_close(record_t *record) {
  scene_t *scene = record->then_data;

  if (scene->told++ == 0)
    fixture_start_close(scene->fx);
  get(scene);
}

void act_close_in_callback(scene_t *scene) {
  int i;

  act_get_many(scene);
  for (i = 0; i < MANY; i++)
    scene->made[i]->then = then_close;
}

/* --- callbacks ------------------------------------------------------------ */

static void then_get(record_t *record) {
  scene_t *scene = record->then_data;

  if (scene->told++ < 4)
    get(scene)->then = then_get;
}

void act_get_in_callback(scene_t *scene) {
  get(scene)->then = then_get;
  get(scene)->then = then_get;
}

static void then_cancel(record_t *record) {
  cancel_from(record->then_data, 1);
}

void act_cancel_in_callback(scene_t *scene) {
  act_get_many(scene);
  scene->made[0]->then = then_cancel;
}

/* At the first few of them, whatever they are. */
static void on_event(fixture_t *fx, const pool_event_t *event) {
  scene_t *scene = fx->data;

  (void)event;
  if (scene->told++ < 4)
    get(scene);
}

void act_get_in_event(scene_t *scene) {
  scene->fx->data = scene;
  scene->fx->on_event = on_event;
  get(scene);
  fixture_run(scene->fx);
  server_close_all(scene->fx->server, 0);
  fixture_turns(scene->fx, 3);
}
