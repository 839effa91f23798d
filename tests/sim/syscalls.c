/* The system calls: each is for us, if the simulation is on and it is about a
 * virtual descriptor (or makes one), or else for the real kernel. Each takes a
 * microsecond, and what falls due meanwhile has happened when it looks. */
#include "syscalls.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALL_US        1u
#define IO_URING_FIRST 425 /* io_uring_setup, _enter, _register */
#define IO_URING_LAST  427

static kernel_options_t options;
static int is_on;
static uint64_t called[KERNEL_CALLS];

DECLARE(int, socket, (int domain, int type, int protocol));
DECLARE(int, bind, (int fd, const struct sockaddr *to, socklen_t len));
DECLARE(int, listen, (int fd, int backlog));
DECLARE(int, accept, (int fd, struct sockaddr *from, socklen_t *len));
DECLARE(int, accept4, (int fd, struct sockaddr *from, socklen_t *len, int f));
DECLARE(int, connect, (int fd, const struct sockaddr *to, socklen_t len));
DECLARE(ssize_t, read, (int fd, void *to, size_t len));
DECLARE(ssize_t, recv, (int fd, void *to, size_t len, int flags));
DECLARE(ssize_t, send, (int fd, const void *from, size_t len, int flags));
DECLARE(ssize_t, write, (int fd, const void *from, size_t len));
DECLARE(ssize_t, writev, (int fd, const struct iovec *pieces, int count));
DECLARE(int, shutdown, (int fd, int how));
DECLARE(int, close, (int fd));
DECLARE(int, getsockopt, (int fd, int level, int name, void *to, socklen_t *n));
DECLARE(int, setsockopt,
        (int fd, int level, int name, const void *from, socklen_t len));
DECLARE(int, getsockname, (int fd, struct sockaddr *to, socklen_t *len));
DECLARE(int, getpeername, (int fd, struct sockaddr *to, socklen_t *len));
DECLARE(int, ioctl, (int fd, unsigned long request, void *arg));
DECLARE(long, syscall,
        (long number, long a, long b, long c, long d, long e, long f));

/* --- the simulation --------------------------------------------------------
 */

void kernel_begin(const kernel_options_t *given) {
  options = *given;
  memset(called, 0, sizeof called);
  timeline_begin();
  trace_begin(options.print);
  tcp_begin(options.seed ^ 0x7463705f7365656cu);
  files_begin(options.seed ^ 0x66696c65735f7365u, options.shuffle);
  is_on = 1;
}

void kernel_end(void) {
  is_on = 0;
  files_end();
  tcp_end();
  timeline_end();
}

int kernel_is_on(void) {
  return is_on;
}

#define XX(name, text) text,
static const char *const call_names[] = {KERNEL_CALL_MAP(XX)};
#undef XX

const char *kernel_call_name(kernel_call_t call) {
  return call_names[call];
}

uint64_t kernel_called(kernel_call_t call) {
  return called[call];
}

uint64_t kernel_called_all(void) {
  uint64_t sum = 0;
  int i;

  for (i = 0; i < KERNEL_CALLS; i++)
    sum += called[i];
  return sum;
}

uint32_t kernel_open_files(void) {
  return files_open();
}

tcp_end_t *kernel_end_of(int fd) {
  const file_t *file = files_find(fd);

  return file == NULL ? NULL : files_end_of(file);
}

void kernel_jump(uint64_t us) {
  timeline_tick(us);
}

/* --- the way in and out of a call ------------------------------------------
 */

file_t *sys_file(int fd) {
  return is_on ? files_find(fd) : NULL;
}

int sys_enter(kernel_call_t call, int fd, size_t *limit) {
  size_t any = SIZE_MAX;

  called[call]++;
  timeline_tick(CALL_US);
  if (options.on_call == NULL)
    return 0;
  return options.on_call(options.arg, call, fd, limit == NULL ? &any : limit);
}

void sys_tell_poll(void) {
  if (options.on_poll != NULL)
    options.on_poll(options.arg);
}

int64_t sys_leave(kernel_call_t call, int fd, int64_t result) {
  trace(call_names[call], fd, result, 0);
  if (result >= 0)
    return result;
  errno = (int)-result;
  return -1;
}

/* --- sockets ---------------------------------------------------------------
 */

int __wrap_socket(int domain, int type, int protocol) {
  int error;

  if (!is_on)
    return __real_socket(domain, type, protocol);
  error = sys_enter(KERNEL_SOCKET, -1, NULL);
  return (int)sys_leave(KERNEL_SOCKET, -1,
                        error != 0 ? -error : files_socket(domain));
}

int __wrap_bind(int fd, const struct sockaddr *to, socklen_t len) {
  file_t *file = sys_file(fd);
  int error;

  if (file == NULL)
    return __real_bind(fd, to, len);
  error = sys_enter(KERNEL_BIND, fd, NULL);
  return (int)sys_leave(KERNEL_BIND, fd,
                        error != 0 ? -error : files_bind(file, to));
}

int __wrap_listen(int fd, int backlog) {
  file_t *file = sys_file(fd);
  int error;

  if (file == NULL)
    return __real_listen(fd, backlog);
  error = sys_enter(KERNEL_LISTEN, fd, NULL);
  return (int)sys_leave(KERNEL_LISTEN, fd,
                        error != 0 ? -error : files_listen(file, backlog));
}

static int accept_file(file_t *file, int fd) {
  int error = sys_enter(KERNEL_ACCEPT, fd, NULL);

  return (int)sys_leave(KERNEL_ACCEPT, fd,
                        error != 0 ? -error : files_accept(file));
}

int __wrap_accept(int fd, struct sockaddr *from, socklen_t *len) {
  file_t *file = sys_file(fd);

  return file == NULL ? __real_accept(fd, from, len) : accept_file(file, fd);
}

int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *len, int flags) {
  file_t *file = sys_file(fd);

  return file == NULL ? __real_accept4(fd, from, len, flags)
                      : accept_file(file, fd);
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len) {
  file_t *file = sys_file(fd);
  kernel_route_t route;
  int error;

  if (file == NULL)
    return __real_connect(fd, to, len);
  error = sys_enter(KERNEL_CONNECT, fd, NULL);
  memset(&route, 0, sizeof route);
  if (error == 0 && options.on_connect != NULL)
    options.on_connect(options.arg, files_port_of(to), &route);
  if (error == 0)
    error = route.error;
  if (error == 0)
    error =
        -files_connect(file, to, &route.path, route.lost, route.later_error);
  return (int)sys_leave(KERNEL_CONNECT, fd, -error);
}

int __wrap_shutdown(int fd, int how) {
  file_t *file = sys_file(fd);
  int error;

  if (file == NULL)
    return __real_shutdown(fd, how);
  error = sys_enter(KERNEL_SHUTDOWN, fd, NULL);
  if (error == 0)
    error = files_end_of(file) == NULL ? ENOTCONN
                                       : -tcp_shutdown(files_end_of(file));
  return (int)sys_leave(KERNEL_SHUTDOWN, fd, -error);
}

/* A descriptor is gone, whatever close() says. */
static int close_file(file_t *file, int fd) {
  int error = sys_enter(KERNEL_CLOSE, fd, NULL);

  files_close(file);
  return (int)sys_leave(KERNEL_CLOSE, fd, -error);
}

int __wrap_close(int fd) {
  file_t *file = sys_file(fd);

  return file == NULL ? __real_close(fd) : close_file(file, fd);
}

/* libuv closes with it, and asks for io_uring, which there is not: nor before
 * the kernel begins, for a loop may be older than it. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e,
                    long f) {
  file_t *file = number == SYS_close ? sys_file((int)a) : NULL;

  if (file != NULL)
    return close_file(file, (int)a);
  if (number >= IO_URING_FIRST && number <= IO_URING_LAST) {
    errno = ENOSYS;
    return -1;
  }
  return __real_syscall(number, a, b, c, d, e, f);
}

/* --- bytes -----------------------------------------------------------------
 */

/* Errors after which a real connection is no more. */
static int is_fatal(int error) {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ||
         error == EHOSTUNREACH || error == ENETUNREACH || error == ECONNABORTED;
}

static int64_t fail_bytes(tcp_end_t *end, int error) {
  if (end != NULL && is_fatal(error))
    tcp_break(end, 0);
  return -error;
}

static ssize_t read_file(kernel_call_t call, file_t *file, int fd, void *to,
                         size_t len) {
  tcp_end_t *end = files_end_of(file);
  size_t limit = SIZE_MAX;
  int error = sys_enter(call, fd, &limit);

  if (error != 0)
    return (ssize_t)sys_leave(call, fd, fail_bytes(end, error));
  if (end == NULL)
    return (ssize_t)sys_leave(call, fd, -ENOTCONN);
  if (call == KERNEL_READ && limit < len && limit < end->in.ready)
    tcp_delay_ready(end, limit);
  return (ssize_t)sys_leave(call, fd,
                            tcp_read(end, to, len, call == KERNEL_PEEK));
}

ssize_t __wrap_read(int fd, void *to, size_t len) {
  file_t *file = sys_file(fd);

  return file == NULL ? __real_read(fd, to, len)
                      : read_file(KERNEL_READ, file, fd, to, len);
}

ssize_t __wrap_recv(int fd, void *to, size_t len, int flags) {
  file_t *file = sys_file(fd);
  kernel_call_t call = (flags & MSG_PEEK) != 0 ? KERNEL_PEEK : KERNEL_READ;

  return file == NULL ? __real_recv(fd, to, len, flags)
                      : read_file(call, file, fd, to, len);
}

/* Writes piece by piece up to the limit; as one call to those who look. */
static int64_t write_pieces(tcp_end_t *end, const struct iovec *pieces,
                            int count, size_t limit) {
  int64_t done = 0;
  int64_t n = 0;
  int i;

  tcp_cork(end, 1);
  for (i = 0; i < count && n >= 0; i++) {
    size_t len = pieces[i].iov_len;

    if (len > limit)
      len = limit;
    if (len == 0)
      continue;
    n = tcp_write(end, pieces[i].iov_base, len);
    if (n < 0)
      break;
    done += n;
    limit -= (size_t)n;
    if ((size_t)n < pieces[i].iov_len)
      break;
  }
  tcp_cork(end, 0);
  return n < 0 && done == 0 ? n : done;
}

static ssize_t write_file(file_t *file, int fd, const struct iovec *pieces,
                          int count) {
  tcp_end_t *end = files_end_of(file);
  size_t limit = SIZE_MAX;
  int error = sys_enter(KERNEL_WRITE, fd, &limit);

  if (error != 0)
    return (ssize_t)sys_leave(KERNEL_WRITE, fd, fail_bytes(end, error));
  if (end == NULL)
    return (ssize_t)sys_leave(KERNEL_WRITE, fd, -EPIPE);
  return (ssize_t)sys_leave(KERNEL_WRITE, fd,
                            write_pieces(end, pieces, count, limit));
}

ssize_t __wrap_write(int fd, const void *from, size_t len) {
  file_t *file = sys_file(fd);
  struct iovec piece = {(void *)(uintptr_t)from, len};

  return file == NULL ? __real_write(fd, from, len)
                      : write_file(file, fd, &piece, 1);
}

ssize_t __wrap_send(int fd, const void *from, size_t len, int flags) {
  file_t *file = sys_file(fd);
  struct iovec piece = {(void *)(uintptr_t)from, len};

  return file == NULL ? __real_send(fd, from, len, flags)
                      : write_file(file, fd, &piece, 1);
}

ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count) {
  file_t *file = sys_file(fd);

  return file == NULL ? __real_writev(fd, pieces, count)
                      : write_file(file, fd, pieces, count);
}

/* --- options and names -----------------------------------------------------
 */

int __wrap_getsockopt(int fd, int level, int name, void *to, socklen_t *len) {
  file_t *file = sys_file(fd);
  int value = 0;
  int error;

  if (file == NULL)
    return __real_getsockopt(fd, level, name, to, len);
  error = sys_enter(KERNEL_GETSOCKOPT, fd, NULL);
  if (error == 0 && level == SOL_SOCKET && name == SO_ERROR &&
      files_end_of(file) != NULL)
    value = tcp_take_error(files_end_of(file));
  if (error == 0 && *len >= sizeof value) {
    memcpy(to, &value, sizeof value);
    *len = sizeof value;
  }
  trace("so_error", fd, value, 0);
  return (int)sys_leave(KERNEL_GETSOCKOPT, fd, -error);
}

int __wrap_setsockopt(int fd, int level, int name, const void *from,
                      socklen_t len) {
  file_t *file = sys_file(fd);
  struct linger linger = {0, 1};
  int error;

  if (file == NULL)
    return __real_setsockopt(fd, level, name, from, len);
  error = sys_enter(KERNEL_SETSOCKOPT, fd, NULL);
  if (error == 0 && level == SOL_SOCKET && name == SO_LINGER &&
      len >= sizeof linger) {
    memcpy(&linger, from, sizeof linger);
    files_linger(file, linger.l_onoff != 0 && linger.l_linger == 0);
  }
  return (int)sys_leave(KERNEL_SETSOCKOPT, fd, -error);
}

static int tell_name(kernel_call_t call, const file_t *file, int fd,
                     struct sockaddr *to, socklen_t *len) {
  int error = sys_enter(call, fd, NULL);

  if (error == 0 && call == KERNEL_GETPEERNAME && !files_connected(file))
    error = ENOTCONN;
  if (error == 0)
    files_name(file, to, len, call == KERNEL_GETPEERNAME);
  return (int)sys_leave(call, fd, -error);
}

int __wrap_getsockname(int fd, struct sockaddr *to, socklen_t *len) {
  const file_t *file = sys_file(fd);

  return file == NULL ? __real_getsockname(fd, to, len)
                      : tell_name(KERNEL_GETSOCKNAME, file, fd, to, len);
}

int __wrap_getpeername(int fd, struct sockaddr *to, socklen_t *len) {
  const file_t *file = sys_file(fd);

  return file == NULL ? __real_getpeername(fd, to, len)
                      : tell_name(KERNEL_GETPEERNAME, file, fd, to, len);
}

int __wrap_ioctl(int fd, unsigned long request, void *arg) {
  const file_t *file = sys_file(fd);
  int value;
  int error;

  if (file == NULL)
    return __real_ioctl(fd, request, arg);
  error = sys_enter(KERNEL_IOCTL, fd, NULL);
  if (error == 0 && request == SIOCOUTQ) {
    error = -files_unsent(file, &value);
    if (error == 0)
      memcpy(arg, &value, sizeof value);
  }
  return (int)sys_leave(KERNEL_IOCTL, fd, -error);
}
