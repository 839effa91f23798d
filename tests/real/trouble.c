/* Real servers on their bad days, under load: reloaded, killed, stopped, put
 * to sleep. Some requests may be lost, for none is sent twice; which ones, how
 * many and how is what is tested, and that all is well again afterwards. */
#include <signal.h>

#include "fixture.h"
#include "process.h"

#define CONNECTIONS 8u
#define ERRORS      8u /* different ones that a load may meet */

static process_t server;

/* So many requests in hand all the time, each callback making the next. */
typedef struct {
  fixture_t *fx;
  const char *path;
  int stopped;
  uint32_t in_hand;
  uint32_t told;
  uint32_t answered;
  uint32_t goal;      /* of load_run(), for `answered` */
  int errors[ERRORS]; /* that came up */
  uint32_t counts[ERRORS];
  uint32_t unbalanced; /* times the counters did not add up */
  uint32_t refused;    /* requests that pool_request() did not accept */
  uint32_t strange;    /* answers that were not the expected one */
  uint32_t again;      /* failures of requests that were sent twice */
} load_t;

/* Static: callbacks come until the pool is closed, also after a test failed. */
static load_t loaded;

static void load_send(load_t *load);

static void count_error(load_t *load, int error) {
  uint32_t i;

  for (i = 0; i < ERRORS - 1; i++)
    if (load->errors[i] == error || load->errors[i] == 0)
      break;
  load->errors[i] = error;
  load->counts[i]++;
}

static void look_at_counters(load_t *load) {
  pool_stats_t stats = fixture_stats(load->fx);

  if (stats.accepted !=
      stats.succeeded + stats.failed + stats.cancelled + stats.pending)
    load->unbalanced++;
  if (stats.connecting + stats.idle + stats.busy + stats.closing > CONNECTIONS)
    load->unbalanced++;
}

static void on_told(const pool_result_t *result, void *data) {
  load_t *load = data;

  load->in_hand--;
  load->told++;
  look_at_counters(load);
  if (result->error != 0)
    count_error(load, result->error);
  else if (result->status != 200 || strcmp(result->body, "hello") != 0)
    load->strange++;
  else
    load->answered++;
  if (result->attempts > 1)
    load->again++;
  if (!load->stopped)
    load_send(load);
}

static void load_send(load_t *load) {
  if (pool_get(load->fx->pool, load->path, on_told, load) == 0)
    load->in_hand++;
  else
    load->refused++;
}

static void load_start(load_t *load, fixture_t *fx, const char *path) {
  uint32_t i;

  memset(load, 0, sizeof *load);
  load->fx = fx;
  load->path = path;
  for (i = 0; i < CONNECTIONS; i++)
    load_send(load);
}

static int has_its_goal(fixture_t *fx, void *arg) {
  const load_t *load = arg;

  (void)fx;
  return load->answered >= load->goal;
}

/* Runs until n more have been answered. */
static void load_run(load_t *load, uint32_t n) {
  load->goal = load->answered + n;
  fixture_run_until(load->fx, has_its_goal, load);
}

static void load_stop(load_t *load) {
  load->stopped = 1;
  fixture_run(load->fx);
  assert_int_equal(load->in_hand, 0);
  assert_int_equal(load->unbalanced, 0);
  assert_int_equal(load->refused, 0);
  assert_int_equal(load->strange, 0);
  assert_int_equal(load->again, 0);
}

static uint32_t load_count(const load_t *load, int error) {
  uint32_t i;

  for (i = 0; i < ERRORS; i++)
    if (load->errors[i] == error)
      return load->counts[i];
  return 0;
}

static uint32_t load_failed(const load_t *load) {
  return load->told - load->answered - load->strange;
}

/* How a connection that the server gave up may look. */
static uint32_t load_cut(const load_t *load) {
  return load_count(load, POOL_EHANGUP) + load_count(load, UV_ECONNRESET) +
         load_count(load, UV_EPIPE);
}

static void load_print(const load_t *load, const char *what) {
  uint32_t i;

  print_message("%s: %u answered", what, load->answered);
  for (i = 0; i < ERRORS && load->counts[i] > 0; i++)
    print_message(", %u %s", load->counts[i], pool_err_name(load->errors[i]));
  print_message("\n");
}

/* All is well: so many requests, and none fails. */
static void assert_well(fixture_t *fx, uint32_t n) {
  const record_t *got;
  uint32_t i;

  for (i = 0; i < n; i++)
    assert_int_equal(fixture_get(fx, "/")->rc, 0);
  fixture_run(fx);
  for (i = 0, got = fx->records; i < n; i++, got = got->next) {
    assert_string_equal(pool_err_name(got->error), "OK");
    assert_int_equal(got->status, 200);
  }
}

static int teardown(void **state) {
  process_remove(&server);
  return fixture_teardown(state);
}

#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

static void pool_to_server(fixture_t *fx, const pool_config_t *given) {
  pool_config_t config = {0};

  if (given != NULL)
    config = *given;
  config.max_connections = CONNECTIONS;
  config.max_connecting = CONNECTIONS;
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, server.address), 0);
}

static void start_nginx(int workers) {
  process_nginx(&server, workers,
                "keepalive_requests 1000000;"
                "location / { return 200 hello; }");
}

/* --- nginx -----------------------------------------------------------------
 */

typedef struct {
  uint64_t connects;
} goal_t;

static int has_connected(fixture_t *fx, void *arg) {
  return fixture_stats(fx).connects >= ((goal_t *)arg)->connects;
}

/* The old worker closes a connection after the answer on it, which may be when
 * the next request is on its way. One such race for each connection is the
 * most that a reload can cost. */
static void
a_reload_under_load_costs_a_request_per_connection_at_most(void **state) {
  fixture_t *fx = *state;
  goal_t goal;
  int i;

  start_nginx(1);
  pool_to_server(fx, NULL);
  load_start(&loaded, fx, "/");
  load_run(&loaded, 500);
  for (i = 1; i <= 5; i++) {
    uint32_t failed = load_failed(&loaded);

    goal.connects = fixture_stats(fx).connects + CONNECTIONS;
    process_signal(&server, SIGHUP);
    fixture_run_until(fx, has_connected, &goal);
    load_run(&loaded, 500);
    assert_in_range(load_failed(&loaded) - failed, 0, CONNECTIONS);
  }
  load_stop(&loaded);
  load_print(&loaded, "five reloads");
  assert_int_equal(load_failed(&loaded), load_cut(&loaded));
  assert_well(fx, 100);
}

/* While nobody uses them, all connections are closed, and we are told. */
static int none_is_open(fixture_t *fx, void *arg) {
  pool_stats_t stats = fixture_stats(fx);

  (void)arg;
  return stats.idle + stats.busy + stats.closing == 0;
}

static void a_reload_at_rest_costs_no_request(void **state) {
  fixture_t *fx = *state;
  uint64_t failed;

  start_nginx(1);
  pool_to_server(fx, NULL);
  assert_well(fx, 50);
  failed = fixture_stats(fx).failed;
  process_signal(&server, SIGHUP);
  fixture_run_until(fx, none_is_open, NULL);
  assert_well(fx, 50);
  assert_int_equal(fixture_stats(fx).failed, failed);
}

/* Those that were on the way are cut, later ones refused: nothing else. */
static void assert_only_cut_or_refused(const load_t *load) {
  assert_int_equal(load_failed(load),
                   load_cut(load) + load_count(load, UV_ECONNREFUSED));
}

static int was_refused(fixture_t *fx, void *arg) {
  (void)fx;
  return load_count(arg, UV_ECONNREFUSED) > 20;
}

static void
a_killed_server_fails_what_it_had_and_the_pool_recovers(void **state) {
  fixture_t *fx = *state;

  start_nginx(0);
  pool_to_server(fx, NULL);
  load_start(&loaded, fx, "/");
  load_run(&loaded, 500);
  process_kill(&server);
  fixture_run_until(fx, was_refused, &loaded);
  process_restart(&server);
  load_run(&loaded, 1000);
  load_stop(&loaded);
  load_print(&loaded, "killed and restarted");
  assert_only_cut_or_refused(&loaded);
  assert_in_range(load_cut(&loaded), 0, CONNECTIONS);
  assert_well(fx, 100);
}

static void
a_server_killed_at_rest_costs_no_request_once_it_is_back(void **state) {
  fixture_t *fx = *state;

  start_nginx(0);
  pool_to_server(fx, NULL);
  assert_well(fx, 50);
  process_kill(&server);
  process_restart(&server);
  assert_well(fx, 50);
  assert_int_equal(fixture_stats(fx).failed, 0);
}

/* A sleeping process: the kernel goes on accepting connections and bytes for
 * it, and nothing is ever answered. */
static void a_sleeping_server_is_given_up_by_the_deadline(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {0};
  record_t *got[3 * CONNECTIONS];
  uint32_t i;

  start_nginx(0);
  config.timeout_ms = 200;
  pool_to_server(fx, &config);
  assert_well(fx, 20);
  process_signal(&server, SIGSTOP);
  for (i = 0; i < 3 * CONNECTIONS; i++)
    got[i] = fixture_get(fx, "/");
  fixture_run(fx);
  for (i = 0; i < 3 * CONNECTIONS; i++) {
    assert_int_equal(got[i]->calls, 1);
    assert_string_equal(pool_err_name(got[i]->error), "ETIMEDOUT");
    assert_in_range(got[i]->total_ms, 195, 2000);
  }
  assert_int_equal(got[0]->phase, POOL_AWAITING);
  /* The last one waits, or has a connection of one that ended a tick before. */
  assert_true(got[3 * CONNECTIONS - 1]->phase <= POOL_AWAITING);
  process_signal(&server, SIGCONT);
  assert_well(fx, 100);
}

static void a_sleeping_server_is_given_up_by_the_head_timeout(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {0};
  record_t *got;

  start_nginx(0);
  config.timeout_ms = 5000;
  config.head_timeout_ms = 150;
  pool_to_server(fx, &config);
  assert_well(fx, 20);
  process_signal(&server, SIGSTOP);
  got = fixture_get(fx, "/");
  fixture_run_record(fx, got);
  assert_string_equal(pool_err_name(got->error), "ETIMEDOUT");
  assert_int_equal(got->phase, POOL_AWAITING);
  assert_in_range(got->total_ms, 145, 2000);
  process_signal(&server, SIGCONT);
  assert_well(fx, 100);
}

static int has_timed_out(fixture_t *fx, void *arg) {
  (void)fx;
  return load_count(arg, UV_ETIMEDOUT) >= 2 * CONNECTIONS;
}

static void a_server_that_sleeps_under_load_only_costs_timeouts(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {0};

  start_nginx(0);
  config.timeout_ms = 200;
  pool_to_server(fx, &config);
  load_start(&loaded, fx, "/");
  load_run(&loaded, 500);
  process_signal(&server, SIGSTOP);
  fixture_run_until(fx, has_timed_out, &loaded);
  process_signal(&server, SIGCONT);
  load_run(&loaded, 1000);
  load_stop(&loaded);
  load_print(&loaded, "put to sleep");
  assert_int_equal(load_failed(&loaded), load_count(&loaded, UV_ETIMEDOUT));
  assert_well(fx, 100);
}

/* --- haproxy ---------------------------------------------------------------
 */

static void start_haproxy(void) {
  process_haproxy(&server, "",
                  "  http-request return status 200 content-type text/plain"
                  " string hello",
                  "");
}

/* It stops to listen, says close on the connections that are open, and goes
 * once they are gone. */
static void a_proxy_that_stops_says_so_and_the_pool_recovers(void **state) {
  fixture_t *fx = *state;

  start_haproxy();
  pool_to_server(fx, NULL);
  load_start(&loaded, fx, "/");
  load_run(&loaded, 500);
  process_signal(&server, SIGUSR1);
  fixture_run_until(fx, was_refused, &loaded);
  process_wait(&server);
  process_restart(&server);
  load_run(&loaded, 1000);
  load_stop(&loaded);
  load_print(&loaded, "a proxy stopped softly and restarted");
  assert_only_cut_or_refused(&loaded);
  assert_in_range(load_cut(&loaded), 0, CONNECTIONS);
  assert_well(fx, 100);
}

static void
a_proxy_that_is_killed_fails_what_it_had_and_the_pool_recovers(void **state) {
  fixture_t *fx = *state;

  start_haproxy();
  pool_to_server(fx, NULL);
  load_start(&loaded, fx, "/");
  load_run(&loaded, 500);
  process_kill(&server);
  fixture_run_until(fx, was_refused, &loaded);
  process_restart(&server);
  load_run(&loaded, 1000);
  load_stop(&loaded);
  load_print(&loaded, "a proxy killed and restarted");
  assert_only_cut_or_refused(&loaded);
  assert_in_range(load_cut(&loaded), 0, CONNECTIONS);
  assert_well(fx, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_reload_under_load_costs_a_request_per_connection_at_most),
      TEST(a_reload_at_rest_costs_no_request),
      TEST(a_killed_server_fails_what_it_had_and_the_pool_recovers),
      TEST(a_server_killed_at_rest_costs_no_request_once_it_is_back),
      TEST(a_sleeping_server_is_given_up_by_the_deadline),
      TEST(a_sleeping_server_is_given_up_by_the_head_timeout),
      TEST(a_server_that_sleeps_under_load_only_costs_timeouts),
      TEST(a_proxy_that_stops_says_so_and_the_pool_recovers),
      TEST(a_proxy_that_is_killed_fails_what_it_had_and_the_pool_recovers),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
