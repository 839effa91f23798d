/* System calls of connections that end, in every way: "a" is the client, "b"
 * the server's end. */
#include "conform_plain.h"

/* --- FIN ------------------------------------------------------------------ */

static void a_half_close_and_back(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&b, "hello");
  plain_shutdown(&b);
  plain_look(&b, 0);
  plain_await(&a, EPOLLRDHUP);
  plain_look(&a, 0);
  plain_read(&a, 3);
  plain_look(&a, 0);
  plain_read(&a, 8);
  plain_read(&a, 8);
  plain_look(&a, 0);
  plain_write(&a, "bye");
  plain_await(&b, EPOLLIN);
  plain_look(&b, 0);
  plain_read(&b, 8);
  plain_read(&b, 8);
  plain_shutdown(&a);
  plain_await(&b, EPOLLRDHUP);
  plain_await(&a, EPOLLHUP);
  plain_await_sent(&a);
  plain_shutdown(&a);
  plain_shutdown(&b);
  plain_look_through(&a);
  plain_look_through(&b);
  plain_name_peer(&a);
  plain_name_peer(&b);
  plain_close(&a);
  plain_close(&b);
}

static void writing_after_a_shutdown(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_shutdown(&a);
  plain_look(&a, 0);
  plain_write(&a, "x");
  plain_shutdown(&a);
  plain_read(&a, 8);
  plain_take_error(&a);
  plain_write(&b, "hello");
  plain_await(&a, EPOLLIN);
  plain_look(&a, 0);
  plain_read(&a, 8);
  plain_close(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_look_through(&a);
  plain_close(&a);
}

static void writing_to_one_that_is_closed(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_close(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_look(&a, 0);
  plain_write(&a, "x");
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

static void writing_first_to_one_that_is_closed(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_close(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_write(&a, "x");
  plain_await(&a, EPOLLHUP);
  plain_write(&a, "x");
  plain_look_through(&a);
  plain_close(&a);
}

static void an_answer_to_one_that_is_closed(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&b, "hello");
  plain_close(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_write(&a, "x");
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

/* --- RST ------------------------------------------------------------------ */

static void read_some(const plain_t *p) {
  plain_read(p, 8);
}

static void write_some(const plain_t *p) {
  plain_write(p, "x");
}

static void peek_some(const plain_t *p) {
  plain_peek(p, 8);
}

static void a_reset(conform_t *c, const char *text,
                    void (*first)(const plain_t *p)) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  if (text != NULL)
    plain_write(&b, text);
  plain_reset(&b);
  plain_await(&a, EPOLLHUP);
  plain_look(&a, 0);
  first(&a);
  plain_look_through(&a);
  plain_shutdown(&a);
  plain_name_peer(&a);
  plain_close(&a);
}

static void a_reset_that_is_read(conform_t *c) {
  a_reset(c, NULL, read_some);
}

static void a_reset_that_is_peeked_at(conform_t *c) {
  a_reset(c, NULL, peek_some);
}

static void a_reset_that_is_written_to(conform_t *c) {
  a_reset(c, NULL, write_some);
}

static void a_reset_that_is_asked_for_its_error(conform_t *c) {
  a_reset(c, NULL, plain_take_error);
}

static void a_reset_behind_bytes(conform_t *c) {
  a_reset(c, "hello", read_some);
}

static void a_reset_behind_bytes_written_to(conform_t *c) {
  a_reset(c, "hello", write_some);
}

static void a_reset_behind_bytes_peeked_at(conform_t *c) {
  a_reset(c, "hello", peek_some);
}

static void a_reset_behind_an_end(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&b, "hello");
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_look(&a, 0);
  plain_reset(&b);
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

static void a_reset_behind_an_end_asked_for_its_error(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_reset(&b);
  plain_await(&a, EPOLLHUP);
  plain_take_error(&a);
  plain_look_through(&a);
  plain_close(&a);
}

static void a_reset_after_our_end(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_shutdown(&a);
  plain_await(&b, EPOLLRDHUP);
  plain_write(&b, "hello");
  plain_reset(&b);
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

/* Ours is behind bytes for which there is no room: LAST_ACK. */
static void a_reset_after_both_ends(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_write_all(&a);
  plain_shutdown(&a);
  plain_look(&a, 0);
  plain_reset(&b);
  plain_await(&a, EPOLLERR);
  plain_look(&a, 0);
  plain_take_error(&a);
  plain_look_through(&a);
  plain_close(&a);
}

static void a_reset_of_a_connection_that_is_over(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_shutdown(&a);
  plain_await(&b, EPOLLHUP);
  plain_await(&a, EPOLLHUP);
  plain_reset(&b);
  plain_look_through(&a);
  plain_close(&a);
}

/* --- closing with bytes unread -------------------------------------------- */

static void close_after_reading(conform_t *c, size_t len) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&a, "hello");
  plain_await(&b, EPOLLIN);
  if (len > 0)
    plain_read(&b, len);
  plain_close(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_look_through(&a);
  plain_close(&a);
}

static void closing_with_all_unread(conform_t *c) {
  close_after_reading(c, 0);
}

static void closing_with_some_unread(conform_t *c) {
  close_after_reading(c, 3);
}

static void closing_with_nothing_unread(conform_t *c) {
  close_after_reading(c, 5);
}

static void closing_with_bytes_behind_an_answer(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&b, "answer");
  plain_write(&a, "hello");
  plain_await(&b, EPOLLIN);
  plain_close(&b);
  plain_await(&a, EPOLLHUP);
  plain_read(&a, 8);
  plain_look_through(&a);
  plain_close(&a);
}

static void closing_with_an_end_and_bytes_unread(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&a, "hello");
  plain_shutdown(&a);
  plain_await(&b, EPOLLRDHUP);
  plain_close(&b);
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

static void closing_with_only_an_end_unread(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_shutdown(&a);
  plain_await(&b, EPOLLRDHUP);
  plain_close(&b);
  plain_await(&a, EPOLLHUP);
  plain_look_through(&a);
  plain_close(&a);
}

/* Nothing is owed any more: no RST. */
static void closing_unread_what_both_have_ended(conform_t *c) {
  plain_t a, b;

  plain_pair(c, &a, &b);
  plain_write(&a, "hello");
  plain_shutdown(&b);
  plain_await(&a, EPOLLRDHUP);
  plain_shutdown(&a);
  plain_await(&b, EPOLLHUP);
  plain_look(&b, 0);
  plain_close(&b);
  plain_look_through(&a);
  plain_close(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(a_half_close_and_back),
      CONFORM(writing_after_a_shutdown),
      CONFORM(writing_to_one_that_is_closed),
      CONFORM(writing_first_to_one_that_is_closed),
      CONFORM(an_answer_to_one_that_is_closed),
      CONFORM(a_reset_that_is_read),
      CONFORM(a_reset_that_is_peeked_at),
      CONFORM(a_reset_that_is_written_to),
      CONFORM(a_reset_that_is_asked_for_its_error),
      CONFORM(a_reset_behind_bytes),
      CONFORM(a_reset_behind_bytes_written_to),
      CONFORM(a_reset_behind_bytes_peeked_at),
      CONFORM(a_reset_behind_an_end),
      CONFORM(a_reset_behind_an_end_asked_for_its_error),
      CONFORM(a_reset_after_our_end),
      CONFORM(a_reset_after_both_ends),
      CONFORM(a_reset_of_a_connection_that_is_over),
      CONFORM(closing_with_all_unread),
      CONFORM(closing_with_some_unread),
      CONFORM(closing_with_nothing_unread),
      CONFORM(closing_with_bytes_behind_an_answer),
      CONFORM(closing_with_an_end_and_bytes_unread),
      CONFORM(closing_with_only_an_end_unread),
      CONFORM(closing_unread_what_both_have_ended),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
