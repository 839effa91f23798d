/* The limits of the system, met for real: no file descriptor left, no local
 * port left. The pool runs in a child process whose limits are lowered, its
 * server in another one; the number of the first broken promise is the exit
 * code. */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define NOT_PERMITTED 77
#define FDS_MAX       256

/* In the child. */
#define PROMISE(number, fact)                                                  \
  do {                                                                         \
    if (!(fact)) {                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);       \
      _exit(number);                                                           \
    }                                                                          \
  } while (0)

/* --- the server's process ------------------------------------------------- */

static void run_server(int to_parent) {
  static const server_step_t slow[] = {EXPECT(), DELAY(10), REPLY(), REPEAT()};
  static server_t server;
  uv_loop_t loop;

  alarm(30); /* it must not outlive a test that failed */
  PROMISE(1, uv_loop_init(&loop) == 0);
  PROMISE(1, server_open(&server, &loop, 0) == 0);
  uv_ref((uv_handle_t *)server.listener);
  server_default(&server, slow);
  PROMISE(1, write(to_parent, server.address, sizeof server.address) ==
                 (ssize_t)sizeof server.address);
  uv_run(&loop, UV_RUN_DEFAULT);
  _exit(1);
}

static pid_t start_server(char *address, size_t size) {
  int ends[2];
  pid_t pid;

  PROMISE(2, pipe(ends) == 0);
  pid = fork();
  if (pid == 0)
    run_server(ends[1]);
  PROMISE(2, pid > 0);
  PROMISE(2, read(ends[0], address, size) == (ssize_t)size);
  close(ends[0]);
  close(ends[1]);
  return pid;
}

static void stop_server(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

/* --- the pool's process --------------------------------------------------- */

typedef struct {
  fixture_t *fx;
  char address[64];
  pid_t server;
} world_t;

static void start_world(world_t *world, uint32_t max_connections) {
  pool_config_t config = {.max_connections = max_connections};
  void *state;

  world->server = start_server(world->address, sizeof world->address);
  fixture_setup(&state);
  world->fx = state;
  fixture_pool_bare(world->fx, &config);
  PROMISE(3, pool_add_endpoint(world->fx->pool, world->address) == 0);
}

static void stop_world(world_t *world) {
  void *state = world->fx;

  PROMISE(4, fixture_teardown(&state) == 0);
  stop_server(world->server);
}

/* So many requests at once; how many are answered. */
static int served(world_t *world, int count) {
  record_t *got[16];
  int answered = 0;
  int i;

  for (i = 0; i < count; i++)
    got[i] = fixture_get(world->fx, "/");
  fixture_run(world->fx);
  for (i = 0; i < count; i++)
    answered += got[i]->calls == 1 && got[i]->error == 0;
  return answered;
}

static record_t *get_and_close(world_t *world) {
  pool_header_t close = {"Connection", "close", 0, 0};
  pool_request_t request = {.path = "/", .headers = &close, .header_count = 1};
  record_t *got = fixture_request(world->fx, &request);

  fixture_run(world->fx);
  return got;
}

static int last_error(const world_t *world) {
  pool_endpoint_stats_t stats;

  PROMISE(5, pool_endpoint_stats(world->fx->pool, world->address, &stats) == 0);
  return stats.last_error;
}

/* Takes all descriptors that the limit leaves. */
static int take_fds(int *fds) {
  int count = 0;

  while (count < FDS_MAX && (fds[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
    count++;
  return count;
}

static void without_descriptors(void) {
  struct rlimit limit = {.rlim_cur = 128, .rlim_max = 128};
  int fds[FDS_MAX];
  world_t world;
  record_t *got;
  int count;

  start_world(&world, 4);
  PROMISE(10, setrlimit(RLIMIT_NOFILE, &limit) == 0);
  PROMISE(11, served(&world, 1) == 1);
  count = take_fds(fds);
  /* One connection is open, and all wait for it. */
  PROMISE(12, served(&world, 6) == 6);
  PROMISE(13, last_error(&world) == UV_EMFILE);
  PROMISE(14, fixture_stats(world.fx).connects == 1);
  PROMISE(15, fixture_stats(world.fx).connect_fails > 0);
  /* None is open: the error is told. */
  PROMISE(16, get_and_close(&world)->error == 0);
  fixture_turns(world.fx, 3);
  count += take_fds(fds + count);
  got = fixture_get(world.fx, "/");
  fixture_run(world.fx);
  PROMISE(17, got->calls == 1 && got->error == UV_EMFILE);
  PROMISE(18, got->phase == POOL_CONNECTING && got->attempts == 0);
  /* They are back. */
  while (count > 0)
    close(fds[--count]);
  PROMISE(19, served(&world, 10) == 10);
  stop_world(&world);
  _exit(0);
}

/* A network of our own, with loopback only. */
static void own_network(void) {
  struct ifreq lo = {.ifr_flags = IFF_UP};
  int fd;

  if (unshare(CLONE_NEWNET) != 0)
    _exit(NOT_PERMITTED);
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  strcpy(lo.ifr_name, "lo");
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
    _exit(NOT_PERMITTED);
  close(fd);
}

/* Ports from here on are these two. */
static void limit_ports(void) {
  static const char range[] = "40000 40001";
  int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY);

  if (fd < 0 || write(fd, range, sizeof range - 1) < 0)
    _exit(NOT_PERMITTED);
  close(fd);
}

/* Takes a port towards the server, with a connection of our own. */
static int take_port(const char *address) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  struct sockaddr_in to;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  PROMISE(20,
          uv_ip4_addr("127.0.0.1", atoi(strchr(address, ':') + 1), &to) == 0);
  PROMISE(21, setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
  PROMISE(22, connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
  return fd;
}

static void without_ports(void) {
  world_t world;
  record_t *got;
  int taken[2];

  own_network();
  start_world(&world, 4);
  limit_ports();
  taken[0] = take_port(world.address);
  taken[1] = take_port(world.address);
  got = fixture_get(world.fx, "/");
  fixture_run(world.fx);
  PROMISE(23, got->calls == 1 && got->error == UV_EADDRNOTAVAIL);
  PROMISE(24, got->phase == POOL_CONNECTING && got->attempts == 0);
  close(taken[0]);
  /* One port is free: all wait for the one connection. */
  PROMISE(25, served(&world, 6) == 6);
  PROMISE(26, last_error(&world) == UV_EADDRNOTAVAIL);
  close(taken[1]);
  PROMISE(27, served(&world, 10) == 10);
  stop_world(&world);
  _exit(0);
}

/* --- the test's process --------------------------------------------------- */

static int run_child(void (*child)(void)) {
  int status;
  pid_t pid = fork();

  assert_true(pid >= 0);
  if (pid == 0) {
    alarm(20);
    child();
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
requests_wait_for_what_is_open_when_descriptors_are_out(void **state) {
  (void)state;
  assert_int_equal(run_child(without_descriptors), 0);
}

static void requests_wait_for_what_is_open_when_ports_are_out(void **state) {
  int code = run_child(without_ports);

  (void)state;
  if (code == NOT_PERMITTED)
    skip();
  assert_int_equal(code, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_wait_for_what_is_open_when_descriptors_are_out),
      cmocka_unit_test(requests_wait_for_what_is_open_when_ports_are_out),
  };

  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
