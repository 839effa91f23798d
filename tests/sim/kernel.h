/* A simulated kernel under the real libuv.
 *
 * Programs that are linked with the options of wrap.txt have their system
 * calls, libuv's and our own, come here (__wrap_*). Between kernel_begin() and
 * kernel_end() sockets, epoll and the clock are virtual: the clock stands
 * still while code runs and jumps while it waits, so hours take seconds, and
 * a seed decides everything. Outside of that, and for descriptors that are not
 * ours, calls go through to the real kernel.
 *
 *    libuv, src/        real code
 *    syscalls.c         __wrap_read() and the others: which one is meant
 *    waits.c            __wrap_epoll_wait() and the others that wait
 *    files.c            descriptors, epoll, listening sockets
 *    tcp.c              connections; their bytes are in flow.c, and what is
 *                       known of ports in places.c
 *    timeline.c         the clock, and what happens when
 *
 * A poll that would wait for ever with nothing to come is a DEADLOCK: the
 * process aborts. */
#ifndef SIM_KERNEL_H_
#define SIM_KERNEL_H_

#include "random.h"
#include "tcp.h"
#include "timeline.h"
#include "trace.h"

#define KERNEL_CALL_MAP(XX)                                                    \
  XX(SOCKET, "socket")                                                         \
  XX(BIND, "bind")                                                             \
  XX(LISTEN, "listen")                                                         \
  XX(ACCEPT, "accept")                                                         \
  XX(CONNECT, "connect")                                                       \
  XX(READ, "read")                                                             \
  XX(WRITE, "write")                                                           \
  XX(PEEK, "recv")                                                             \
  XX(SHUTDOWN, "shutdown")                                                     \
  XX(CLOSE, "close")                                                           \
  XX(GETSOCKOPT, "getsockopt")                                                 \
  XX(SETSOCKOPT, "setsockopt")                                                 \
  XX(GETSOCKNAME, "getsockname")                                               \
  XX(GETPEERNAME, "getpeername")                                               \
  XX(IOCTL, "ioctl")                                                           \
  XX(EPOLL_CTL, "epoll_ctl")                                                   \
  XX(EPOLL_WAIT, "epoll_wait")

#define XX(name, text) KERNEL_##name,
typedef enum { KERNEL_CALL_MAP(XX) KERNEL_CALLS } kernel_call_t;
#undef XX

/* What becomes of a connect. */
typedef struct {
  int error;       /* connect() itself returns it; 0: none */
  int later_error; /* the connect ends so */
  int lost;        /* nothing ever comes of it */
  tcp_path_t path;
} kernel_route_t;

typedef struct {
  uint64_t seed;
  int shuffle; /* hand out what one poll found in any order */
  int print;   /* the trace */
  /* Asked before each virtual call: 0, or the errno to fail with. `limit` is
   * for reads and writes: how many bytes at most. Or NULL. */
  int (*on_call)(void *arg, kernel_call_t call, int fd, size_t *limit);
  /* Asked at each connect; the route is all zeroes before. Or NULL. */
  void (*on_connect)(void *arg, int port, kernel_route_t *route);
  /* Told at the beginning of each poll, when the callbacks of the one before
   * have all run. Or NULL. */
  void (*on_poll)(void *arg);
  void *arg;
} kernel_options_t;

void kernel_begin(const kernel_options_t *options);

/* All virtual descriptors have to be closed; what actors still have open is
 * forgotten. */
void kernel_end(void);

int kernel_is_on(void);

/* The name of a call. */
const char *kernel_call_name(kernel_call_t call);

/* How often a call was made. */
uint64_t kernel_called(kernel_call_t call);
uint64_t kernel_called_all(void);

/* Descriptors that are open, of any kind. */
uint32_t kernel_open_files(void);

/* The connection's end of a descriptor, or NULL. */
tcp_end_t *kernel_end_of(int fd);

/* Time passes while the process does something else. */
void kernel_jump(uint64_t us);

/* The processor time of this process, in real microseconds. */
uint64_t kernel_cpu_us(void);
uint64_t kernel_wall_us(void);

#endif
