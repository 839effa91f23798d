#include "wrap_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 2000

void peer_open(peer_t *peer, int send_buffer) {
  struct sockaddr_in in;
  socklen_t len = sizeof in;

  memset(&in, 0, sizeof in);
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer->fd = -1;
  peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(peer->listener >= 0);
  if (send_buffer > 0)
    assert_int_equal(setsockopt(peer->listener, SOL_SOCKET, SO_SNDBUF,
                                &send_buffer, sizeof send_buffer),
                     0);
  assert_int_equal(bind(peer->listener, (struct sockaddr *)&in, sizeof in), 0);
  assert_int_equal(listen(peer->listener, 8), 0);
  assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&in, &len),
                   0);
  snprintf(peer->address, sizeof peer->address, "127.0.0.1:%d",
           ntohs(in.sin_port));
}

static void wait_for(int fd, short events) {
  struct pollfd waited = {.fd = fd, .events = events};

  assert_int_equal(poll(&waited, 1, WAIT_MS), 1);
}

void peer_accept(peer_t *peer) {
  wait_for(peer->listener, POLLIN);
  peer->fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  assert_true(peer->fd >= 0);
}

void peer_read_head(peer_t *peer) {
  char bytes[4096];
  size_t len = 0;

  do {
    ssize_t n;

    wait_for(peer->fd, POLLIN);
    n = recv(peer->fd, bytes + len, sizeof bytes - 1 - len, 0);
    assert_true(n > 0);
    len += (size_t)n;
    bytes[len] = '\0';
  } while (strstr(bytes, "\r\n\r\n") == NULL);
}

void peer_send(peer_t *peer, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n;

    wait_for(peer->fd, POLLOUT);
    n = send(peer->fd, bytes, len, MSG_NOSIGNAL);
    assert_true(n > 0);
    bytes += n;
    len -= (size_t)n;
  }
}

void peer_turn(uv_loop_t *loop) {
  struct pollfd waited = {.fd = uv_backend_fd(loop), .events = POLLIN};

  poll(&waited, 1, 100);
  uv_run(loop, UV_RUN_NOWAIT);
}

void peer_hang_up(peer_t *peer) {
  if (peer->fd >= 0)
    close(peer->fd);
  peer->fd = -1;
}

void peer_close(peer_t *peer) {
  peer_hang_up(peer);
  if (peer->listener >= 0)
    close(peer->listener);
  peer->listener = -1;
}
