/* What libuv makes of full buffers, of several sockets, and of time: which
 * callbacks come, in which order. "a" is libuv's, "b" its peer. */
#include <poll.h>

#include "conform_client.h"

#define HUGE_BYTES (16u << 20) /* more than any buffer holds */

/* --- full buffers --------------------------------------------------------- */

static void a_full_buffer_and_room_again(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;
  size_t done;

  client_open(&a, &loop, &b, c);
  done = client_try_all(&a);
  client_write_many(&a, HUGE_BYTES, done);
  client_turns(&loop, 3);
  client_try(&a, "x");
  client_feed(&a, &b, done + HUGE_BYTES);
  client_until(&a, &a.written, 1);
  client_try(&a, "x");
  conform_log(c, "b", "read %s", b.got == done + HUGE_BYTES ? "all" : "less");
  client_end(&a, &b);
}

static void a_full_buffer_and_a_shutdown_behind(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write_many(&a, HUGE_BYTES, 0);
  client_write_many(&a, 5, HUGE_BYTES);
  client_shutdown(&a);
  client_write(&a, "x");
  client_turns(&loop, 3);
  client_feed(&a, &b, HUGE_BYTES + 6);
  client_until(&a, &a.shutdowns, 1);
  conform_log(c, "b", "read %s", b.got == HUGE_BYTES + 5 ? "all" : "not that");
  client_end(&a, &b);
}

static void large_writes_closed(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write_many(&a, HUGE_BYTES, 0);
  client_write_many(&a, 5, HUGE_BYTES);
  client_shutdown(&a);
  client_turns(&loop, 3);
  client_close(&a);
  conform_log(c, "a", "uv_close returns");
  client_until(&a, &a.closes, 1);
  plain_read_all(&b, HUGE_BYTES);
  conform_log(c, "b", "read %s", b.got > 0 ? "some" : "nothing");
  client_end(&a, &b);
}

static void a_reset_under_a_large_write(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write_many(&a, HUGE_BYTES, 0);
  client_write_many(&a, 5, HUGE_BYTES);
  client_shutdown(&a);
  client_turns(&loop, 3);
  plain_close(&b);
  client_await(&a, 0);
  client_until(&a, &a.written, 2);
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void an_answer_and_a_reset_under_a_large_write(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write_many(&a, HUGE_BYTES, 0);
  client_turns(&loop, 3);
  plain_write(&b, "enough");
  plain_close(&b);
  client_await(&a, 0);
  client_until(&a, &a.written, 1);
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void an_answer_an_end_and_a_reset_under_a_large_write(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write_many(&a, HUGE_BYTES, 0);
  client_turns(&loop, 3);
  plain_write(&b, "enough");
  plain_shutdown(&b);
  client_await(&a, POLLRDHUP);
  client_turns(&loop, 3);
  plain_close(&b);
  client_await(&a, 0);
  client_until(&a, &a.written, 1);
  client_turns(&loop, 3);
  client_end(&a, &b);
}

static void a_large_answer(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  a.quiet = 1;
  plain_write_all(&b);
  plain_close(&b);
  client_until(&a, &a.ends, 1);
  conform_log(c, "a", "read %s", a.bytes == b.given ? "all" : "less");
  client_end(&a, &b);
}

static void close_me(client_t *me) {
  me->then = NULL;
  client_close(me);
}

static void closing_in_the_callback_of_a_read(conform_t *c) {
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  client_write_many(&a, HUGE_BYTES, 0);
  a.then = close_me;
  plain_write(&b, "hello");
  client_await(&a, POLLIN);
  client_until(&a, &a.closes, 1);
  client_end(&a, &b);
}

static void close_other_and_open(client_t *me) {
  client_t *others = me->data;

  me->then = NULL;
  client_close(&others[0]);
  client_connect(&others[1], others[1].data);
}

/* The descriptor of a socket that is ready, and closed before its turn comes,
 * goes to a new one. */
static void closing_another_that_is_ready(conform_t *c) {
  plain_t l = plain_listener(c, "l", 8);
  uv_loop_t loop;
  client_t a, others[2];
  plain_t b, b1;

  client_open(&a, &loop, &b, c);
  client_pair(&others[0], &loop, "a1", &b1, "b1");
  client_init(&others[1], &loop, "a2");
  others[1].data = &l;
  a.data = others;
  a.then = close_other_and_open;
  plain_write(&b, "hello");
  client_await(&a, POLLIN);
  plain_write(&b1, "hello");
  client_await(&others[0], POLLIN);
  client_until(&others[1], &others[1].connects, 1);
  client_close(&others[1]);
  plain_close(&b1);
  plain_close(&l);
  client_end(&a, &b);
}

/* --- several sockets, and time -------------------------------------------- */

#define SOCKETS 4

static void bytes_in_one_order(client_t *a, plain_t *b, const int *order) {
  int i;

  for (i = 0; i < SOCKETS; i++) {
    plain_write(&b[order[i]], "x");
    client_await(&a[order[i]], POLLIN);
  }
  client_turns(a->tcp.loop, 1);
}

static void sockets_are_told_of_in_the_order_of_arrival(conform_t *c) {
  static const char *const names[] = {"a0", "a1", "a2", "a3"};
  static const char *const peers[] = {"b0", "b1", "b2", "b3"};
  static const int orders[][SOCKETS] = {
      {2, 0, 3, 1}, {1, 0, 2, 3}, {3, 2, 1, 0}, {0, 1, 2, 3}};
  client_t a[SOCKETS];
  plain_t b[SOCKETS];
  uv_loop_t loop;
  int i;

  client_loop(&loop, c);
  for (i = 0; i < SOCKETS; i++)
    client_pair(&a[i], &loop, names[i], &b[i], peers[i]);
  bytes_in_one_order(a, b, orders[0]);
  bytes_in_one_order(a, b, orders[1]); /* epoll has them on its list still */
  client_turns(&loop, 1);
  bytes_in_one_order(a, b, orders[2]);
  bytes_in_one_order(a, b, orders[3]);
  for (i = 0; i < SOCKETS; i++) {
    client_write_many(&a[i], HUGE_BYTES, 0);
    client_close(&a[i]);
    plain_close(&b[i]);
  }
  client_loop_end(&loop);
}

static void on_timer(uv_timer_t *timer) {
  conform_log(timer->loop->data, timer->data, "fires");
}

static void on_last_timer(uv_timer_t *timer) {
  on_timer(timer);
  uv_stop(timer->loop);
}

static void on_timer_closed(uv_handle_t *handle) {
  conform_log(handle->loop->data, handle->data, "close");
}

static void timers_fire_in_their_order(conform_t *c) {
  static const char *const names[] = {"t0", "t1", "t2", "t3", "t4"};
  static const uint64_t after[] = {2, 1, 2, 0, 3};
  uv_timer_t timers[5];
  uv_loop_t loop;
  int i;

  client_loop(&loop, c);
  for (i = 0; i < 5; i++) {
    uv_timer_init(&loop, &timers[i]);
    timers[i].data = (void *)(uintptr_t)names[i];
    uv_timer_start(&timers[i], i == 4 ? on_last_timer : on_timer, after[i], 0);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  for (i = 0; i < 5; i++)
    uv_close((uv_handle_t *)&timers[i], on_timer_closed);
  client_loop_end(&loop);
}

static void wait_ms(uint64_t ms) {
  uint64_t until = uv_hrtime() + ms * 1000000;

  while (uv_hrtime() < until)
    continue;
}

static void a_timer_goes_before_bytes(conform_t *c) {
  uv_timer_t timer;
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  uv_timer_init(&loop, &timer);
  timer.data = (void *)(uintptr_t) "t";
  uv_update_time(&loop);
  uv_timer_start(&timer, on_timer, 1, 0);
  plain_write(&b, "hello");
  client_await(&a, POLLIN);
  wait_ms(3);
  client_turns(&loop, 2);
  uv_close((uv_handle_t *)&timer, on_timer_closed);
  client_end(&a, &b);
}

/* The loop waits for the earlier of both. */
static void waiting_for_a_timer_or_for_bytes(conform_t *c) {
  uv_timer_t timer;
  uv_loop_t loop;
  client_t a;
  plain_t b;

  client_open(&a, &loop, &b, c);
  uv_timer_init(&loop, &timer);
  timer.data = (void *)(uintptr_t) "t";
  uv_timer_start(&timer, on_timer, 5, 0);
  uv_run(&loop, UV_RUN_ONCE);
  uv_timer_start(&timer, on_timer, 3600000, 0);
  plain_write(&b, "hello");
  uv_run(&loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, on_timer_closed);
  client_end(&a, &b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(a_full_buffer_and_room_again),
      CONFORM(a_full_buffer_and_a_shutdown_behind),
      CONFORM(large_writes_closed),
      CONFORM(a_reset_under_a_large_write),
      CONFORM(an_answer_and_a_reset_under_a_large_write),
      CONFORM(an_answer_an_end_and_a_reset_under_a_large_write),
      CONFORM(a_large_answer),
      CONFORM(closing_in_the_callback_of_a_read),
      CONFORM(closing_another_that_is_ready),
      CONFORM(sockets_are_told_of_in_the_order_of_arrival),
      CONFORM(timers_fire_in_their_order),
      CONFORM(a_timer_goes_before_bytes),
      CONFORM(waiting_for_a_timer_or_for_bytes),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
