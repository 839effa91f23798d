#include "conn.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>

/* What leaves the kernel at once: ten segments (RFC 6928). */
#define AT_ONCE_BYTES 14600

static uv_stream_t *stream_of(pool__conn_t *conn) {
  return (uv_stream_t *)&conn->tcp;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  pool__conn_t *conn = handle->data;

  (void)suggested;
  buf->base = conn->env->read_buf;
  buf->len = POOL__CONN_READ_BYTES;
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  pool__conn_t *conn = stream->data;

  assert(conn->state != POOL__CONN_CLOSING); /* closing stops the reading */
  if (nread < 0) {
    conn->env->ops->on_end(conn, (int)nread);
    return;
  }
  if (nread == 0)
    return; /* not an end: nothing to read after all */
  conn->moved_at = pool__wheel_now(conn->env->wheel);
  conn->unread = (size_t)nread == POOL__CONN_READ_BYTES ? 1 : 0;
  conn->env->ops->on_read(conn, buf->base, (size_t)nread);
}

static void on_connect(uv_connect_t *req, int status) {
  pool__conn_t *conn = req->data;

  if (conn->state == POOL__CONN_CLOSING)
    return; /* told UV_ECANCELED; on_closed is on its way */
  conn->moved_at = pool__wheel_now(conn->env->wheel);
  if (status == 0)
    status = uv_read_start(stream_of(conn), on_alloc, on_read);
  conn->env->ops->on_connect(conn, status);
}

static void on_write(uv_write_t *req, int status) {
  pool__conn_t *conn = req->data;

  conn->sending = 0;
  if (conn->state == POOL__CONN_CLOSING)
    return;
  conn->unsent = POOL__CONN_MANY;
  conn->env->ops->on_sent(conn, status);
}

static void on_closed(uv_handle_t *handle) {
  pool__conn_t *conn = handle->data;

  conn->env->ops->on_closed(conn);
}

static void on_timer(pool__timer_t *timer, uint64_t now) {
  pool__conn_t *conn = POOL__OF(timer, pool__conn_t, timer);

  conn->env->ops->on_timer(conn, now);
}

int pool__conn_error_is_local(int error) {
  return error == UV_ENOMEM || error == UV_ENOBUFS || error == UV_EMFILE ||
         error == UV_ENFILE || error == UV_EADDRNOTAVAIL;
}

int pool__conn_open(pool__conn_t *conn, const struct sockaddr *address) {
  int err = uv_tcp_init(conn->env->loop, &conn->tcp);

  assert(err == 0); /* without flags it only fills in the handle */
  conn->moved_at = pool__wheel_now(conn->env->wheel);
  conn->tcp.data = conn;
  conn->req.connect.data = conn;
  uv_unref((uv_handle_t *)&conn->tcp); /* the wheel keeps the loop alive */
  err = uv_tcp_connect(&conn->req.connect, &conn->tcp, address, on_connect);
  if (err != 0)
    return err;
  return uv_tcp_nodelay(&conn->tcp, 1);
}

/* Passes over the first `len` bytes of the pieces; returns how many pieces are
 * left behind at their start. */
static unsigned skip_pieces(uv_buf_t *pieces, unsigned count, size_t len) {
  unsigned i = 0;

  while (i < count && len >= pieces[i].len)
    len -= pieces[i++].len;
  if (i < count) {
    pieces[i].base += len;
    pieces[i].len -= len;
  }
  return i;
}

/* Of a few bytes nothing is left in the kernel soon, so that the first look
 * finds no change, if it finds nothing; of many some may have left until then.
 */
int pool__conn_send(pool__conn_t *conn, uv_buf_t *pieces, unsigned count,
                    int *sent) {
  int n = uv_try_write(stream_of(conn), pieces, count);
  unsigned skipped;
  int err;

  *sent = n > 0;
  conn->unsent = n > AT_ONCE_BYTES ? POOL__CONN_MANY : 0;
  if (n < 0 && n != UV_EAGAIN)
    return n;
  skipped = skip_pieces(pieces, count, n < 0 ? 0 : (size_t)n);
  if (skipped == count)
    return 0;
  conn->req.write.data = conn;
  err = uv_write(&conn->req.write, stream_of(conn), pieces + skipped,
                 count - skipped, on_write);
  if (err != 0)
    return err;
  *sent = 1; /* or will be: libuv may have written by now */
  conn->sending = 1;
  return 1;
}

void pool__conn_stop_reading(pool__conn_t *conn) {
  uv_read_stop(stream_of(conn));
  conn->deaf = 1;
  conn->was_deaf = 1;
}

int pool__conn_go_on_reading(pool__conn_t *conn) {
  int err = conn->deaf ? uv_read_start(stream_of(conn), on_alloc, on_read) : 0;

  if (err == 0)
    conn->deaf = 0;
  return err;
}

size_t pool__conn_queued(const pool__conn_t *conn) {
  return uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp);
}

/* Bytes of the request that the server's kernel has not acknowledged: libuv's
 * and, where the system tells, those in the socket's own buffer. */
static size_t unsent_bytes(pool__conn_t *conn) {
  size_t bytes = pool__conn_queued(conn);
#ifdef TIOCOUTQ
  uv_os_fd_t fd;
  int in_kernel = 0;

  if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0 &&
      ioctl(fd, TIOCOUTQ, &in_kernel) == 0 && in_kernel > 0)
    bytes += (size_t)in_kernel;
#endif
  return bytes;
}

int pool__conn_wrote_some(pool__conn_t *conn) {
  size_t unsent = unsent_bytes(conn);
  int moved = unsent != conn->unsent;

  conn->unsent = unsent;
  return moved;
}

int pool__conn_peek(const pool__conn_t *conn) {
  uv_os_fd_t fd;
  ssize_t n;
  char byte;

  if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0)
    return UV_EBADF;
  do
    n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return 0;
  return n == 0 ? UV_EOF : n > 0 ? UV_EPROTO : uv_translate_sys_error(errno);
}

int pool__conn_take_error(const pool__conn_t *conn) {
  uv_os_fd_t fd;
  int error = 0;
  socklen_t len = sizeof error;

  if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0)
    return UV_EBADF;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
    return uv_translate_sys_error(errno);
  return error == 0 ? 0 : uv_translate_sys_error(error);
}

void pool__conn_close(pool__conn_t *conn) {
  assert(conn->state == POOL__CONN_CLOSING);
  assert(conn->attempt == NULL);
  pool__wheel_disarm(conn->env->wheel, &conn->timer);
  uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

void pool__conn_arm_by(pool__conn_t *conn, uint64_t after_ms) {
  pool__wheel_arm_by(conn->env->wheel, &conn->timer, after_ms, on_timer);
}
