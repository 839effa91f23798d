/* The calls that wait: epoll and poll; and the clock. */
#include "syscalls.h"

#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#define LOOK_US 1u /* that looking at the clock takes */

/* A day and more is for ever: libuv's own way to wait for a timer that is far
 * off. When nothing is to come before that, nothing ever is. */
#define FOR_EVER_MS 86400000

DECLARE(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event));
DECLARE(int, epoll_wait, (int epfd, struct epoll_event *to, int max, int ms));
DECLARE(int, epoll_pwait,
        (int epfd, struct epoll_event *to, int max, int ms, const void *mask));
DECLARE(int, poll, (struct pollfd * fds, nfds_t count, int ms));
DECLARE(int, clock_gettime, (clockid_t clock, struct timespec *to));

/* --- epoll ----------------------------------------------------------------
 */

int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
  file_t *file = sys_file(fd);
  int error;

  if (file == NULL)
    return __real_epoll_ctl(epfd, op, fd, event);
  error = sys_enter(KERNEL_EPOLL_CTL, fd, NULL);
  return (int)sys_leave(KERNEL_EPOLL_CTL, fd,
                        error != 0 ? -error
                                   : files_epoll_ctl(epfd, op, file, event));
}

/* Waits until `look` finds something, what it says, or until the time is over:
 * then 0. */
static int wait_for(int (*look)(void *arg), void *arg, int ms) {
  uint64_t deadline = ms < 0 || ms > FOR_EVER_MS
                          ? TIMELINE_NEVER
                          : timeline_now() + (uint64_t)ms * 1000;
  int count;

  while ((count = look(arg)) == 0 && timeline_now() < deadline) {
    uint64_t next = timeline_next();

    if (next > deadline)
      next = deadline;
    if (next == TIMELINE_NEVER)
      trace_fail("DEADLOCK: a poll without end, and nothing to come");
    timeline_tick(next > timeline_now() ? next - timeline_now() : 0);
  }
  return count;
}

typedef struct {
  int epfd;
  struct epoll_event *events;
  int max;
} epoll_t;

static int look_at_epoll(void *arg) {
  const epoll_t *epoll = arg;

  return files_poll(epoll->epfd, epoll->events, epoll->max);
}

static int poll_files(int epfd, struct epoll_event *to, int max, int ms) {
  epoll_t epoll = {epfd, to, max};
  int error;

  sys_tell_poll();
  error = sys_enter(KERNEL_EPOLL_WAIT, -1, NULL);
  if (error != 0)
    return (int)sys_leave(KERNEL_EPOLL_WAIT, -1, -error);
  error = wait_for(look_at_epoll, &epoll, ms);
  tcp_next_turn();
  return (int)sys_leave(KERNEL_EPOLL_WAIT, -1, error);
}

int __wrap_epoll_wait(int epfd, struct epoll_event *to, int max, int ms) {
  return kernel_is_on() ? poll_files(epfd, to, max, ms)
                        : __real_epoll_wait(epfd, to, max, ms);
}

int __wrap_epoll_pwait(int epfd, struct epoll_event *to, int max, int ms,
                       const void *mask) {
  return kernel_is_on() ? poll_files(epfd, to, max, ms)
                        : __real_epoll_pwait(epfd, to, max, ms, mask);
}

/* --- poll -----------------------------------------------------------------
 */

typedef struct {
  struct pollfd *fds;
  nfds_t count;
} poll_t;

/* What is not a virtual file is taken for an epoll over some. */
static short events_of(const struct pollfd *fd) {
  const file_t *file = sys_file(fd->fd);
  uint32_t wanted = (uint32_t)fd->events;

  if (file == NULL)
    return files_any_ready(fd->fd) ? (short)(wanted & POLLIN) : 0;
  return (short)(files_events(file) & (wanted | POLLERR | POLLHUP));
}

static int look_at_poll(void *arg) {
  const poll_t *all = arg;
  int found = 0;
  nfds_t i;

  for (i = 0; i < all->count; i++) {
    all->fds[i].revents = events_of(&all->fds[i]);
    found += all->fds[i].revents != 0;
  }
  return found;
}

/* For tests: the library polls by epoll. So it is not counted, never fails,
 * and ends no turn. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms) {
  poll_t all = {fds, count};

  if (!kernel_is_on())
    return __real_poll(fds, count, ms);
  timeline_tick(LOOK_US);
  return wait_for(look_at_poll, &all, ms);
}

/* --- the clock ------------------------------------------------------------
 */

static uint64_t real_us(clockid_t clock) {
  struct timespec now;

  __real_clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t kernel_cpu_us(void) {
  return real_us(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t kernel_wall_us(void) {
  return real_us(CLOCK_MONOTONIC);
}

/* Looking at the clock takes time too: who waits by looking gets there. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *to) {
  if (!kernel_is_on())
    return __real_clock_gettime(clock, to);
  timeline_tick(LOOK_US);
  to->tv_sec = (time_t)(timeline_now() / 1000000);
  to->tv_nsec = (long)(timeline_now() % 1000000) * 1000;
  return 0;
}
