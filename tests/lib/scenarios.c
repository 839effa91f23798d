/* The scenes themselves. None takes longer than a moment of real time, so that
 * they can be played on the real kernel too. */
#include "scene.h"

#define MANY       8
#define SOON_MS    50u  /* a timeout that is waited for */
#define BACKOFF_MS 120u /* after a failed connect; at first */
#define LONG_VALUE 6000u
#define BODY_BYTES 300000u /* more than a simulated socket takes at once */

#define FIELD(n) "X-Header-" #n ": value of " #n "\r\n"
#define FIELDS(n)                                                              \
  FIELD(n##0)                                                                  \
  FIELD(n##1)                                                                  \
  FIELD(n##2)                                                                  \
  FIELD(n##3)                                                                  \
  FIELD(n##4)                                                                  \
  FIELD(n##5)                                                                  \
  FIELD(n##6)                                                                  \
  FIELD(n##7)                                                                  \
  FIELD(n##8)                                                                  \
  FIELD(n##9)
#define HUNDRED                                                                \
  "HTTP/1.1 200 OK\r\n" FIELDS(0) FIELDS(1) FIELDS(2) FIELDS(3) FIELDS(4)      \
      FIELDS(5) FIELDS(6) FIELDS(7) FIELDS(8)                                  \
          FIELDS(9) "Content-Length: 2\r\n\r\nok"
#define CHUNKED                                                                \
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                      \
  "5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\nC: d\r\n\r\n"
#define INTERIMS                                                               \
  "HTTP/1.1 100 Continue\r\n\r\n"                                              \
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
#define HALF       "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf."
#define LARGE_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"
#define LARGE_SIZE (sizeof LARGE_HEAD - 1 + 200000)

/* Both are filled in. */
static char large[LARGE_SIZE + 1] = LARGE_HEAD;
static char body_bytes[BODY_BYTES];

static const server_step_t hundred[] = {EXPECT(), SEND(HUNDRED), REPEAT()};
static const server_step_t chunked[] = {EXPECT(), DRIP(CHUNKED, 7), REPEAT()};
static const server_step_t bulky[] = {EXPECT(), SEND_BYTES(large, LARGE_SIZE),
                                      REPEAT()};
static const server_step_t open_ended[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nto the end"), TURN(1), CLOSE()};
static const server_step_t interims[] = {EXPECT(), SEND(INTERIMS), TURN(1),
                                         REPLY(), REPEAT()};
static const server_step_t closing[] = {
    EXPECT(),
    SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
         "ok"),
    CLOSE()};
static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t deaf[] = {DEAF(), HANG()};
static const server_step_t half[] = {EXPECT(), SEND(HALF), HANG()};
static const server_step_t resetting[] = {EXPECT(), SEND(HALF), TURN(1),
                                          RESET()};
static const server_step_t slow_reader[] = {DEAF(),   TURN(3), HEAR(),
                                            EXPECT(), REPLY(), REPEAT()};

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

static void get_one(scene_t *scene) {
  get(scene);
}

static void get_many(scene_t *scene) {
  int i;

  for (i = 0; i < MANY; i++)
    get(scene);
}

static void post(scene_t *scene, size_t len) {
  pool_request_t request = {.method = "POST", .path = "/post"};

  request.body = body_bytes;
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
static void get_warm(scene_t *scene) {
  get(scene);
  fixture_run(scene->fx);
  get(scene);
  fixture_run(scene->fx);
  fixture_turns(scene->fx, 3);
  get(scene);
}

static void head(scene_t *scene) {
  static const pool_request_t request = {.method = "HEAD", .path = "/head"};

  make(scene, &request);
  make(scene, &request);
}

static void post_small(scene_t *scene) {
  post(scene, 100);
  fixture_run(scene->fx);
  post(scene, 100);
}

static void post_large(scene_t *scene) {
  post(scene, BODY_BYTES);
}

static void post_copied(scene_t *scene) {
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

static void head_of_400(scene_t *scene) {
  long_head(scene, 400);
}

static void head_of_6000(scene_t *scene) {
  long_head(scene, LONG_VALUE);
}

/* --- endpoints ------------------------------------------------------------ */

static void refuse_second(scene_t *scene) {
  server_refuse(scene->second);
}

static void open_hole(scene_t *scene) {
  assert_int_equal(hole_open(&scene->hole, 1), 0);
  scene->has_hole = 1;
}

static void with_second(scene_t *scene) {
  add(scene, scene->second->address);
  get_many(scene);
}

static void with_hole(scene_t *scene) {
  add(scene, scene->hole.address);
  get_many(scene);
}

static void add_first(scene_t *scene) {
  add(scene, scene->fx->server->address);
  get(scene);
}

static void add_while_pending(scene_t *scene) {
  get_many(scene);
  add(scene, scene->second->address);
  fixture_turns(scene->fx, 2);
  get(scene);
}

static void remove_while_pending(scene_t *scene) {
  with_second(scene);
  fixture_turns(scene->fx, 2);
  pool_remove_endpoint(scene->fx->pool, scene->fx->server->address);
}

/* While it is left alone for a time, because it refused. */
static void remove_refused(scene_t *scene) {
  with_second(scene);
  fixture_run(scene->fx);
  pool_remove_endpoint(scene->fx->pool, scene->second->address);
  get(scene);
  fixture_run_ms(scene->fx, BACKOFF_MS);
}

static void remove_last(scene_t *scene) {
  get_many(scene);
  fixture_turns(scene->fx, 3);
  pool_remove_endpoint(scene->fx->pool, scene->fx->server->address);
}

/* --- connections ---------------------------------------------------------- */

static void stale(scene_t *scene) {
  get(scene);
  fixture_run(scene->fx);
  server_close_all(scene->fx->server, 0);
  get(scene);
  fixture_run(scene->fx);
  server_close_all(scene->fx->server, 1);
  get(scene);
}

static void unsolicited(scene_t *scene) {
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

static void cancel_early(scene_t *scene) {
  get_many(scene);
  cancel_from(scene, 1);
}

static void cancel_late(scene_t *scene) {
  get_many(scene);
  fixture_turns(scene->fx, 4);
  cancel_from(scene, 0);
  fixture_turns(scene->fx, 2);
  cancel_from(scene, 1);
}

static void cancel_sending(scene_t *scene) {
  post(scene, BODY_BYTES);
  fixture_turns(scene->fx, 4);
  cancel_from(scene, 0);
}

/* --- time ----------------------------------------------------------------- */

static void get_two_soon(scene_t *scene) {
  static const pool_request_t request = {.path = "/", .timeout_ms = SOON_MS};

  make(scene, &request);
  make(scene, &request);
}

/* --- the end -------------------------------------------------------------- */

static void drain(scene_t *scene) {
  get_many(scene);
  fixture_turns(scene->fx, 2);
  pool_drain(scene->fx->pool);
}

static void close_pending(scene_t *scene) {
  get_many(scene);
  fixture_turns(scene->fx, 3);
  fixture_start_close(scene->fx);
}

static void then_close(record_t *record) {
  scene_t *scene = record->then_data;

  if (scene->told++ == 0)
    fixture_start_close(scene->fx);
  get(scene);
}

static void close_in_callback(scene_t *scene) {
  int i;

  get_many(scene);
  for (i = 0; i < MANY; i++)
    scene->made[i]->then = then_close;
}

/* --- callbacks ------------------------------------------------------------ */

static void then_get(record_t *record) {
  scene_t *scene = record->then_data;

  if (scene->told++ < 4)
    get(scene)->then = then_get;
}

static void get_in_callback(scene_t *scene) {
  get(scene)->then = then_get;
  get(scene)->then = then_get;
}

static void then_cancel(record_t *record) {
  cancel_from(record->then_data, 1);
}

static void cancel_in_callback(scene_t *scene) {
  get_many(scene);
  scene->made[0]->then = then_cancel;
}

/* At the first few of them, whatever they are. */
static void on_event(fixture_t *fx, const pool_event_t *event) {
  scene_t *scene = fx->data;

  (void)event;
  if (scene->told++ < 4)
    get(scene);
}

static void get_in_event(scene_t *scene) {
  scene->fx->data = scene;
  scene->fx->on_event = on_event;
  get(scene);
  fixture_run(scene->fx);
  server_close_all(scene->fx->server, 0);
  fixture_turns(scene->fx, 3);
}

/* --- the table ------------------------------------------------------------ */

static const scenario_t table[] = {
    {.name = "plain", .act = get_one},
    {.name = "warm", .act = get_warm},
    {.name = "in-line", .config = {.max_connections = 1}, .act = get_many},
    {.name = "side-by-side", .act = get_many},
    {.name = "post-small", .act = post_small},
    {.name = "post-copied", .act = post_copied},
    {.name = "post-large", .act = post_large},
    {.name = "post-slow", .script = slow_reader, .act = post_large},
    {.name = "head", .config = {.max_connections = 1}, .act = head},
    {.name = "head-of-400", .act = head_of_400},
    {.name = "head-of-6000", .act = head_of_6000},
    {.name = "hundred-fields", .script = hundred, .act = get_one},
    {.name = "chunked", .script = chunked, .act = get_one},
    {.name = "large-answer", .script = bulky, .act = get_one},
    {.name = "open-ended", .script = open_ended, .act = get_one},
    {.name = "interims", .script = interims, .act = get_one},
    {.name = "says-close",
     .script = closing,
     .config = {.max_connections = 1},
     .act = get_many},
    {.name = "reset-in-body",
     .script = resetting,
     .errors = {POOL_EHANGUP, UV_ECONNRESET},
     .act = get_one},
    {.name = "stale", .act = stale},
    {.name = "unsolicited", .act = unsolicited},
    {.name = "refused",
     .errors = {UV_ECONNREFUSED},
     .prepare = refuse_second,
     .act = with_second},
    {.name = "black-hole",
     .config = {.connect_timeout_ms = SOON_MS, .max_connections = 1},
     .errors = {UV_ETIMEDOUT},
     .prepare = open_hole,
     .act = with_hole},
    {.name = "two-endpoints",
     .config = {.max_connections = 1, .max_requests = 1},
     .act = with_second},
    {.name = "added-first", .bare = 1, .act = add_first},
    {.name = "added-later",
     .config = {.max_connections = 1},
     .act = add_while_pending},
    {.name = "removed",
     .config = {.max_connections = 2},
     .act = remove_while_pending},
    {.name = "removed-refused",
     .errors = {UV_ECONNREFUSED},
     .prepare = refuse_second,
     .act = remove_refused},
    {.name = "removed-last",
     .config = {.max_connections = 1},
     .errors = {POOL_ENOENDPOINT},
     .act = remove_last},
    {.name = "cancel-early",
     .config = {.max_connections = 1},
     .errors = {UV_ECANCELED},
     .act = cancel_early},
    {.name = "cancel-sending",
     .script = deaf,
     .errors = {UV_ECANCELED},
     .act = cancel_sending},
    {.name = "cancel-late",
     .script = half,
     .errors = {UV_ECANCELED},
     .act = cancel_late},
    {.name = "cancel-in-callback",
     .config = {.max_connections = 2},
     .errors = {UV_ECANCELED},
     .act = cancel_in_callback},
    {.name = "deadline",
     .script = silent,
     .config = {.max_connections = 1},
     .errors = {UV_ETIMEDOUT},
     .act = get_two_soon},
    {.name = "head-timeout",
     .script = silent,
     .config = {.head_timeout_ms = SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = get_one},
    {.name = "stalled-answer",
     .script = half,
     .config = {.stall_timeout_ms = SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = get_one},
    {.name = "stalled-upload",
     .script = deaf,
     .config = {.stall_timeout_ms = SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = post_large},
    {.name = "one-request-each",
     .config = {.max_connections = 2, .max_requests = 1},
     .act = get_many},
    {.name = "in-callback",
     .config = {.max_connections = 1},
     .act = get_in_callback},
    {.name = "in-event", .act = get_in_event},
    {.name = "drain",
     .config = {.max_connections = 1},
     .errors = {POOL_ECLOSING},
     .act = drain},
    {.name = "close-pending",
     .script = silent,
     .errors = {POOL_ECLOSING},
     .act = close_pending},
    {.name = "close-in-callback",
     .config = {.max_connections = 2},
     .errors = {POOL_ECLOSING},
     .act = close_in_callback},
};

/* No two pieces are the same, and there is no NUL. */
static void fill(char *bytes, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    bytes[i] = (char)('0' + i * i % 71);
}

const scenario_t *scenarios(size_t *count) {
  fill(large + sizeof LARGE_HEAD - 1, 200000);
  fill(body_bytes, sizeof body_bytes);
  *count = sizeof table / sizeof table[0];
  return table;
}
