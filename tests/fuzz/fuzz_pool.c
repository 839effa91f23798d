/* Fuzzes the whole pool, on the simulated kernel.
 *
 * The input decides everything: settings, servers, network, users (see
 * pool_script.h). A run has these phases:
 *
 *   1. the script, until the users have nothing more to do and nothing is
 *      pending, or a limit is reached
 *   2. all is well from now on: what is pending still has to end
 *   3. one more request, which has to be answered well
 *   4. the pool is closed, and nothing of it is left
 *
 * What must be true meanwhile is in pool_oracle.c. Now and then an input is
 * run twice, to see that the same things happen. With FUZZ_POOL_TRACE in the
 * environment all that happens is printed. */
#include "pool_actor.h"
#include "pool_oracle.h"
#include "pool_stream.h"
#include "pool_trouble.h"
#include "pool_user.h"

#define WORK_MAX      140u  /* of a script: calls and events of the kernel */
#define LONG_WORK_MAX 2000u /* of one in 256 */
#define LAST_WORK_MAX                                                          \
  60000u /* more than all bulk through the smallest window */
#define PHASE_MS   300000u
#define REST_MS    20000u /* longer than any path or backoff */
#define FIRST_PORT 8000

static world_t world;
static uv_loop_t loop;
static int has_loop;

/* Memory that was freed is used again after some runs, not after thousands:
 * touching new pages would take most of the time. Nor does it need to be told
 * from how far above each block was asked for. */
const char *__asan_default_options(void);

const char *__asan_default_options(void) {
  return "quarantine_size_mb=2:malloc_context_size=8";
}

/* --- settings --------------------------------------------------------------
 */

/* A setting from a byte: one of `count` values. */
#define PICK(byte, values)                                                     \
  ((values)[(byte) % (sizeof(values) / sizeof *(values))])

static void set_limits(pool_config_t *config, const uint8_t *bytes) {
  static const uint32_t pending[] = {0, 1, 2, 3, 5, 8, 16, 40};
  static const uint32_t connections[] = {0, 1, 2, 3, 4, 6, 1, 2};
  static const uint32_t connecting[] = {0, 1, 2, 3};
  static const uint32_t requests[] = {0, 0, 1, 2, 3, POOL_OFF, 0, 0};
  static const uint32_t head[] = {0, 256, 512, 1500};
  static const uint32_t body[] = {0, 1, 16, 600, 20000, 0, 0, 0};

  config->max_pending = PICK(bytes[0], pending);
  config->max_connections = PICK(bytes[0] >> 3, connections);
  config->max_connecting = PICK(bytes[0] >> 6, connecting);
  config->max_requests = PICK(bytes[1], requests);
  config->max_head_bytes = PICK(bytes[1] >> 3, head);
  config->max_body_bytes = PICK(bytes[1] >> 5, body);
}

static void set_times(pool_config_t *config, const uint8_t *bytes) {
  static const uint32_t call[] = {0, 5, 50, 300, 2000, 30000, POOL_OFF, 10};
  static const uint32_t connect[] = {0, 5, 40, POOL_OFF};
  static const uint32_t idle[] = {0, 1, 30, POOL_OFF, 500, 4000, 0, 0};
  static const uint32_t other[] = {0, 5, 30, 400, POOL_OFF, 0, 0, 0};
  static const uint32_t resolution[] = {0, 1, 3, 100};

  config->timeout_ms = PICK(bytes[0], call);
  config->connect_timeout_ms = PICK(bytes[0] >> 3, connect);
  config->idle_timeout_ms = PICK(bytes[0] >> 5, idle);
  config->head_timeout_ms = PICK(bytes[1], other);
  config->stall_timeout_ms = PICK(bytes[1] >> 3, other);
  config->resolution_ms = PICK(bytes[1] >> 6, resolution);
}

/* Whether requests are tried again, and endpoints taken out; without retries
 * whatever a server does has to be told. */
static void set_retries(pool_config_t *config, unsigned n) {
  static const uint32_t attempts[] = {1, 2, 3, 4};
  static const uint32_t eject[] = {POOL_OFF, POOL_OFF, 1, 2};

  config->max_attempts = PICK(n, attempts);
  config->eject_after = PICK(n, eject);
  config->eject_ms = 1 + n * 100;
  config->retry_delay_ms = 1 + n;
  config->seed = 1;
}

/* Starts with some endpoints in the pool; which, and of what kind? */
static void set_places(const uint8_t *bytes) {
  uint32_t i;

  world.place_count = 1 + (bytes[0] & 3);
  for (i = 0; i < world.place_count; i++) {
    place_t *place = &world.places[i];

    memset(place, 0, sizeof *place);
    place->world = &world;
    place->port = FIRST_PORT + (int)i;
    place->v6 = bytes[0] >> (2 + i) & 1;
    place->mode = (bytes[1] >> i & 1) != 0 ? PLACE_REFUSES : PLACE_ACCEPTS;
    place->speaks_first = (bytes[1] >> (4 + i) & 1) != 0;
    snprintf(place->name, sizeof place->name,
             place->v6 ? "[::1]:%d" : "127.0.0.1:%d", place->port);
  }
}

static void set_world(const uint8_t *data, size_t size) {
  script_t *script = &world.script;
  const uint8_t *settings = data;

  memset(&world, 0, offsetof(world_t, calls));
  memset(&world.call_count, 0, sizeof world - offsetof(world_t, call_count));
  script_init(script, data, size);
  heap_init(&world.heap);
  script->cycles = (unsigned)settings[0] & ((1u << SCRIPT_TRACKS) - 1) &
                   ~(1u << SCRIPT_USER);
  world.polite = (settings[0] & 0x20) != 0;
  world.talks = (settings[0] & 0x40) != 0;
  world.asks = (settings[0] & 0x80) != 0;
  set_places(settings + 1);
  set_limits(&world.config, settings + 3);
  set_times(&world.config, settings + 5);
  set_retries(&world.config, settings[1] >> 6);
  if (world.talks)
    world.config.on_event = user_on_event;
  world.config.data = &world;
  world.loop = &loop;
  world.config.allocator = heap_allocator(&world.heap);
  if ((settings[7] & 0xf0) == 0)
    heap_fail(&world.heap, settings[7], 0);
}

/* --- the loop --------------------------------------------------------------
 */

static void on_poll(void *arg) {
  (void)arg;
  if (world.pool != NULL)
    oracle_poll(&world);
}

static void end_phase(void) {
  world.over = 1;
  uv_stop(&loop);
}

static uint64_t work_done(void) {
  return kernel_called_all() + timeline_count() / 2;
}

static void on_turn(uv_check_t *handle) {
  (void)handle;
  if (work_done() >= world.work_max)
    end_phase();
}

static void on_limit(uv_timer_t *handle) {
  (void)handle;
  end_phase();
}

static void on_driver(uv_timer_t *handle) {
  int64_t ms = user_acts(&world);

  if (ms >= 0)
    uv_timer_start(handle, on_driver, (uint64_t)ms, 0);
}

static void open_loop(void) {
  uv_update_time(&loop); /* to virtual time */
  uv_timer_init(&loop, &world.driver);
  uv_timer_init(&loop, &world.limit);
  uv_check_init(&loop, &world.turn);
  uv_check_start(&world.turn, on_turn);
  uv_unref((uv_handle_t *)&world.limit);
  uv_unref((uv_handle_t *)&world.turn);
}

static void on_handle(uv_handle_t *handle, void *arg) {
  (void)handle;
  (void)arg;
  FUZZ_CHECK(0 && "a handle is left");
}

/* Nothing may be left in the loop. To make one takes long, so it serves again,
 * unless the input wants to see it closed. */
static void close_loop(int wholly) {
  uv_close((uv_handle_t *)&world.driver, NULL);
  uv_close((uv_handle_t *)&world.limit, NULL);
  uv_close((uv_handle_t *)&world.turn, NULL);
  FUZZ_CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  FUZZ_CHECK(!uv_loop_alive(&loop));
  uv_walk(&loop, on_handle, NULL);
  if (!wholly)
    return;
  FUZZ_CHECK(uv_loop_close(&loop) == 0);
  has_loop = 0;
}

/* Runs the loop until it has nothing to do: 1; or until a limit: 0. */
static int run_loop(uint64_t work_max) {
  world.over = 0;
  world.work_max = work_done() + work_max;
  uv_timer_start(&world.limit, on_limit, PHASE_MS, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  return !world.over;
}

/* --- phases ----------------------------------------------------------------
 */

/* Whether there is a pool. */
static int make_pool(void) {
  uint32_t i;
  int rc;

  rc = pool_create(&world.pool, &loop, &world.config);
  if (rc != 0) {
    FUZZ_CHECK(rc == UV_ENOMEM && world.heap.failures > 0);
    FUZZ_CHECK(world.pool == NULL && world.heap.bytes == 0);
    return 0;
  }
  world.max_pending = world.pool->config.max_pending;
  for (i = 0; i < world.place_count; i++) {
    rc = pool_add_endpoint(world.pool, world.places[i].name);
    FUZZ_CHECK(rc == 0 || (rc == UV_ENOMEM && world.heap.failures > 0));
    world.places[i].serves = rc == 0;
  }
  return 1;
}

static void run_script(void) {
  int ended;

  uv_timer_start(&world.driver, on_driver, 0, 0);
  ended = run_loop(world.is_long ? LONG_WORK_MAX : WORK_MAX);
  FUZZ_CHECK(!ended || world.pending == 0);
}

static void hang_up_all(void) {
  uint32_t i;

  for (i = 0; i < world.place_count; i++)
    actors_hang_up(&world.places[i], 1);
}

/* Everything works; connections that were stuck are reset. Only who waits for
 * a connect that was lost, and would wait for ever, may do so. */
static void heal(void) {
  uint32_t i;

  world.heals = 1;
  heap_fail(&world.heap, 0, 0);
  uv_timer_stop(&world.driver);
  for (i = 0; i < world.place_count; i++) {
    place_t *place = &world.places[i];

    place->mode = PLACE_ACCEPTS;
    place->speaks_first = 0;
    tcp_hold(place->port, place->v6, 0);
  }
  hang_up_all();
  if (!world.closes)
    streams_heal(&world);
  if (!run_loop(LAST_WORK_MAX))
    FUZZ_CHECK(world.lost);
  else
    FUZZ_CHECK(world.pending == 0);
}

static void on_rested(uv_timer_t *handle) {
  (void)handle;
}

/* Until all that is on its way has arrived. */
static void rest(void) {
  uv_timer_start(&world.driver, on_rested, REST_MS, 0);
  FUZZ_CHECK(run_loop(LAST_WORK_MAX));
}

static int is_patient(uint32_t timeout_ms) {
  return timeout_ms == 0 || timeout_ms > 5;
}

static int may_ask(void) {
  return world.asks && oracle_serving(&world) > 0 && world.pending == 0 &&
         !world.lost && !world.drains && !world.closes &&
         is_patient(world.config.connect_timeout_ms) &&
         is_patient(world.config.head_timeout_ms) &&
         is_patient(world.config.stall_timeout_ms);
}

/* The pool is as good as new: it serves. What is left of slow connections goes
 * before. */
static void ask_last(void) {
  const call_t *call;

  if (!may_ask())
    return;
  rest();
  hang_up_all();
  rest();
  uv_update_time(&loop);
  call = user_asks_last(&world);
  FUZZ_CHECK(call != NULL);
  FUZZ_CHECK(run_loop(LAST_WORK_MAX));
  FUZZ_CHECK(call->ended && call->error == 0 && call->answered);
}

static void close_pool(void) {
  if (!world.closes)
    user_closes(&world);
  FUZZ_CHECK(run_loop(LAST_WORK_MAX));
  FUZZ_CHECK(world.closed && world.pending == 0);
}

static void run_phases(void) {
  if (!make_pool())
    return;
  run_script();
  heal();
  ask_last();
  close_pool();
}

static uint64_t run(const uint8_t *data, size_t size, int twice) {
  kernel_options_t options = {.on_call = trouble_on_call,
                              .on_connect = trouble_on_connect,
                              .on_poll = on_poll,
                              .print = getenv("FUZZ_POOL_TRACE") != NULL,
                              .arg = &world};
  uint64_t hash;

  if (!has_loop)
    FUZZ_CHECK(uv_loop_init(&loop) == 0);
  has_loop = 1;
  set_world(data, size);
  world.is_long = data[9] == 0x77;
  options.seed = data[8];
  options.shuffle = data[8] & 1;
  if (options.print)
    setvbuf(stdout, NULL, _IOLBF, 0); /* an abort loses nothing */
  kernel_begin(&options);
  actors_begin(&world);
  open_loop();
  run_phases();
  close_loop(twice);
  FUZZ_CHECK(world.heap.bytes == 0 && world.heap.blocks == 0);
  FUZZ_CHECK(kernel_open_files() == 0 && tcp_clients() == 0);
  hash = trace_hash();
  actors_end();
  kernel_end();
  return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t hash;
  int twice;

  if (size < SCRIPT_SETTINGS)
    return 0;
  twice = data[9] % 32 == 21; /* no number that mutations like */
  hash = run(data, size, twice);
  if (twice)
    FUZZ_CHECK(run(data, size, 1) == hash);
  return 0;
}
