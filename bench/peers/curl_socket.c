/* libcurl's multi interface on libuv: curl_multi_socket_action(), as in
 * curl's own example multi-uv.c. */
#include "curl.h"

#include <stdlib.h>

#include <uv.h>

typedef struct {
  uv_poll_t poll;
  curl_socket_t socket;
} watch_t;

static CURLM *multi;
static uv_timer_t timer;

static void act(curl_socket_t socket, int flags) {
  int running;

  curl_multi_socket_action(multi, socket, flags, &running);
  if (!curl_take_done(multi) && !uv_is_closing((uv_handle_t *)&timer)) {
    uv_close((uv_handle_t *)&timer, NULL);
    curl_finish(multi);
  }
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  watch_t *watch = poll->data;
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;

  if (events & UV_READABLE)
    flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE)
    flags |= CURL_CSELECT_OUT;
  act(watch->socket, flags);
}

static void on_timeout(uv_timer_t *unused) {
  (void)unused;
  act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *unused, long timeout_ms, void *data) {
  (void)unused;
  (void)data;
  if (timeout_ms < 0)
    uv_timer_stop(&timer);
  else
    uv_timer_start(&timer, on_timeout, (uint64_t)timeout_ms, 0);
  return 0;
}

static void on_closed(uv_handle_t *poll) {
  free(poll->data);
}

static watch_t *watch_socket(curl_socket_t socket) {
  watch_t *watch = calloc(1, sizeof *watch);

  if (watch == NULL)
    bench_fail("socket", "no memory");
  watch->socket = socket;
  watch->poll.data = watch;
  uv_poll_init_socket(uv_default_loop(), &watch->poll, socket);
  curl_multi_assign(multi, socket, watch);
  return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data,
                     void *assigned) {
  watch_t *watch = assigned;
  int events = 0;

  (void)easy;
  (void)data;
  if (what == CURL_POLL_REMOVE) {
    if (watch != NULL)
      uv_close((uv_handle_t *)&watch->poll, on_closed);
    curl_multi_assign(multi, socket, NULL);
    return 0;
  }
  if (watch == NULL)
    watch = watch_socket(socket);
  if (what != CURL_POLL_OUT)
    events |= UV_READABLE;
  if (what != CURL_POLL_IN)
    events |= UV_WRITABLE;
  uv_poll_start(&watch->poll, events, on_poll);
  return 0;
}

int main(int argc, char **argv) {
  multi = curl_prepare(argc, argv);
  uv_timer_init(uv_default_loop(), &timer);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_start_all(multi);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return 0;
}
