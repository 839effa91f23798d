/* Moments that rarely meet: what is read in the same breath as an answer, a
 * loop that stood still, and failures that come when there is no other hope. */
#include <unistd.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "fixture.h"
#include "wrap_peer.h"

#define READ_BYTES 65536u /* what the pool reads at once */
#define EVIL       "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
#define GOOD       "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
#define TIMEOUT_408                                                            \
  "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"                      \
  "Connection: close\r\n\r\n"

/* Until the other side's kernel has all that was sent. */
static void settle(const peer_t *peer) {
  int left = 1;
  int i;

  for (i = 0; i < 1000000 && left > 0; i++)
    assert_int_equal(ioctl(peer->fd, SIOCOUTQ, &left), 0);
  assert_int_equal(left, 0);
}

static void turn_until(fixture_t *fx, const record_t *got) {
  int i;

  for (i = 0; i < 50 && got->calls == 0; i++)
    peer_turn(&fx->loop);
}

static void serve(fixture_t *fx, peer_t *peer, const char *answer) {
  int i;

  for (i = 0; i < 3; i++)
    peer_turn(&fx->loop);
  peer_read_head(peer);
  peer_send(peer, answer, strlen(answer));
}

/* A long answer, so that both kernels open their windows. */
static void warm_up(fixture_t *fx, peer_t *peer) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n";
  static char zeroes[32768];
  record_t *got = fixture_get(fx, "/warm");
  int i;

  peer_accept(peer);
  serve(fx, peer, head);
  for (i = 0; i < 256; i++) {
    peer_send(peer, zeroes, sizeof zeroes);
    peer_turn(&fx->loop);
  }
  turn_until(fx, got);
  assert_int_equal(got->error, 0);
  assert_int_equal(got->body_len, 8388608);
}

/* An answer that fills the read buffer to its last byte, and more behind it. */
static char *exact_answer(size_t *len) {
  size_t head_len = strlen("HTTP/1.1 200 OK\r\nContent-Length: 65490\r\n\r\n");
  char *bytes = malloc(READ_BYTES + sizeof EVIL);

  assert_non_null(bytes);
  memset(bytes, 'x', READ_BYTES);
  snprintf(bytes, READ_BYTES, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
           READ_BYTES - head_len);
  bytes[head_len] = 'x';
  memcpy(bytes + READ_BYTES, EVIL, sizeof EVIL - 1);
  *len = READ_BYTES + sizeof EVIL - 1;
  return bytes;
}

static void bytes_behind_a_full_read_are_no_answer_to_the_next(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  record_t *first, *second;
  peer_t peer;
  size_t len;
  char *bytes = exact_answer(&len);

  fixture_pool_bare(fx, &config);
  peer_open(&peer, 1 << 20);
  assert_int_equal(pool_add_endpoint(fx->pool, peer.address), 0);
  warm_up(fx, &peer);
  first = fixture_get(fx, "/first");
  second = fixture_get(fx, "/second");
  peer_read_head(&peer);
  peer_send(&peer, bytes, len);
  free(bytes);
  settle(&peer);
  turn_until(fx, first);
  if (second->calls == 0) {
    peer_hang_up(&peer);
    peer_accept(&peer);
    serve(fx, &peer, GOOD);
    turn_until(fx, second);
  }
  peer_close(&peer);
  assert_int_equal(first->error, 0);
  assert_int_equal(second->calls, 1);
  assert_string_not_equal(second->body, "evil");
}

static void a_connection_that_rested_outside_the_loop_is_looked_at(void **s) {
  fixture_t *fx = *s;
  record_t *first, *second;
  peer_t peer;

  fixture_pool_bare(fx, NULL);
  peer_open(&peer, 0);
  assert_int_equal(pool_add_endpoint(fx->pool, peer.address), 0);
  first = fixture_get(fx, "/first");
  peer_accept(&peer);
  serve(fx, &peer, GOOD);
  turn_until(fx, first);
  assert_int_equal(first->error, 0);
  /* The loop does not run now, for however long; the server gives up. */
  peer_send(&peer, TIMEOUT_408, strlen(TIMEOUT_408));
  settle(&peer);
  peer_hang_up(&peer);
  second = fixture_get(fx, "/second");
  turn_until(fx, second);
  if (second->calls == 0) {
    peer_accept(&peer);
    serve(fx, &peer, GOOD);
    turn_until(fx, second);
  }
  peer_close(&peer);
  assert_int_equal(second->calls, 1);
  assert_int_equal(second->error, 0);
  assert_int_equal(second->status, 200);
}

static void bytes_before_the_request_are_no_answer_to_it(void **state) {
  fixture_t *fx = *state;
  record_t *got;
  peer_t peer;

  fixture_pool_bare(fx, NULL);
  peer_open(&peer, 0);
  assert_int_equal(pool_add_endpoint(fx->pool, peer.address), 0);
  got = fixture_get(fx, "/");
  peer_accept(&peer);
  peer_send(&peer, EVIL, strlen(EVIL));
  settle(&peer);
  turn_until(fx, got);
  peer_close(&peer);
  if (got->calls > 0)
    assert_string_not_equal(got->body, "evil");
}

static void another_protocol_is_found_out_in_whatever_pieces(void **state) {
  static const server_step_t ssh[] = {EXPECT(), DRIP("SSH-2.0-x", 1), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 1000};
  record_t *got;

  fixture_pool(fx, &config);
  server_default(fx->server, ssh);
  got = fixture_get(fx, "/");
  fixture_run(fx);
  assert_int_equal(got->error, POOL_EPARSE);
}

/* One endpoint has all its connections on their way out, the other one cannot
 * even be tried: then there is something to wait for. An endless loop would be
 * ended by the alarm. */
static void no_memory_for_a_connection_is_no_endless_loop(void **state) {
  static const server_step_t slow[] = {EXPECT(), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.max_connections = 1};
  record_t *first, *second;
  server_t *refusing;

  fixture_pool(fx, &config);
  server_script(fx->server, slow);
  refusing = fixture_server(fx);
  server_refuse(refusing);
  assert_int_equal(pool_add_endpoint(fx->pool, refusing->address), 0);
  first = fixture_get(fx, "/first");
  second = fixture_get(fx, "/second");
  while (fixture_stats(fx).connect_fails == 0 || fx->server->seen == 0)
    peer_turn(&fx->loop);
  heap_fail(&fx->heap, 1, 1);
  server_close_all(fx->server, 0);
  alarm(10);
  fixture_run_record(fx, first);
  alarm(0);
  heap_fail(&fx->heap, 0, 0);
  fixture_run(fx);
  assert_int_equal(first->calls, 1);
  assert_int_equal(second->calls, 1);
}

static void a_busy_connection_of_a_removed_endpoint_is_no_hope(void **state) {
  static const server_step_t stuck[] = {EXPECT(), HANG()};
  fixture_t *fx = *state;
  pool_config_t config = {.timeout_ms = 3000};
  pool_request_t request = {.path = "/second", .timeout_ms = 1000};
  record_t *second;
  server_t *refusing;

  fixture_pool(fx, &config);
  server_script(fx->server, stuck);
  refusing = fixture_server(fx);
  server_refuse(refusing);
  fixture_get(fx, "/first");
  while (fx->server->seen == 0)
    peer_turn(&fx->loop);
  assert_int_equal(pool_add_endpoint(fx->pool, refusing->address), 0);
  assert_int_equal(pool_remove_endpoint(fx->pool, fx->server->address), 0);
  second = fixture_request(fx, &request);
  fixture_run_record(fx, second);
  assert_int_equal(second->error, UV_ECONNREFUSED);
}

static void
a_connect_that_nobody_waits_for_is_given_up_in_its_time(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.connect_timeout_ms = 200};
  record_t *got;
  hole_t hole;
  uint64_t started;

  if (hole_open(&hole, 1) != 0)
    skip();
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, hole.address), 0);
  got = fixture_get(fx, "/");
  peer_turn(&fx->loop);
  assert_int_equal(pool_cancel(fx->pool, got->call), 0);
  started = uv_hrtime();
  fixture_run(fx);
  hole_close(&hole);
  assert_int_equal(got->error, UV_ECANCELED);
  assert_true(uv_hrtime() - started < 1000u * 1000 * 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(bytes_behind_a_full_read_are_no_answer_to_the_next),
      FIXTURE_TEST(a_connection_that_rested_outside_the_loop_is_looked_at),
      FIXTURE_TEST(bytes_before_the_request_are_no_answer_to_it),
      FIXTURE_TEST(another_protocol_is_found_out_in_whatever_pieces),
      FIXTURE_TEST(a_busy_connection_of_a_removed_endpoint_is_no_hope),
      FIXTURE_TEST(a_connect_that_nobody_waits_for_is_given_up_in_its_time),
      FIXTURE_TEST(no_memory_for_a_connection_is_no_endless_loop),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
