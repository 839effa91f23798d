/* A server that reads an upload slowly but steadily: bytes move all the time,
 * though the kernel's buffer, which is large, wants more only now and then. */
#include "fixture.h"

#include <sys/socket.h>

#include "wrap_peer.h"

#define BODY_BYTES (4u << 20)
#define STALL_MS   150u
#define READ_MS    900u /* several times that */

typedef struct {
  uv_timer_t timer;
  peer_t *peer;
  uint64_t until;
  size_t bytes;
} reader_t;

static void on_timer(uv_timer_t *timer) {
  reader_t *reader = timer->data;
  char bytes[4096];
  ssize_t n = recv(reader->peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);

  reader->bytes += n > 0 ? (size_t)n : 0;
  if (uv_now(timer->loop) >= reader->until)
    uv_close((uv_handle_t *)timer, NULL);
}

static int reader_is_done(fixture_t *fx, void *arg) {
  reader_t *reader = arg;

  (void)fx;
  return uv_is_closing((const uv_handle_t *)&reader->timer);
}

static void read_steadily(fixture_t *fx, reader_t *reader, peer_t *peer) {
  memset(reader, 0, sizeof *reader);
  reader->peer = peer;
  assert_int_equal(uv_timer_init(&fx->loop, &reader->timer), 0);
  reader->timer.data = reader;
  reader->until = uv_now(&fx->loop) + READ_MS;
  assert_int_equal(uv_timer_start(&reader->timer, on_timer, 1, 5), 0);
  fixture_run_until(fx, reader_is_done, reader);
  fixture_run_ms(fx, 1);
}

/* Small windows: what the server has not read is not acknowledged for long. */
static void open_with_small_window(peer_t *peer) {
  int size = 8192;

  peer_open(peer, 0);
  assert_int_equal(
      setsockopt(peer->listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
}

static void an_upload_that_is_read_steadily_does_not_stall(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.stall_timeout_ms = STALL_MS};
  char *body = calloc(1, BODY_BYTES);
  reader_t reader;
  record_t *got;
  peer_t peer;

  assert_non_null(body);
  open_with_small_window(&peer);
  fixture_pool_bare(fx, &config);
  assert_int_equal(pool_add_endpoint(fx->pool, peer.address), 0);
  got = fixture_send(fx, "PUT", "/x", body, BODY_BYTES);
  peer_accept(&peer);
  read_steadily(fx, &reader, &peer);
  assert_true(reader.bytes > 0 && reader.bytes < BODY_BYTES);
  assert_int_equal(got->calls, 0); /* it goes on */

  fixture_run_record(fx, got); /* nobody reads any more */
  assert_int_equal(got->error, UV_ETIMEDOUT);
  assert_int_equal(got->phase, POOL_SENDING);
  peer_close(&peer);
  free(body);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      FIXTURE_TEST(an_upload_that_is_read_steadily_does_not_stall),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
