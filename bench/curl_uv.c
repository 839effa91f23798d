#include "curl_uv.h"

#include <stdlib.h>

#include "common.h"

static uv_loop_t *on_loop;
static CURLM *multi;
static uv_timer_t timer;
static void (*tell)(void);

void curl_uv_must(const char *what, CURLMcode code) {
  if (code != CURLM_OK)
    bench_fail(what, curl_multi_strerror(code));
}

static void act(curl_socket_t socket, int flags) {
  int running;

  curl_uv_must("action",
               curl_multi_socket_action(multi, socket, flags, &running));
  if (!uv_is_closing((uv_handle_t *)&timer))
    tell();
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  uv_os_fd_t socket;

  uv_fileno((uv_handle_t *)poll, &socket);
  if (events & UV_READABLE)
    flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE)
    flags |= CURL_CSELECT_OUT;
  act(socket, flags);
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
  free(poll);
}

static uv_poll_t *watch(curl_socket_t socket) {
  uv_poll_t *poll = malloc(sizeof *poll);

  if (poll == NULL || uv_poll_init_socket(on_loop, poll, socket) != 0)
    bench_fail("socket", "cannot be watched");
  curl_uv_must("assign", curl_multi_assign(multi, socket, poll));
  return poll;
}

static void unwatch(uv_poll_t *poll, curl_socket_t socket) {
  if (poll == NULL)
    return;
  uv_close((uv_handle_t *)poll, on_closed);
  curl_uv_must("assign", curl_multi_assign(multi, socket, NULL));
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data,
                     void *assigned) {
  uv_poll_t *poll = assigned;
  int events = 0;

  (void)easy;
  (void)data;
  if (what == CURL_POLL_REMOVE) {
    unwatch(poll, socket);
    return 0;
  }
  if (poll == NULL)
    poll = watch(socket);
  if (what != CURL_POLL_OUT)
    events |= UV_READABLE;
  if (what != CURL_POLL_IN)
    events |= UV_WRITABLE;
  uv_poll_start(poll, events, on_poll);
  return 0;
}

void curl_uv_begin(uv_loop_t *loop, CURLM *of, void (*on_act)(void)) {
  on_loop = loop;
  multi = of;
  tell = on_act;
  uv_timer_init(loop, &timer);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
}

void curl_uv_end(void) {
  uv_close((uv_handle_t *)&timer, NULL);
}
