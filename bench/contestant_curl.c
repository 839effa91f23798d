/* libcurl's multi interface on libuv, with curl_multi_socket_action(); a handle
 * for each request, those that have served are used again. */
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "common.h"

typedef struct transfer_s {
  CURL *easy;
  void *request;
  struct transfer_s *next; /* while it is not used */
} transfer_t;

static uv_loop_t *loop;
static uv_timer_t timer;
static CURLM *multi;
static char url[64];
static unsigned timeout_ms;
static transfer_t *unused;

static void must(const char *what, CURLMcode code) {
  if (code != CURLM_OK)
    bench_fail(what, curl_multi_strerror(code));
}

/* --- handles ---------------------------------------------------------------
 */

static size_t ignore(char *bytes, size_t size, size_t n, void *data) {
  (void)bytes;
  (void)data;
  return size * n;
}

static transfer_t *make_transfer(void) {
  transfer_t *transfer = malloc(sizeof *transfer);
  CURL *easy = curl_easy_init();

  if (transfer == NULL || easy == NULL)
    bench_fail("handle", "no memory");
  transfer->easy = easy;
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
  return transfer;
}

void contestant_get(void *request) {
  transfer_t *transfer = unused;

  if (transfer == NULL)
    transfer = make_transfer();
  else
    unused = transfer->next;
  transfer->request = request;
  must("add", curl_multi_add_handle(multi, transfer->easy));
}

static void conclude(CURL *easy, CURLcode code) {
  transfer_t *transfer;
  void *request;
  long status = 0;

  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  must("remove", curl_multi_remove_handle(multi, easy));
  request = transfer->request;
  transfer->next = unused;
  unused = transfer;
  contestant_done(request, (int)status,
                  code == CURLE_OK ? NULL : curl_easy_strerror(code));
}

/* --- on the loop -----------------------------------------------------------
 */

static void act(curl_socket_t fd, int events) {
  CURLMsg *message;
  int left;

  must("action", curl_multi_socket_action(multi, fd, events, &left));
  while ((message = curl_multi_info_read(multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE)
      conclude(message->easy_handle, message->data.result);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  int flags = 0;
  uv_os_fd_t fd;

  uv_fileno((uv_handle_t *)poll, &fd);
  if (status < 0)
    flags = CURL_CSELECT_ERR;
  if (events & UV_READABLE)
    flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE)
    flags |= CURL_CSELECT_OUT;
  act(fd, flags);
}

static void on_timer(uv_timer_t *handle) {
  (void)handle;
  act(CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *of, long ms, void *data) {
  (void)of;
  (void)data;
  if (ms < 0)
    uv_timer_stop(&timer);
  else
    uv_timer_start(&timer, on_timer, (uint64_t)ms, 0);
  return 0;
}

static void on_poll_closed(uv_handle_t *handle) {
  free(handle);
}

static void unwatch(uv_poll_t *poll, curl_socket_t fd) {
  if (poll == NULL)
    return;
  uv_poll_stop(poll);
  uv_close((uv_handle_t *)poll, on_poll_closed);
  must("assign", curl_multi_assign(multi, fd, NULL));
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *data,
                 void *assigned) {
  uv_poll_t *poll = assigned;
  int events = 0;

  (void)easy;
  (void)data;
  if (what == CURL_POLL_REMOVE) {
    unwatch(poll, fd);
    return 0;
  }
  if (poll == NULL) {
    poll = malloc(sizeof *poll);
    if (poll == NULL || uv_poll_init_socket(loop, poll, fd) != 0)
      bench_fail("socket", "cannot be watched");
    must("assign", curl_multi_assign(multi, fd, poll));
  }
  if (what != CURL_POLL_OUT)
    events |= UV_READABLE;
  if (what != CURL_POLL_IN)
    events |= UV_WRITABLE;
  uv_poll_start(poll, events, on_poll);
  return 0;
}

/* --- beginning and end -----------------------------------------------------
 */

void contestant_open(uv_loop_t *on, const contestant_settings_t *settings) {
  if (settings->endpoints != 1 || settings->pings || settings->rejects)
    bench_fail("libcurl", "has no pools of endpoints");
  loop = on;
  timeout_ms = settings->timeout_ms;
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", settings->port);
  uv_timer_init(loop, &timer);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  if (multi == NULL)
    bench_fail("multi", "no memory");
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    (long)settings->max_connections);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                    (long)settings->max_connections);
}

/* All handles are unused: nothing is pending. */
void contestant_close(void) {
  while (unused != NULL) {
    transfer_t *transfer = unused;

    unused = transfer->next;
    curl_easy_cleanup(transfer->easy);
    free(transfer);
  }
  must("clean-up", curl_multi_cleanup(multi));
  uv_close((uv_handle_t *)&timer, NULL);
  curl_global_cleanup();
}
