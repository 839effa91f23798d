/* libcurl's multi interface on libuv, with curl_multi_socket_action(); a handle
 * for each request, those that have served are used again. */
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>

#include "../common.h"
#include "../curl_uv.h"

typedef struct transfer_s {
  CURL *easy;
  void *request;
  struct transfer_s *next; /* while it is not used */
} transfer_t;

static CURLM *multi;
static char url[64];
static unsigned timeout_ms;
static transfer_t *unused;

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
  curl_uv_must("add", curl_multi_add_handle(multi, transfer->easy));
}

static void conclude(CURL *easy, CURLcode code) {
  transfer_t *transfer;
  void *request;
  long status = 0;

  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_uv_must("remove", curl_multi_remove_handle(multi, easy));
  request = transfer->request;
  transfer->next = unused;
  unused = transfer;
  contestant_done(request, (int)status,
                  code == CURLE_OK ? NULL : curl_easy_strerror(code));
}

static void on_act(void) {
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read(multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE)
      conclude(message->easy_handle, message->data.result);
}

/* --- beginning and end -----------------------------------------------------
 */

void contestant_open(uv_loop_t *loop, const contestant_settings_t *settings) {
  if (settings->endpoints != 1 || settings->pings || settings->rejects)
    bench_fail("libcurl", "has no pools of endpoints");
  timeout_ms = settings->timeout_ms;
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", settings->port);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  if (multi == NULL)
    bench_fail("multi", "no memory");
  curl_uv_begin(loop, multi, on_act);
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
  curl_uv_end();
  curl_uv_must("clean-up", curl_multi_cleanup(multi));
  curl_global_cleanup();
}
