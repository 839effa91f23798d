/* What the process's own kernel does to it. */
#include <errno.h>

#include "world.h"

static site_t *site_of(world_t *world, int port) {
  return &world->sites[port - WORLD_FIRST_PORT];
}

/* --- system calls that fail ------------------------------------------------
 */

static int fail_socket(world_t *world) {
  if (world_strikes(world, KIND_NO_FILES))
    return EMFILE;
  if (world_strikes(world, KIND_NO_FILES_AT_ALL))
    return ENFILE;
  return world_strikes(world, KIND_NO_SOCKET_MEMORY) ? ENOBUFS : 0;
}

static int fail_read(world_t *world, size_t *limit) {
  if (world_strikes(world, KIND_READ_EINTR))
    return EINTR;
  if (world_strikes(world, KIND_READ_AGAIN))
    return EAGAIN;
  if (world_strikes(world, KIND_READ_RESET))
    return ECONNRESET;
  if (world_strikes(world, KIND_READ_TIMED_OUT))
    return ETIMEDOUT;
  if (world_strikes(world, KIND_SHORT_READ))
    *limit = random_from(&world->chance, 1, 100);
  return 0;
}

static int fail_write(world_t *world, size_t *limit) {
  if (world_strikes(world, KIND_WRITE_EINTR))
    return EINTR;
  if (world_strikes(world, KIND_WRITE_AGAIN))
    return EAGAIN;
  if (world_strikes(world, KIND_WRITE_RESET))
    return ECONNRESET;
  if (world_strikes(world, KIND_WRITE_PIPE))
    return EPIPE;
  if (world_strikes(world, KIND_WRITE_NO_MEMORY))
    return ENOBUFS;
  if (world_strikes(world, KIND_SHORT_WRITE))
    *limit = random_from(&world->chance, 1, 100);
  return 0;
}

/* Its end came before the latest poll: who reads finds it. But while the answer
 * before is being read, one that came close behind it need not be seen yet. */
static int has_ended(const world_t *world, const tcp_end_t *end) {
  uint64_t turns = tcp_turn() - end->over_turn;

  if (end->over_turn == 0 || end->is_asking)
    return 0;
  if (end->read_turn < tcp_turn())
    return turns > 0;
  return turns > 1 && !world->on[KIND_READ_AGAIN];
}

/* A request whose first byte is written must not find on its connection what
 * was there before the latest poll: bytes, which would be taken for its answer.
 * The server's side is at rest then, so they belong to nobody. Nor its end. A
 * write that was put off and is tried again is not the first: where nothing was
 * read before it, in a pause or by chance, even bytes may have come meanwhile.
 */
static void check_first_write(const world_t *world, const tcp_end_t *end) {
  int was_put_off = end->tag != 0;
  int may_be_deaf = world->on[KIND_READ_AGAIN] || world->on[KIND_PAUSE] ||
                    world->on[KIND_PAUSE_FIRST];

  if (end->peer->tag != 0 ||
      end->peer->in.ready + end->peer->in.flight + end->peer->in.queued > 0)
    return;
  if (end->in.ready > 0 && end->in.ready_turn < tcp_turn() &&
      !(was_put_off && may_be_deaf))
    trace_fail("a request is written behind %zu bytes that nobody asked for",
               end->in.ready);
  if (!was_put_off && has_ended(world, end))
    trace_fail("a request is written to a connection that ended earlier");
}

/* The tag of a client's end: its write was put off. */
static int on_write(world_t *world, tcp_end_t *end, size_t *limit) {
  int error;

  if (end == NULL)
    return 0;
  check_first_write(world, end);
  error = world->phase == PHASE_CHAOS ? fail_write(world, limit) : 0;
  if (error == 0 || error == EAGAIN)
    end->tag = error == EAGAIN;
  return error;
}

static int on_call(void *arg, kernel_call_t call, int fd, size_t *limit) {
  world_t *world = arg;

  if (call == KERNEL_WRITE)
    return on_write(world, kernel_end_of(fd), limit);
  if (world->phase != PHASE_CHAOS)
    return 0;
  switch (call) {
  case KERNEL_SOCKET:
    return fail_socket(world);
  case KERNEL_READ:
    return fail_read(world, limit);
  case KERNEL_PEEK:
    return world_strikes(world, KIND_PEEK_EINTR) ? EINTR : 0;
  case KERNEL_EPOLL_WAIT:
    return world_strikes(world, KIND_POLL_EINTR) ? EINTR : 0;
  case KERNEL_SETSOCKOPT:
    return world_strikes(world, KIND_NO_NODELAY) ? EINVAL : 0;
  default:
    return 0;
  }
}

/* --- connects and paths ----------------------------------------------------
 */

static void fail_connect(world_t *world, kernel_route_t *route) {
  if (world_strikes(world, KIND_REFUSED))
    route->later_error = ECONNREFUSED;
  else if (world_strikes(world, KIND_REFUSED_AT_ONCE))
    route->error = ECONNREFUSED;
  else if (world_strikes(world, KIND_LOST))
    route->lost = 1;
  else if (world_strikes(world, KIND_NO_ADDRESS))
    route->error = EADDRNOTAVAIL;
  else if (world_strikes(world, KIND_NO_NETWORK))
    route->error = ENETUNREACH;
  else if (world_strikes(world, KIND_NO_HOST))
    route->later_error = EHOSTUNREACH;
  else if (world_strikes(world, KIND_FORBIDDEN))
    route->error = EACCES;
  else if (world_strikes(world, KIND_SYN_TIMEOUT))
    route->later_error = ETIMEDOUT;
  else if (world_strikes(world, KIND_SLOW_CONNECT))
    route->path.latency_us = random_from(&world->chance, 10000, 100000);
}

static void choose_path(world_t *world, tcp_path_t *path) {
  random_t *chance = &world->chance;

  path->latency_us = world->latency_us;
  path->jitter_us = world->jitter_us;
  if (world_strikes(world, KIND_SMALL_SEGMENTS))
    path->segment =
        random_from(chance, random_chance(chance, 500) ? 1 : 20, 300);
  if (world_strikes(world, KIND_SMALL_WINDOW)) {
    path->server_room = random_from(chance, 1024, 8192);
    path->client_room = random_from(chance, 4096, 16384);
  }
  if (world_strikes(world, KIND_SMALL_BUFFER))
    path->send_room = random_from(chance, 256, 4096);
}

static void on_connect(void *arg, int port, kernel_route_t *route) {
  world_t *world = arg;
  site_t *site = site_of(world, port);

  site->connects++;
  choose_path(world, &route->path);
  if (world->mode != WORLD_SINGLE || site == &world->sites[0])
    fail_connect(world, route);
}

static void on_poll(void *arg) {
  world_t *world = arg;
  uint64_t jump_us = world->jump_us;

  oracle_check(world);
  world->jump_us = 0;
  world->lost_us += jump_us;
  if (jump_us > 0)
    kernel_jump(jump_us);
}

void host_begin(world_t *world, int print) {
  kernel_options_t options = {.seed = world->seed,
                              .shuffle = 1,
                              .print = print,
                              .on_call = on_call,
                              .on_connect = on_connect,
                              .on_poll = on_poll,
                              .arg = world};

  kernel_begin(&options);
}
