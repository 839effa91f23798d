/* System calls of connections that begin: "a" is the client, "b" the server's
 * end, "l" the listener. */
#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "conform_plain.h"

static void a_socket_that_is_nothing_yet(conform_t *c) {
  plain_t a = plain_open(c, "a");

  plain_look(&a, 0);
  plain_read(&a, 8);
  plain_peek(&a, 8);
  plain_write(&a, "x");
  plain_shutdown(&a);
  plain_name_peer(&a);
  plain_take_error(&a);
  conform_log(c, "a", "unsent %d", plain_unsent(&a));
  plain_close(&a);
}

static void a_connection(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t a = plain_open(c, "a");
  plain_t b;

  plain_look(&l, 0);
  plain_read(&l, 8);
  plain_connect(&a, &l);
  b = plain_accept(&l, "b");
  plain_await(&a, EPOLLOUT);
  plain_look(&l, 0);
  plain_look(&a, 0);
  plain_look(&b, 0);
  plain_connect(&a, &l);
  plain_connect(&a, &l);
  plain_take_error(&a);
  plain_name_peer(&a);
  plain_name_peer(&b);
  plain_read(&a, 8);
  plain_read(&b, 8);
  plain_close(&a);
  plain_close(&b);
  plain_close(&l);
}

static void read_some(const plain_t *p) {
  plain_read(p, 8);
}

static void write_some(const plain_t *p) {
  plain_write(p, "x");
}

static void connect_refused(conform_t *c, void (*first)(const plain_t *p)) {
  plain_t l = plain_refusing(c, "l");
  plain_t a = plain_open(c, "a");

  plain_connect(&a, &l);
  plain_await(&a, EPOLLOUT);
  plain_look(&a, 0);
  first(&a);
  plain_look_through(&a);
  plain_name_peer(&a);
  plain_shutdown(&a);
  plain_close(&a);
  plain_close(&l);
}

static void a_refused_connect_asked_for_its_error(conform_t *c) {
  connect_refused(c, plain_take_error);
}

static void a_refused_connect_that_is_read(conform_t *c) {
  connect_refused(c, read_some);
}

static void a_refused_connect_that_is_written(conform_t *c) {
  connect_refused(c, write_some);
}

static void a_full_backlog(conform_t *c) {
  plain_t l = plain_listener(c, "l", 0);
  plain_t a = plain_open(c, "a");
  plain_t a2 = plain_open(c, "a2");
  plain_t b;

  plain_connect(&a, &l);
  plain_await(&a, EPOLLOUT);
  plain_look(&a, 0);
  plain_connect(&a2, &l);
  plain_connect(&a2, &l);
  plain_look(&a2, 0);
  plain_read(&a2, 8);
  plain_write(&a2, "x");
  plain_take_error(&a2);
  plain_name_peer(&a2);
  conform_log(c, "a2", "unsent %d", plain_unsent(&a2));
  b = plain_accept(&l, "b");
  plain_look(&l, 0);
  plain_look(&a2, 0);
  plain_close(&a2);
  plain_look(&l, 0);
  plain_close(&a);
  plain_close(&b);
  plain_close(&l);
}

static void two_that_listen_at_one_port(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t l2 = plain_open(c, "l2");
  struct sockaddr_in in = plain_address(&l);
  int rc = bind(l2.fd, (struct sockaddr *)&in, sizeof in);

  conform_log(c, "l2", "bind %s", rc == 0 ? "0" : strerror(errno));
  plain_close(&l);
  rc = bind(l2.fd, (struct sockaddr *)&in, sizeof in);
  conform_log(c, "l2", "bind %s", rc == 0 ? "0" : strerror(errno));
  plain_close(&l2);
}

static void a_connect_to_everybody(conform_t *c) {
  plain_t a = plain_open(c, "a");
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
  int rc;

  in.sin_addr.s_addr = INADDR_BROADCAST;
  rc = connect(a.fd, (struct sockaddr *)&in, sizeof in);
  conform_log(c, "a", "connect %s", rc == 0 ? "0" : strerror(errno));
  plain_look(&a, 0);
  plain_close(&a);
}

static void a_listener_closed_with_connections(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t a = plain_open(c, "a");
  plain_t a2 = plain_open(c, "a2");

  plain_connect(&a, &l);
  plain_connect(&a2, &l);
  plain_await(&a, EPOLLOUT);
  plain_await(&a2, EPOLLOUT);
  plain_write(&a, "hello");
  plain_close(&l);
  plain_await(&a, EPOLLHUP);
  plain_await(&a2, EPOLLHUP);
  plain_look_through(&a);
  plain_look_through(&a2);
  plain_close(&a);
  plain_close(&a2);
}

static void ends_before_the_accept(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t a = plain_open(c, "a");
  plain_t a2 = plain_open(c, "a2");
  plain_t b, b2;

  plain_connect(&a, &l);
  plain_await(&a, EPOLLOUT);
  plain_write(&a, "hello");
  plain_close(&a);
  plain_connect(&a2, &l);
  plain_await(&a2, EPOLLOUT);
  plain_write(&a2, "hello");
  plain_reset(&a2);
  b = plain_accept(&l, "b");
  b2 = plain_accept(&l, "b2");
  plain_await(&b, EPOLLRDHUP);
  plain_await(&b2, EPOLLRDHUP);
  plain_name_peer(&b);
  plain_name_peer(&b2);
  plain_look_through(&b);
  plain_look_through(&b2);
  plain_close(&b);
  plain_close(&b2);
  plain_close(&l);
}

static void a_linger_from_before_the_connect(conform_t *c) {
  struct linger linger = {1, 0};
  plain_t l = plain_listener(c, "l", 8);
  plain_t a = plain_open(c, "a");
  plain_t b;

  setsockopt(a.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  plain_connect(&a, &l);
  b = plain_accept(&l, "b");
  plain_close(&a);
  plain_await(&b, EPOLLRDHUP);
  plain_look_through(&b);
  plain_close(&b);
  plain_close(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(a_socket_that_is_nothing_yet),
      CONFORM(a_connection),
      CONFORM(a_refused_connect_asked_for_its_error),
      CONFORM(a_refused_connect_that_is_read),
      CONFORM(a_refused_connect_that_is_written),
      CONFORM(a_full_backlog),
      CONFORM(two_that_listen_at_one_port),
      CONFORM(a_connect_to_everybody),
      CONFORM(a_listener_closed_with_connections),
      CONFORM(ends_before_the_accept),
      CONFORM(a_linger_from_before_the_connect),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
