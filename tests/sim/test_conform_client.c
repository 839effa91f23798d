/* What libuv makes of the beginning and the end of connections: which callbacks
 * come, in which order, with which status. "a" is libuv's, "b" its peer. */
#include <poll.h>

#include "conform_client.h"

/* --- connecting ----------------------------------------------------------- */

static void a_connect_that_is_refused(conform_t *c) {
  plain_t l = plain_refusing(c, "l");
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  client_write(&a, "hello");
  client_shutdown(&a);
  client_until(&a, &a.connects, 1);
  client_turns(&loop, 2);
  client_read(&a);
  client_try(&a, "x");
  client_end(&a, &l);
}

static void close_me(client_t *me) {
  me->then = NULL;
  client_close(me);
}

static void a_refused_connect_closed_in_its_callback(conform_t *c) {
  plain_t l = plain_refusing(c, "l");
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  client_write(&a, "hello");
  a.then = close_me;
  client_until(&a, &a.closes, 1);
  client_end(&a, &l);
}

static void a_connect_closed_in_its_callback(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t b;
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  client_write(&a, "hello");
  a.then = close_me;
  client_until(&a, &a.closes, 1);
  b = plain_accept(&l, "b");
  plain_await(&b, EPOLLIN);
  plain_read(&b, 8);
  plain_look(&b, 0);
  plain_close(&b);
  client_end(&a, &l);
}

/* A connect that nobody answers, with a write and a shutdown behind it. */
static void a_black_hole_that_is_closed(conform_t *c) {
  plain_t l = plain_listener(c, "l", 0);
  plain_t f = plain_open(c, "f");
  uv_loop_t loop;
  client_t a;

  plain_connect(&f, &l);
  plain_await(&f, EPOLLOUT);
  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  client_turns(&loop, 3);
  client_write(&a, "hello");
  client_try(&a, "x");
  client_write(&a, "again");
  client_shutdown(&a);
  client_turns(&loop, 3);
  client_close(&a);
  conform_log(c, "a", "uv_close returns");
  client_until(&a, &a.closes, 1);
  plain_close(&f);
  client_end(&a, &l);
}

static void a_connect_closed_at_once(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t b;
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  client_close(&a);
  client_until(&a, &a.closes, 1);
  b = plain_accept(&l, "b");
  plain_await(&b, EPOLLRDHUP);
  plain_read(&b, 8);
  plain_close(&b);
  client_end(&a, &l);
}

static void read_me(client_t *me) {
  me->then = NULL;
  client_read(me);
}

static void a_server_that_speaks_first(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t b;
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  b = plain_accept(&l, "b");
  plain_write(&b, "hello");
  client_await(&a, POLLIN);
  a.then = read_me;
  client_until(&a, &a.connects, 1);
  client_turns(&loop, 2);
  plain_close(&l);
  client_end(&a, &b);
}

static void server_ends_before_the_callback(conform_t *c, int reset) {
  plain_t l = plain_listener(c, "l", 8);
  plain_t b;
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  b = plain_accept(&l, "b");
  plain_write(&b, "hello");
  if (reset)
    plain_reset(&b);
  plain_close(&b);
  client_await(&a, reset ? 0 : POLLRDHUP);
  a.then = read_me;
  client_until(&a, &a.connects, 1);
  client_turns(&loop, 3);
  plain_close(&l);
  client_end(&a, &b);
}

static void a_server_that_hangs_up_before_the_callback(conform_t *c) {
  server_ends_before_the_callback(c, 0);
}

static void a_server_that_resets_before_the_callback(conform_t *c) {
  server_ends_before_the_callback(c, 1);
}

static void a_listener_closed_before_the_callback(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  uv_loop_t loop;
  client_t a;

  client_loop(&loop, c);
  client_init(&a, &loop, "a");
  client_connect(&a, &l);
  plain_close(&l);
  client_await(&a, 0);
  client_until(&a, &a.connects, 1);
  client_end(&a, &l);
}

/* --- the end of reading --------------------------------------------------- */

static void an_end_and_then_a_reset(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_shutdown(&b);
  client_until(&a, &a.ends, 1);
  plain_reset(&b);
  client_await(&a, 0);
  client_turns(&loop, 3);
  client_try(&a, "x");
  client_end(&a, &b);
}

static void bytes_and_an_end_in_one_poll(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_write(&b, "hello");
  plain_close(&b);
  client_await(&a, POLLRDHUP);
  client_turns(&loop, 1);
  conform_log(c, "a", "one turn");
  client_until(&a, &a.ends, 1);
  client_end(&a, &b);
}

/* libuv takes the hang-up behind a read that was not full for an end. */
static void bytes_and_a_reset_in_one_poll(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b, me;

  client_open(&a, &loop, &b, c);
  plain_write(&b, "hello");
  plain_reset(&b);
  client_await(&a, 0);
  client_turns(&loop, 1);
  conform_log(c, "a", "one turn");
  client_turns(&loop, 2);
  me = (plain_t){.log = c, .name = "a", .fd = client_fd(&a)};
  plain_take_error(&me);
  plain_read(&me, 8);
  client_end(&a, &b);
}

static void bytes_and_a_reset_in_two_polls(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_write(&b, "hello");
  client_await(&a, POLLIN);
  client_turns(&loop, 2);
  plain_reset(&b);
  client_await(&a, 0);
  client_until(&a, &a.ends, 1);
  client_turns(&loop, 2);
  client_read(&a);
  client_end(&a, &b);
}

static void a_reset_alone(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_reset(&b);
  client_await(&a, 0);
  client_until(&a, &a.ends, 1);
  client_turns(&loop, 2);
  client_try(&a, "x");
  client_write(&a, "x");
  client_end(&a, &b);
}

static void a_reset_that_is_written_to(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_reset(&b);
  client_await(&a, 0);
  client_try(&a, "x");
  client_try(&a, "x");
  client_write(&a, "x");
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void a_reset_that_uv_write_finds(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_reset(&b);
  client_await(&a, 0);
  client_write(&a, "x");
  client_write(&a, "y");
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void writing_behind_an_end(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_close(&b);
  client_await(&a, POLLRDHUP);
  client_try(&a, "x");
  client_await(&a, 0);
  client_try(&a, "y");
  client_turns(&loop, 3);
  client_try(&a, "z");
  client_end(&a, &b);
}

static void uv_write_behind_an_end(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_close(&b);
  client_await(&a, POLLRDHUP);
  client_until(&a, &a.ends, 1);
  client_write(&a, "x");
  client_until(&a, &a.written, 1);
  client_await(&a, 0);
  client_write(&a, "y");
  client_until(&a, &a.written, 2);
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void a_peer_that_closes_with_bytes_unread(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_try(&a, "hello");
  plain_await(&b, EPOLLIN);
  plain_read(&b, 2);
  plain_close(&b);
  client_await(&a, 0);
  client_until(&a, &a.ends, 1);
  client_end(&a, &b);
}

static void an_answer_of_one_that_has_not_read_all(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_try(&a, "hello");
  plain_await(&b, EPOLLIN);
  plain_write(&b, "answer");
  plain_close(&b);
  client_await(&a, 0);
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void both_halves_closed_one_by_one(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write(&a, "request");
  client_shutdown(&a);
  client_until(&a, &a.shutdowns, 1);
  plain_await(&b, EPOLLRDHUP);
  plain_read(&b, 16);
  plain_read(&b, 16);
  plain_write(&b, "answer");
  client_until(&a, &a.ends, 0);
  client_await(&a, POLLIN);
  client_turns(&loop, 2);
  client_try(&a, "x");
  client_write(&a, "x");
  client_shutdown(&a);
  plain_close(&b);
  client_until(&a, &a.ends, 1);
  client_turns(&loop, 2);
  client_end(&a, &b);
}

static void an_end_answered_by_an_end(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  plain_shutdown(&b);
  client_until(&a, &a.ends, 1);
  client_write(&a, "answer");
  client_shutdown(&a);
  client_until(&a, &a.shutdowns, 1);
  plain_await(&b, EPOLLHUP);
  plain_read(&b, 8);
  plain_read(&b, 8);
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void reading_that_was_stopped(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  uv_read_stop((uv_stream_t *)&a.tcp);
  plain_write(&b, "hello");
  client_await(&a, POLLIN);
  client_turns(&loop, 3);
  plain_close(&b);
  client_await(&a, POLLRDHUP);
  client_turns(&loop, 3);
  conform_log(c, "a", "reads again");
  client_read(&a);
  client_until(&a, &a.ends, 1);
  client_end(&a, &b);
}

/* The loop sees that of a socket too that is not read. */
static void a_reset_while_reading_is_stopped(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  uv_read_stop((uv_stream_t *)&a.tcp);
  client_turns(&loop, 1);
  plain_reset(&b);
  client_await(&a, 0);
  client_turns(&loop, 3);
  conform_log(c, "a", "reads again");
  client_read(&a);
  client_until(&a, &a.ends, 1);
  client_end(&a, &b);
}

static void closing_with_a_reset(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_try(&a, "hello");
  plain_await(&b, EPOLLIN);
  a.closes = 0;
  client_close_reset(&a);
  client_until(&a, &a.closes, 1);
  plain_await(&b, EPOLLHUP);
  plain_look(&b, 0);
  plain_read(&b, 8);
  plain_read(&b, 8);
  plain_read(&b, 8);
  client_end(&a, &b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(a_connect_that_is_refused),
      CONFORM(a_refused_connect_closed_in_its_callback),
      CONFORM(a_connect_closed_in_its_callback),
      CONFORM(a_black_hole_that_is_closed),
      CONFORM(a_connect_closed_at_once),
      CONFORM(a_server_that_speaks_first),
      CONFORM(a_server_that_hangs_up_before_the_callback),
      CONFORM(a_server_that_resets_before_the_callback),
      CONFORM(a_listener_closed_before_the_callback),
      CONFORM(an_end_and_then_a_reset),
      CONFORM(bytes_and_an_end_in_one_poll),
      CONFORM(bytes_and_a_reset_in_one_poll),
      CONFORM(bytes_and_a_reset_in_two_polls),
      CONFORM(a_reset_alone),
      CONFORM(a_reset_that_is_written_to),
      CONFORM(a_reset_that_uv_write_finds),
      CONFORM(writing_behind_an_end),
      CONFORM(uv_write_behind_an_end),
      CONFORM(a_peer_that_closes_with_bytes_unread),
      CONFORM(an_answer_of_one_that_has_not_read_all),
      CONFORM(both_halves_closed_one_by_one),
      CONFORM(an_end_answered_by_an_end),
      CONFORM(reading_that_was_stopped),
      CONFORM(a_reset_while_reading_is_stopped),
      CONFORM(closing_with_a_reset),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
