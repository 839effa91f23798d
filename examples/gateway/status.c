/* The status page: how near to the limit the pool is, in lines of "name value".
 */
#include <stdio.h>

#include "gateway.h"

size_t status_write(const server_t *server, char *text, size_t size) {
  pool_stats_t s;
  int n;

  pool_stats(server->pool, &s);
  n = snprintf(text, size,
               "clients %u\nrequests %llu\nanswers_2xx %llu\nanswers_3xx %llu\n"
               "answers_4xx %llu\nanswers_5xx %llu\nrefused %llu\n"
               "pool_pending %u\npool_max_pending %u\npool_peak_pending %u\n"
               "pool_active %u\npool_waiting %u\npool_idle %u\n"
               "pool_connecting %u\npool_endpoints %u\npool_out %u\n"
               "pool_succeeded %llu\npool_failed %llu\npool_retries %llu\n",
               server->client_count, (unsigned long long)server->requests,
               (unsigned long long)server->answers[2],
               (unsigned long long)server->answers[3],
               (unsigned long long)server->answers[4],
               (unsigned long long)server->answers[5],
               (unsigned long long)server->refused, s.pending, s.max_pending,
               s.peak_pending, s.active, s.waiting, s.idle, s.connecting,
               s.endpoints, s.out, (unsigned long long)s.succeeded,
               (unsigned long long)s.failed, (unsigned long long)s.retries);
  return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
