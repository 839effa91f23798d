/* Three nginx, restarted one after the other, again and again, while one pool
 * of all three is under a steady load. Nothing that may be repeated fails;
 * what may not be is never done twice.
 *
 * The load is a number of callers: at each beat every one of them that has its
 * answer asks again. Requests are numbered, and the number is their path. A
 * restart begins when its share of the load is done and goes on only as the
 * pool comes to know of it: it loses its connections, is refused a new one or
 * takes the server out, and is answered again. So none can be missed. */
#include <signal.h>

#include "fixture.h"
#include "process.h"

#define SERVERS  3u
#define ROUNDS   3u /* that each server is restarted in */
#define RESTARTS (ROUNDS * SERVERS)
#define REQUESTS 20000u  /* at least */
#define MOST     300000u /* if the pool is slow to notice */
#define CALLERS  24u
#define BEAT_MS  5u

/* How a request ended. */
typedef struct {
  uint32_t calls; /* of its callback */
  int error;
  pool_phase_t phase;
  uint32_t attempts;
  int is_right; /* 200, and the answer to this very request */
} end_t;

typedef struct {
  fixture_t *fx;
  const char *method;
  uint32_t made;
  uint32_t in_hand;
  uint32_t told;
  uint32_t refused; /* by pool_request() */
  uint32_t slowest_ms;
  end_t ends[MOST];
} load_t;

/* Static: callbacks come until the pool is closed, also after a test failed. */
static load_t load;
static process_t servers[SERVERS];

/* --- the load ------------------------------------------------------------ */

static void on_told(const pool_result_t *result, void *data) {
  end_t *end = data;
  char expected[32];

  snprintf(expected, sizeof expected, "%s /%u", load.method,
           (unsigned)(end - load.ends));
  end->calls++;
  end->error = result->error;
  end->phase = result->phase;
  end->attempts = result->attempts;
  end->is_right = result->error == 0 && result->status == 200 &&
                  strcmp(result->body, expected) == 0;
  if (result->total_ms > load.slowest_ms)
    load.slowest_ms = result->total_ms;
  load.in_hand--;
  load.told++;
}

static void ask(void) {
  pool_request_t request = {0};
  end_t *end = &load.ends[load.made];
  char path[16];

  snprintf(path, sizeof path, "/%u", load.made++);
  request.method = load.method;
  request.path = path;
  if (pool_request(load.fx->pool, &request, on_told, end, NULL) == 0)
    load.in_hand++;
  else
    load.refused++;
}

static void on_beat(uv_timer_t *timer) {
  (void)timer;
  while (load.in_hand < CALLERS && load.made < MOST)
    ask();
}

static void start_load(fixture_t *fx, const char *method) {
  memset(&load, 0, sizeof load);
  load.fx = fx;
  load.method = method;
  uv_timer_start(&fx->timer, on_beat, BEAT_MS, BEAT_MS);
}

/* --- restarts --------------------------------------------------------------
 */

/* A restart of one server, and how it stood before. */
typedef struct {
  process_t *server;
  pool_endpoint_stats_t before;
} restart_t;

static pool_endpoint_stats_t stats_of(const restart_t *restart) {
  pool_endpoint_stats_t stats = {0};

  pool_endpoint_stats(load.fx->pool, restart->server->address, &stats);
  return stats;
}

/* Connections that were opened and are not there any more. */
static uint64_t lost_of(const pool_endpoint_stats_t *stats) {
  return stats->connects - stats->idle - stats->busy;
}

static int is_due(fixture_t *fx, void *arg) {
  uint32_t *due = arg;

  (void)fx;
  return load.told >= *due;
}

/* It has requests in hand, and has answered others that came with them. */
static int is_busy(fixture_t *fx, void *arg) {
  (void)fx;
  return load.in_hand <= CALLERS / 2 && stats_of(arg).busy > 0;
}

static int has_stopped(fixture_t *fx, void *arg) {
  (void)fx;
  return process_is_stopped(((restart_t *)arg)->server);
}

static int was_asked(fixture_t *fx, void *arg) {
  const restart_t *restart = arg;

  (void)fx;
  return stats_of(restart).attempts > restart->before.attempts;
}

static int has_lost_all(fixture_t *fx, void *arg) {
  const restart_t *restart = arg;
  pool_endpoint_stats_t stats = stats_of(restart);

  (void)fx;
  return lost_of(&stats) >= restart->before.connects;
}

static int has_ended(fixture_t *fx, void *arg) {
  (void)fx;
  return process_has_ended(((restart_t *)arg)->server);
}

static int is_known_to_be_down(fixture_t *fx, void *arg) {
  const restart_t *restart = arg;
  pool_endpoint_stats_t stats = stats_of(restart);

  (void)fx;
  return stats.connect_fails > restart->before.connect_fails ||
         stats.health == POOL_OUT;
}

static int listens(fixture_t *fx, void *arg) {
  const restart_t *restart = arg;

  (void)fx;
  return process_has_ended(restart->server) || process_listens(restart->server);
}

/* On a new connection: the others are lost. */
static int answers(fixture_t *fx, void *arg) {
  const restart_t *restart = arg;
  pool_endpoint_stats_t stats = stats_of(restart);

  (void)fx;
  return stats.connects > restart->before.connects &&
         stats.succeeded > restart->before.succeeded;
}

static void down_and_up(fixture_t *fx, restart_t *restart) {
  fixture_run_until(fx, has_ended, restart);
  fixture_run_until(fx, has_lost_all, restart);
  fixture_run_until(fx, is_known_to_be_down, restart);
  process_begin(restart->server);
  fixture_run_until(fx, listens, restart);
  assert_true(restart->server->pid > 0);
  restart->before = stats_of(restart);
}

static void by_quit(fixture_t *fx, restart_t *restart) {
  process_signal(restart->server, SIGQUIT);
  down_and_up(fx, restart);
}

/* Stopped first, or it might have answered all of its requests by then. */
static void by_kill(fixture_t *fx, restart_t *restart) {
  process_signal(restart->server, SIGSTOP);
  fixture_run_until(fx, has_stopped, restart);
  restart->before = stats_of(restart);
  fixture_run_until(fx, was_asked, restart);
  process_signal_all(restart->server, SIGKILL);
  down_and_up(fx, restart);
}

static void by_reload(fixture_t *fx, restart_t *restart) {
  process_signal(restart->server, SIGHUP);
  fixture_run_until(fx, has_lost_all, restart);
}

typedef void (*way_t)(fixture_t *fx, restart_t *restart);

static int none_is_in_hand(fixture_t *fx, void *arg) {
  (void)fx;
  (void)arg;
  return load.in_hand == 0;
}

/* Runs until so many requests have been told. */
static void run_to(fixture_t *fx, uint32_t due) {
  fixture_run_until(fx, is_due, &due);
}

/* Restarts all of them in turn, spread over the load. */
static void roll(fixture_t *fx, way_t way) {
  uint32_t i;

  for (i = 0; i < RESTARTS; i++) {
    restart_t restart = {0};
    uint32_t told;

    restart.server = &servers[i % SERVERS];
    run_to(fx, load.told + REQUESTS / (RESTARTS + 1));
    fixture_run_until(fx, is_busy, &restart);
    restart.before = stats_of(&restart);
    told = load.told;
    way(fx, &restart);
    fixture_run_until(fx, answers, &restart);
    assert_true(load.told > told);
  }
  run_to(fx, load.told + REQUESTS / (RESTARTS + 1));
  uv_timer_stop(&fx->timer);
  fixture_run_until(fx, none_is_in_hand, NULL);
}

/* --- the scene -------------------------------------------------------------
 */

/* An answer takes a while: each is half a millisecond after the one before.
 * Each request is written down as it comes: an access log is written after the
 * answer, and would lack whatever a kill has cut off. */
static const char http[] = "limit_req_zone $pid zone=slow:64k rate=2000r/s;";
static const char directives[] =
    "keepalive_requests 1000000;"
    "error_log seen notice;"
    "rewrite_log on;"
    "if ($request_uri ~ .) { set $is_seen 1; }"
    "limit_req zone=slow burst=100;"
    "limit_req_log_level info;"
    "location / { try_files /none @answer; }"
    "location @answer { return 200 \"$request_method $request_uri\"; }";

/* With a pool as it is by default, which the fixture's is not. */
static void scene(fixture_t *fx, int workers, const char *method) {
  pool_config_t config = {0};
  uint32_t i;

  process_need("nginx");
  for (i = 0; i < SERVERS; i++) {
    process_init(&servers[i]);
    process_write(&servers[i], "slow.http", http, sizeof http - 1);
    process_nginx(&servers[i], workers, directives);
  }
  config.max_attempts = 3;
  config.eject_after = 5;
  fixture_pool_bare(fx, &config);
  for (i = 0; i < SERVERS; i++)
    assert_int_equal(pool_add_endpoint(fx->pool, servers[i].address), 0);
  start_load(fx, method);
}

static int teardown(void **state) {
  fixture_t *fx = *state;
  uint32_t i;

  uv_timer_stop(&fx->timer);
  for (i = 0; i < SERVERS; i++)
    process_remove(&servers[i]);
  return fixture_teardown(state);
}

#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

/* --- what has to be true ---------------------------------------------------
 */

static uint32_t failed(void) {
  uint32_t count = 0;
  uint32_t i;

  for (i = 0; i < load.made; i++)
    count += load.ends[i].error != 0;
  return count;
}

static void print_load(fixture_t *fx) {
  pool_stats_t stats = fixture_stats(fx);
  uint64_t lost = stats.connects - stats.idle;

  print_message("%u %s, %u restarts: %u failed; %u connections lost, %u "
                "connects refused, %u found dead, %u retries, %u of them "
                "replays, %u denied, %u taken out; slowest %u ms\n",
                load.told, load.method, RESTARTS, failed(), (unsigned)lost,
                (unsigned)stats.connect_fails, (unsigned)stats.stale,
                (unsigned)stats.retries, (unsigned)stats.replays,
                (unsigned)stats.retries_denied, (unsigned)stats.ejections,
                load.slowest_ms);
}

/* The load was whole, and all restarts happened in it. */
static void assert_rolled(fixture_t *fx) {
  pool_stats_t stats = fixture_stats(fx);
  uint32_t i;

  print_load(fx);
  assert_int_equal(load.refused, 0);
  assert_in_range(load.made, REQUESTS, MOST - 1);
  assert_int_equal(stats.accepted, load.made);
  assert_int_equal(stats.succeeded + stats.failed, load.made);
  assert_int_equal(stats.pending, 0);
  for (i = 0; i < load.made; i++)
    assert_int_equal(load.ends[i].calls, 1);
}

static void assert_none_failed(void) {
  uint32_t i;

  for (i = 0; i < load.made; i++) {
    assert_string_equal(pool_err_name(load.ends[i].error), "OK");
    assert_true(load.ends[i].is_right);
  }
}

/* Adds up how often one server has seen each request. */
static void read_seen(const process_t *server, uint32_t *seen) {
  static const char mark[] = "\" matches \"/";
  char path[80], line[512];
  FILE *file;

  snprintf(path, sizeof path, "%s/seen", server->dir);
  file = fopen(path, "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file) != NULL) {
    const char *at = strstr(line, mark);
    unsigned long id = at == NULL ? 0 : strtoul(at + sizeof mark - 1, NULL, 10);

    if (at == NULL)
      continue;
    assert_in_range(id, 0, load.made - 1);
    seen[id]++;
  }
  fclose(file);
}

/* It was on its way when its connection was lost, and that is all there is to
 * know. */
static void assert_cut(const end_t *end) {
  assert_true(end->error == POOL_EHANGUP || end->error == UV_ECONNRESET ||
              end->error == UV_EPIPE);
  assert_in_range(end->phase, POOL_SENDING, POOL_RECEIVING);
}

static void assert_none_done_twice(void) {
  static uint32_t seen[MOST];
  uint32_t i, done = 0;

  memset(seen, 0, sizeof seen);
  for (i = 0; i < SERVERS; i++)
    read_seen(&servers[i], seen);
  for (i = 0; i < load.made; i++) {
    const end_t *end = &load.ends[i];

    if (end->error == 0)
      assert_int_equal(seen[i], 1);
    else
      assert_in_range(seen[i], 0, 1);
    assert_int_equal(end->attempts, 1);
    if (end->error == 0)
      assert_true(end->is_right);
    else
      assert_cut(end);
    done += end->error != 0 && seen[i] == 1;
  }
  print_message("%u of those that failed were done\n", done);
  assert_in_range(failed(), 0, RESTARTS * CALLERS);
}

/* --- the tests -------------------------------------------------------------
 */

static void no_get_fails_while_servers_are_stopped_and_started(void **state) {
  fixture_t *fx = *state;

  scene(fx, 1, "GET");
  roll(fx, by_quit);
  assert_rolled(fx);
  assert_none_failed();
  assert_true(fixture_stats(fx).connect_fails > 0);
}

static void no_get_fails_while_servers_are_killed_and_started(void **state) {
  fixture_t *fx = *state;

  scene(fx, 0, "GET");
  roll(fx, by_kill);
  assert_rolled(fx);
  assert_none_failed();
  assert_true(fixture_stats(fx).connect_fails > 0);
  assert_true(fixture_stats(fx).retries >= RESTARTS);
}

static void no_get_fails_while_servers_are_reloaded(void **state) {
  fixture_t *fx = *state;

  scene(fx, 1, "GET");
  roll(fx, by_reload);
  assert_rolled(fx);
  assert_none_failed();
}

static void no_post_is_done_twice_while_servers_are_stopped(void **state) {
  fixture_t *fx = *state;

  scene(fx, 1, "POST");
  roll(fx, by_quit);
  assert_rolled(fx);
  assert_none_done_twice();
  assert_true(fixture_stats(fx).connect_fails > 0);
}

static void no_post_is_done_twice_while_servers_are_killed(void **state) {
  fixture_t *fx = *state;

  scene(fx, 0, "POST");
  roll(fx, by_kill);
  assert_rolled(fx);
  assert_none_done_twice();
  assert_true(fixture_stats(fx).connect_fails > 0);
  assert_true(failed() >= RESTARTS);
}

static void no_post_is_done_twice_while_servers_are_reloaded(void **state) {
  fixture_t *fx = *state;

  scene(fx, 1, "POST");
  roll(fx, by_reload);
  assert_rolled(fx);
  assert_none_done_twice();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(no_get_fails_while_servers_are_stopped_and_started),
      TEST(no_get_fails_while_servers_are_killed_and_started),
      TEST(no_get_fails_while_servers_are_reloaded),
      TEST(no_post_is_done_twice_while_servers_are_stopped),
      TEST(no_post_is_done_twice_while_servers_are_killed),
      TEST(no_post_is_done_twice_while_servers_are_reloaded),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
