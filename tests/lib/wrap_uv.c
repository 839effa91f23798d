#include "wrap_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "conn.h"

typedef struct {
  uint32_t called;
  uint32_t from; /* the number of the call that fails, 0: none */
  uint32_t to;   /* the last one that does */
  int error;
} plan_t;

static plan_t plans[WRAP_CALLS];
static uint32_t failures;
static size_t try_limit = SIZE_MAX;
static int (*ask)(wrap_call_t call);

/* The prototypes that nobody else has. */
int __real_uv_tcp_connect(uv_connect_t *req, uv_tcp_t *tcp,
                          const struct sockaddr *address, uv_connect_cb cb);
int __wrap_uv_tcp_connect(uv_connect_t *req, uv_tcp_t *tcp,
                          const struct sockaddr *address, uv_connect_cb cb);
int __real_uv_tcp_nodelay(uv_tcp_t *tcp, int enable);
int __wrap_uv_tcp_nodelay(uv_tcp_t *tcp, int enable);
int __real_uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc,
                         uv_read_cb read);
int __wrap_uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc,
                         uv_read_cb read);
int __real_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[],
                        unsigned count);
int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[],
                        unsigned count);
int __real_uv_write(uv_write_t *req, uv_stream_t *stream, const uv_buf_t bufs[],
                    unsigned count, uv_write_cb cb);
int __wrap_uv_write(uv_write_t *req, uv_stream_t *stream, const uv_buf_t bufs[],
                    unsigned count, uv_write_cb cb);
int __real_uv_fileno(const uv_handle_t *handle, uv_os_fd_t *fd);
int __wrap_uv_fileno(const uv_handle_t *handle, uv_os_fd_t *fd);
ssize_t __real_recv(int fd, void *bytes, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

void wrap_reset(void) {
  memset(plans, 0, sizeof plans);
  failures = 0;
  try_limit = SIZE_MAX;
}

void wrap_fail(wrap_call_t call, uint32_t n, int and_later, int error) {
  plan_t *plan = &plans[call];

  plan->from = plan->called + n;
  plan->to = and_later ? UINT32_MAX : plan->from;
  plan->error = error;
}

void wrap_ask(int (*cb)(wrap_call_t call)) {
  ask = cb;
}

void wrap_limit_try_write(size_t bytes) {
  try_limit = bytes;
}

uint32_t wrap_failures(void) {
  return failures;
}

uint32_t wrap_called(wrap_call_t call) {
  return plans[call].called;
}

static int planned(const plan_t *plan) {
  if (plan->from == 0 || plan->called < plan->from || plan->called > plan->to)
    return 0;
  return plan->error;
}

/* The error of this call, or 0. */
static int due(wrap_call_t call) {
  int error;

  plans[call].called++;
  error = ask != NULL ? ask(call) : planned(&plans[call]);
  failures += error != 0;
  return error;
}

/* By its address alone, which is looked at without being followed. */
static int is_conn(const void *handle, const void *data) {
  return (const char *)handle ==
         (const char *)data + offsetof(pool__conn_t, tcp);
}

static uv_connect_cb real_connected;
static uv_write_cb real_written;
static int written_error;

static void on_connected(uv_connect_t *req, int status) {
  int error = status == 0 ? due(WRAP_CONNECTED) : 0;

  real_connected(req, error != 0 ? error : status);
}

static void on_written(uv_write_t *req, int status) {
  real_written(req, status == 0 ? written_error : status);
}

int __wrap_uv_tcp_connect(uv_connect_t *req, uv_tcp_t *tcp,
                          const struct sockaddr *address, uv_connect_cb cb) {
  int error = due(WRAP_CONNECT);

  if (error != 0)
    return error;
  real_connected = cb; /* the pool has but one */
  return __real_uv_tcp_connect(req, tcp, address, on_connected);
}

int __wrap_uv_tcp_nodelay(uv_tcp_t *tcp, int enable) {
  int error = is_conn(tcp, tcp->data) ? due(WRAP_NODELAY) : 0;

  return error != 0 ? error : __real_uv_tcp_nodelay(tcp, enable);
}

int __wrap_uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc,
                         uv_read_cb read) {
  int error = is_conn(stream, stream->data) ? due(WRAP_READ_START) : 0;

  return error != 0 ? error : __real_uv_read_start(stream, alloc, read);
}

/* The first `len` bytes of the pieces, in a copy of their table. */
static unsigned cut(uv_buf_t *to, const uv_buf_t *from, unsigned count,
                    size_t len) {
  unsigned n = 0;

  while (n < count && len > 0) {
    to[n] = from[n];
    if (to[n].len > len)
      to[n].len = len;
    len -= to[n++].len;
  }
  return n;
}

int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[],
                        unsigned count) {
  uv_buf_t some[16];
  int error;

  if (!is_conn(stream, stream->data))
    return __real_uv_try_write(stream, bufs, count);
  error = due(WRAP_TRY_WRITE);
  if (error != 0)
    return error;
  if (try_limit == 0)
    return UV_EAGAIN;
  if (count > 16)
    abort();
  return __real_uv_try_write(stream, some, cut(some, bufs, count, try_limit));
}

int __wrap_uv_write(uv_write_t *req, uv_stream_t *stream, const uv_buf_t bufs[],
                    unsigned count, uv_write_cb cb) {
  uv_buf_t some[16];
  int error;

  if (!is_conn(stream, stream->data))
    return __real_uv_write(req, stream, bufs, count, cb);
  error = due(WRAP_WRITE);
  if (error != 0)
    return error;
  error = due(WRAP_WRITTEN);
  if (error == 0)
    return __real_uv_write(req, stream, bufs, count, cb);
  if (count > 16)
    abort();
  written_error = error;
  real_written = cb;
  return __real_uv_write(req, stream, some, cut(some, bufs, count, 1),
                         on_written);
}

int __wrap_uv_fileno(const uv_handle_t *handle, uv_os_fd_t *fd) {
  int error = is_conn(handle, handle->data) ? due(WRAP_FILENO) : 0;

  return error != 0 ? error : __real_uv_fileno(handle, fd);
}

/* Weak: where there is a simulated kernel, its own stands in. */
__attribute__((weak)) ssize_t __wrap_recv(int fd, void *bytes, size_t len,
                                          int flags) {
  int error = (flags & MSG_PEEK) != 0 ? due(WRAP_PEEK) : 0;

  if (error == 0)
    return __real_recv(fd, bytes, len, flags);
  errno = -error;
  return -1;
}

__attribute__((weak)) int __wrap_getsockopt(int fd, int level, int name,
                                            void *value, socklen_t *len) {
  int error =
      level == SOL_SOCKET && name == SO_ERROR ? due(WRAP_GETSOCKOPT) : 0;

  if (error == 0)
    return __real_getsockopt(fd, level, name, value, len);
  errno = -error;
  return -1;
}
