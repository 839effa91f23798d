#include "pool_trouble.h"

#include <errno.h>

#include "pool_actor.h"

#define FAULTS_MAX 40u /* nothing is interrupted for ever */

typedef struct {
  kernel_call_t call;
  int error; /* 0: fewer bytes than asked for */
} fault_t;

/* What each call may say at any time. epoll_ctl() and getsockopt() are left
 * out: libuv aborts when the first fails and does not ask whether the second
 * did. */
static const fault_t faults[] = {
    {KERNEL_READ, 0},
    {KERNEL_WRITE, 0},
    {KERNEL_READ, EINTR},
    {KERNEL_READ, EAGAIN},
    {KERNEL_READ, ECONNRESET},
    {KERNEL_READ, ETIMEDOUT},
    {KERNEL_WRITE, EINTR},
    {KERNEL_WRITE, EAGAIN},
    {KERNEL_WRITE, EPIPE},
    {KERNEL_WRITE, ECONNRESET},
    {KERNEL_WRITE, ENOBUFS},
    {KERNEL_WRITE, EHOSTUNREACH},
    {KERNEL_PEEK, EINTR},
    {KERNEL_PEEK, ECONNRESET},
    {KERNEL_SOCKET, EMFILE},
    {KERNEL_SOCKET, ENFILE},
    {KERNEL_SOCKET, ENOBUFS},
    {KERNEL_CONNECT, EINTR},
    {KERNEL_CONNECT, EADDRNOTAVAIL},
    {KERNEL_CONNECT, ENETUNREACH},
    {KERNEL_CONNECT, ECONNREFUSED},
    {KERNEL_CONNECT, EACCES},
    {KERNEL_SETSOCKOPT, EINVAL},
    {KERNEL_IOCTL, EINVAL},
    {KERNEL_CLOSE, EINTR},
    {KERNEL_EPOLL_WAIT, EINTR},
};

/* The connection of a descriptor that is about to be written to, if that is
 * the first byte of a request. */
static const pool__conn_t *starting_on(const pool__list_t *endpoints, int fd) {
  pool__link_t *at = pool__list_first(endpoints);

  for (; at != NULL; at = pool__list_next(endpoints, at)) {
    const pool__list_t *busy =
        &POOL__OF(at, pool__endpoint_t, link)->conns[POOL__CONN_BUSY];
    pool__link_t *link = pool__list_first(busy);

    for (; link != NULL; link = pool__list_next(busy, link)) {
      const pool__conn_t *conn = POOL__OF(link, pool__conn_t, link);
      uv_os_fd_t its;

      if (uv_fileno((const uv_handle_t *)&conn->tcp, &its) == 0 && its == fd)
        return !conn->attempt->sent ? conn : NULL;
    }
  }
  return NULL;
}

static void check_write(const world_t *world, int fd) {
  const pool__conn_t *conn;
  const tcp_end_t *client = kernel_end_of(fd);

  if (world->pool == NULL || client == NULL)
    return;
  conn = starting_on(&world->pool->endpoints.serving, fd);
  if (conn != NULL)
    actor_check_reuse(client, conn->requests, conn->attempt->head->is_head);
}

/* The fault that is next; its first operand says how many calls of its kind go
 * well before. */
static const script_step_t *next_fault(world_t *world) {
  if (world->fault == NULL && world->faults < FAULTS_MAX) {
    world->fault = script_next(&world->script, SCRIPT_FAULT);
    if (world->fault != NULL)
      world->fault_left = world->fault->a;
  }
  return world->fault;
}

int trouble_on_call(void *arg, kernel_call_t call, int fd, size_t *limit) {
  world_t *world = arg;
  const script_step_t *step;
  const fault_t *fault;

  if (call == KERNEL_WRITE)
    check_write(world, fd);
  if (world->heals || (step = next_fault(world)) == NULL)
    return 0;
  fault = &faults[step->op % (sizeof faults / sizeof faults[0])];
  if (fault->call != call || world->fault_left-- > 0)
    return 0;
  world->fault = NULL;
  world->faults++;
  if (fault->error == 0)
    *limit = 1u + step->b;
  return fault->error;
}

/* --- connects --------------------------------------------------------------
 */

static void lose(world_t *world, kernel_route_t *route) {
  route->lost = 1;
  world->turned_away++;
  if (world->config.connect_timeout_ms == POOL_OFF)
    world->lost = 1;
}

static int error_of(unsigned n) {
  static const int errors[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH,
                               ENETUNREACH};

  return errors[n % (sizeof errors / sizeof errors[0])];
}

/* Bytes that travel together: not so few that a run takes for ever. Servers
 * write byte by byte themselves. */
static uint32_t segment_of(unsigned n) {
  return n == 0 ? 0 : 16 + 4 * n;
}

void trouble_on_connect(void *arg, int port, kernel_route_t *route) {
  world_t *world = arg;
  const script_step_t *step =
      world->heals ? NULL : script_next(&world->script, SCRIPT_CONNECT);

  (void)port;
  if (step == NULL)
    return;
  switch (step->op % 8) {
  case 0: /* far away */
    route->path.latency_us = step->a * 40u;
    route->path.jitter_us = step->b * 40u;
    break;
  case 1: /* and farther */
    route->path.latency_us = step->a * 2000u;
    route->path.segment = segment_of(step->b);
    break;
  case 2:
    route->error = error_of(step->a);
    world->turned_away++;
    break;
  case 3:
    route->later_error = error_of(step->a);
    world->turned_away++;
    route->path.latency_us = step->b * 1000u;
    break;
  case 4:
    lose(world, route);
    break;
  case 5: /* little room for requests */
    route->path.send_room = 16 + step->a * 8u;
    route->path.server_room = 16 + step->b * 8u;
    break;
  case 6: /* and for answers */
    route->path.client_room = 8 + step->a;
    route->path.segment = segment_of(step->b);
    break;
  case 7:
    route->path.jitter_us = step->a * 2000u;
    route->path.segment = segment_of(step->b);
    break;
  }
}
