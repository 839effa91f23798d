/* System calls of connections whose buffers are full: "a" writes, "b" reads. */
#include "conform_plain.h"

#define MANY (64u << 20) /* more than any buffer holds */

static void a_full_buffer_that_is_read(conform_t *c) {
  plain_t a, b;
  size_t more;

  plain_pair(c, &a, &b);
  plain_write_all(&a);
  plain_look(&a, 0);
  conform_log(c, "a", "unsent %s", plain_unsent(&a) > 0 ? "some" : "none");
  plain_read_all(&b, a.given);
  plain_await_sent(&a);
  plain_look(&a, 0);
  more = plain_write_all(&a);
  conform_log(c, "a", "%s", more > 0 ? "there is room again" : "no room");
  plain_read_all(&b, more);
  plain_look(&b, 0);
  plain_close(&a);
  plain_read_all(&b, 1);
  plain_close(&b);
}

/* Reading some makes the peer's kernel take more. */
static void a_full_buffer_that_is_read_in_part(conform_t *c) {
  plain_t a, b;
  int before;

  plain_pair(c, &a, &b);
  plain_write_all(&a);
  before = plain_unsent(&a);
  plain_read_all(&b, a.given / 2);
  plain_read_all(&b, a.given / 4);
  conform_log(c, "a", "unsent %s", plain_unsent(&a) < before ? "less" : "same");
  plain_close(&a);
  plain_read_all(&b, MANY);
  conform_log(c, "b", "%s", b.got == a.given ? "all has come" : "not all");
  plain_close(&b);
}

static void a_full_buffer_and_an_end(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write_all(&a);
  plain_shutdown(&a);
  plain_look(&a, 0);
  plain_look(&b, 0);
  plain_write(&a, "x");
  plain_read_all(&b, MANY);
  plain_look(&b, 0);
  conform_log(c, "b", "%s", b.got == a.given ? "all has come" : "not all");
  plain_write(&b, "hello");
  plain_await(&a, EPOLLIN);
  plain_read(&a, 8);
  plain_close(&a);
  plain_close(&b);
}

static void a_full_buffer_and_a_reset(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write_all(&a);
  plain_reset(&a);
  plain_await(&b, EPOLLHUP);
  plain_look(&b, 0);
  plain_read_all(&b, MANY);
  conform_log(c, "b", "%s",
              b.got == a.given ? "all has come"
              : b.got == 0     ? "nothing"
                               : "some has come");
  plain_look_through(&b);
  plain_close(&b);
}

static void a_full_buffer_that_is_reset_by_the_reader(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write_all(&a);
  plain_close(&b);
  plain_await(&a, EPOLLHUP);
  conform_log(c, "a", "unsent %s", plain_unsent(&a) > 0 ? "some" : "none");
  plain_look_through(&a);
  plain_close(&a);
}

/* Bytes that are on their way to one that is closed. */
static void a_full_buffer_that_is_closed_after_reading(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write_all(&a);
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_look(&a, 0);
  plain_read_all(&b, a.given);
  plain_await_sent(&a);
  plain_look(&a, 0);
  plain_close(&b);
  plain_write(&a, "x");
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

static void bytes_that_have_arrived_are_acknowledged(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  conform_log(c, "a", "unsent %d", plain_unsent(&a));
  plain_write(&a, "hello");
  plain_await_sent(&a);
  plain_look(&b, 0);
  plain_close(&a);
  plain_close(&b);
}

static void looking_takes_nothing(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_peek(&a, 1);
  plain_write(&b, "hello");
  plain_await(&a, EPOLLIN);
  plain_peek(&a, 1);
  plain_peek(&a, 8);
  plain_read(&a, 8);
  plain_peek(&a, 8);
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_peek(&a, 8);
  plain_peek(&a, 8);
  plain_read(&a, 8);
  plain_close(&a);
  plain_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(a_full_buffer_that_is_read),
      CONFORM(a_full_buffer_that_is_read_in_part),
      CONFORM(a_full_buffer_and_an_end),
      CONFORM(a_full_buffer_and_a_reset),
      CONFORM(a_full_buffer_that_is_reset_by_the_reader),
      CONFORM(a_full_buffer_that_is_closed_after_reading),
      CONFORM(bytes_that_have_arrived_are_acknowledged),
      CONFORM(looking_takes_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
