#include "curl.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
  CURL *easy;
  size_t body_len;
  uint64_t sent_ns;
  int has_served;
} transfer_t;

static bench_options_t options;
static bench_run_t run;
static transfer_t *transfers;
static unsigned transfer_count;
static unsigned have_served;

static size_t on_body(char *bytes, size_t size, size_t n, void *data) {
  transfer_t *transfer = data;

  (void)bytes;
  transfer->body_len += size * n;
  return size * n;
}

static void make_transfer(transfer_t *transfer, unsigned endpoint) {
  CURL *easy = transfer->easy = curl_easy_init();
  char host[32], url[512];

  bench_host(endpoint, host, sizeof host);
  snprintf(url, sizeof url, "http://%s:%u%s", host, options.port, options.path);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  if (options.body_len > 0) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, options.body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)options.body_len);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options.method);
}

static void start_transfer(CURLM *multi, transfer_t *transfer) {
  CURLMcode err;

  transfer->body_len = 0;
  transfer->sent_ns = bench_run_sent(&run);
  err = curl_multi_add_handle(multi, transfer->easy);
  if (err != CURLM_OK)
    bench_fail("request", curl_multi_strerror(err));
}

CURLM *curl_prepare(int argc, char **argv) {
  CURLM *multi;
  unsigned i;

  bench_options(&options, argc, argv);
  bench_run_init(&run, &options);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)options.connections);
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    (long)options.connections);
  transfer_count = options.connections + options.waiters;
  transfers = calloc(transfer_count, sizeof *transfers);
  if (transfers == NULL)
    bench_fail("transfers", "no memory");
  for (i = 0; i < transfer_count; i++)
    make_transfer(&transfers[i], i % options.endpoints);
  return multi;
}

/* Every transfer has been answered: so every connection is open. */
static int is_warm(transfer_t *transfer) {
  have_served += !transfer->has_served;
  transfer->has_served = 1;
  return have_served == transfer_count && bench_run_may_begin(&run);
}

static void on_done(CURLM *multi, CURL *easy, CURLcode err) {
  transfer_t *transfer;
  long status;

  if (err != CURLE_OK)
    bench_fail("answer", curl_easy_strerror(err));
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  bench_expect(&options, status, transfer->body_len);
  curl_multi_remove_handle(multi, easy);
  if (is_warm(transfer))
    bench_run_begin(&run);
  if (bench_run_next(&run, transfer->sent_ns))
    start_transfer(multi, transfer);
}

int curl_take_done(CURLM *multi) {
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read(multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE)
      on_done(multi, message->easy_handle, message->data.result);
  return !bench_run_is_over(&run);
}

void curl_start_all(CURLM *multi) {
  unsigned i;

  for (i = 0; i < transfer_count; i++)
    start_transfer(multi, &transfers[i]);
}

void curl_finish(CURLM *multi) {
  unsigned i;

  for (i = 0; i < transfer_count; i++)
    curl_easy_cleanup(transfers[i].easy);
  curl_multi_cleanup(multi);
  curl_global_cleanup();
  free(transfers);
}
