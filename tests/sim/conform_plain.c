#include "conform_plain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#define PIECE       65536u
#define PATIENCE_MS 300
#define FULL_MS     10

/* "5" or "EAGAIN" of a system call; the text is good until the next call. */
static const char *result(int64_t n) {
  static char text[24];

  if (n < 0 && errno == EINPROGRESS)
    return "EINPROGRESS"; /* libuv has no name for it */
  if (n < 0)
    return uv_err_name(uv_translate_sys_error(errno));
  snprintf(text, sizeof text, "%lld", (long long)n);
  return text;
}

static void must(int rc) {
  if (rc < 0)
    abort(); /* nothing that a script is about */
}

/* --- opening -------------------------------------------------------------- */

/* As the library does: ours sends at once, always. */
static void no_delay(int fd) {
  int on = 1;

  must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

plain_t plain_open(conform_t *log, const char *name) {
  plain_t p = {log, name, -1, 0, 0, 0};

  p.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  must(p.fd);
  no_delay(p.fd);
  return p;
}

struct sockaddr_in plain_address(const plain_t *listener) {
  struct sockaddr_in in;
  socklen_t len = sizeof in;

  must(getsockname(listener->fd, (struct sockaddr *)&in, &len));
  return in;
}

plain_t plain_refusing(conform_t *log, const char *name) {
  plain_t p = plain_open(log, name);
  struct sockaddr_in in;

  memset(&in, 0, sizeof in);
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(bind(p.fd, (struct sockaddr *)&in, sizeof in));
  return p;
}

plain_t plain_listener(conform_t *log, const char *name, int backlog) {
  plain_t p = plain_refusing(log, name);

  must(listen(p.fd, backlog));
  return p;
}

void plain_connect(const plain_t *p, const plain_t *listener) {
  struct sockaddr_in in = plain_address(listener);
  int rc = connect(p->fd, (struct sockaddr *)&in, sizeof in);

  conform_log(p->log, p->name, "connect %s", result(rc));
}

plain_t plain_accept(const plain_t *listener, const char *name) {
  plain_t p = {listener->log, name, -1, 0, 0, 0};

  plain_await(listener, EPOLLIN);
  p.fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  conform_log(p.log, name, "accept %s", result(p.fd < 0 ? -1 : 0));
  if (p.fd >= 0)
    no_delay(p.fd);
  return p;
}

void plain_pair(conform_t *log, plain_t *a, plain_t *b) {
  plain_t listener = plain_listener(log, "l", 8);

  *a = plain_open(log, "a");
  plain_connect(a, &listener);
  *b = plain_accept(&listener, "b");
  plain_await(a, EPOLLOUT);
  plain_close(&listener);
}

/* --- looking -------------------------------------------------------------- */

/* Waits for events up to `ms`; those that are there. */
static uint32_t wait_events(int fd, uint32_t events, int ms) {
  struct epoll_event event = {.events = events};
  int epfd = epoll_create1(EPOLL_CLOEXEC);
  int n;

  must(epfd);
  must(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
  do
    n = epoll_wait(epfd, &event, 1, ms);
  while (n < 0 && errno == EINTR);
  must(epoll_ctl(epfd, EPOLL_CTL_DEL, fd, &event));
  close(epfd);
  return n == 1 ? event.events : 0;
}

void plain_await(const plain_t *p, uint32_t events) {
  if (wait_events(p->fd, events, CONFORM_WAIT_MS) == 0)
    conform_fail(p->log, p->name, "waits in vain");
}

void plain_look(const plain_t *p, uint32_t but) {
  uint32_t wanted = (EPOLLIN | EPOLLOUT | EPOLLRDHUP) & ~but;
  uint32_t is = wait_events(p->fd, wanted, 0);

  conform_log(
      p->log, p->name, "is%s%s%s%s%s%s", is == 0 ? " quiet" : "",
      (is & EPOLLIN) != 0 ? " IN" : "", (is & EPOLLOUT) != 0 ? " OUT" : "",
      (is & EPOLLRDHUP) != 0 ? " RDHUP" : "",
      (is & EPOLLHUP) != 0 ? " HUP" : "", (is & EPOLLERR) != 0 ? " ERR" : "");
}

static void receive(const plain_t *p, const char *what, size_t len, int flags) {
  char bytes[64] = "";
  ssize_t n = recv(p->fd, bytes, len < 63 ? len : 63, flags);

  conform_log(p->log, p->name, "%s %s %.*s", what, result(n),
              n > 0 ? (int)n : 0, bytes);
}

void plain_read(const plain_t *p, size_t len) {
  receive(p, "read", len, 0);
}

void plain_peek(const plain_t *p, size_t len) {
  receive(p, "peek", len, MSG_PEEK | MSG_DONTWAIT);
}

void plain_take_error(const plain_t *p) {
  int error = 0;
  socklen_t len = sizeof error;

  must(getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len));
  conform_log(p->log, p->name, "SO_ERROR %s",
              conform_name(error == 0 ? 0 : uv_translate_sys_error(error)));
}

void plain_name_peer(const plain_t *p) {
  struct sockaddr_in in;
  socklen_t len = sizeof in;
  int rc = getpeername(p->fd, (struct sockaddr *)&in, &len);

  conform_log(p->log, p->name, "getpeername %s", result(rc));
}

int plain_unsent(const plain_t *p) {
  int bytes = -1;

  must(ioctl(p->fd, TIOCOUTQ, &bytes));
  return bytes;
}

void plain_await_sent(const plain_t *p) {
  uint64_t until = uv_hrtime() + CONFORM_WAIT_MS * 1000000ull;

  while (plain_unsent(p) != 0)
    if (uv_hrtime() > until) {
      conform_fail(p->log, p->name, "is not acknowledged");
      return;
    }
}

/* --- acting --------------------------------------------------------------- */

void plain_write(const plain_t *p, const char *text) {
  ssize_t n = write(p->fd, text, strlen(text));

  conform_log(p->log, p->name, "write %s", result(n));
}

void plain_shutdown(const plain_t *p) {
  int rc = shutdown(p->fd, SHUT_WR);

  conform_log(p->log, p->name, "shutdown %s", result(rc));
}

void plain_close(plain_t *p) {
  if (p->fd >= 0)
    close(p->fd);
  p->fd = -1;
}

void plain_reset(plain_t *p) {
  struct linger linger = {1, 0};

  must(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  plain_close(p);
}

void plain_look_through(const plain_t *p) {
  plain_look(p, 0);
  plain_read(p, 8);
  plain_look(p, 0);
  plain_read(p, 8);
  plain_write(p, "x");
  plain_look(p, 0);
  plain_write(p, "x");
  plain_take_error(p);
}

static char *take_piece(void) {
  char *bytes = malloc(PIECE);

  if (bytes == NULL)
    abort();
  return bytes;
}

/* The kernel may still be moving what it has. */
static int has_room(int fd) {
  return wait_events(fd, EPOLLOUT, FULL_MS) == EPOLLOUT;
}

size_t plain_write_all(plain_t *p) {
  char *bytes = take_piece();
  size_t before = p->given;
  ssize_t n;

  do {
    conform_fill(bytes, PIECE, p->given);
    n = write(p->fd, bytes, PIECE);
    p->given += n > 0 ? (size_t)n : 0;
  } while (n > 0 || (errno == EAGAIN && has_room(p->fd)));
  if (errno != EAGAIN)
    conform_log(p->log, p->name, "write_all %s", result(n));
  free(bytes);
  return p->given - before;
}

/* As read(), and checks what was read. */
static ssize_t read_pattern(plain_t *p, char *bytes, size_t len) {
  ssize_t n = read(p->fd, bytes, len < PIECE ? len : PIECE);

  if (n <= 0)
    return n;
  if (!conform_is_filled(bytes, (size_t)n, p->got))
    conform_fail(p->log, p->name, "reads what nobody wrote");
  p->got += (size_t)n;
  return n;
}

size_t plain_read_all(plain_t *p, size_t len) {
  char *bytes = take_piece();
  size_t before = p->got;
  ssize_t n = 1;

  while (n > 0 && p->got - before < len) {
    n = read_pattern(p, bytes, len - (p->got - before));
    if (n < 0 && errno == EAGAIN && wait_events(p->fd, EPOLLIN, PATIENCE_MS))
      n = 1; /* now there is something */
    else if (n <= 0)
      conform_log(p->log, p->name, "read_all %s", result(n));
  }
  free(bytes);
  return p->got - before;
}

size_t plain_read_ready(plain_t *p, size_t len) {
  char *bytes = take_piece();
  size_t before = p->got;
  ssize_t n = 1;

  while (n > 0 && p->got - before < len)
    n = read_pattern(p, bytes, len - (p->got - before));
  if (n == 0 || (n < 0 && errno != EAGAIN)) {
    conform_log(p->log, p->name, "read_ready %s", result(n));
    p->ended = 1;
  }
  free(bytes);
  return p->got - before;
}
