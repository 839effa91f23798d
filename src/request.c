/* The door in: admission, and what users do with one request. */
#include "config.h"
#include "dispatch.h"
#include "retry_after.h"
#include "settle.h"
#include "text.h"

/* Accepts a request for which there is room. Kept out of the refusal's way. */
static int __attribute__((noinline))
accept_request(pool_t *pool, const pool_request_t *request, pool_done_cb done,
               void *data, pool_call_t *out) {
  uint32_t timeout_ms =
      request->timeout_ms != 0 ? request->timeout_ms : pool->config.timeout_ms;
  pool__call_t *call;
  int err = pool__dispatch_nowhere(pool);

  if (err != 0)
    return err;
  if (request->max_attempts > POOL__MAX_ATTEMPTS)
    return UV_EINVAL;
  err = pool__call_accept(&pool->calls, request, pool->config.max_head_bytes,
                          &call);
  if (err != 0)
    return err;
  call->pool = pool;
  call->done = done;
  call->data = data;
  call->serial = pool->fail_serial;
  call->max_attempts = request->max_attempts != 0 ? request->max_attempts
                                                  : pool->config.max_attempts;
  pool__call_set_deadline(&pool->calls, call, timeout_ms, pool__settle_timer);
  if (out != NULL)
    *out = pool__call_id(call);
  pool__dispatch(pool);
  pool__check(pool);
  return 0;
}

int pool_request_sized(pool_t *pool, const pool_request_t *request, size_t size,
                       pool_done_cb done, void *data, pool_call_t *call) {
  pool_request_t known;

  if (pool == NULL)
    return UV_EINVAL;
  if (pool->state != POOL__OPEN)
    return POOL_ECLOSING;
  if (pool->calls.pending >= pool->calls.max_pending) {
    pool->calls.refused++;
    return POOL_EOVERLOADED;
  }
  if (request == NULL || done == NULL)
    return UV_EINVAL;
  if (size != sizeof known) {
    if (pool__sized_read(&known, sizeof known, request, size) != 0)
      return UV_EINVAL;
    request = &known;
  }
  return accept_request(pool, request, done, data, call);
}

int pool_cancel(pool_t *pool, pool_call_t id) {
  pool__call_t *call;

  if (pool == NULL)
    return UV_EINVAL;
  call = pool__call_find(&pool->calls, id);
  if (call == NULL || call->state == POOL__CALL_ENDED)
    return POOL_EGONE;
  call->cancelled = 1;
  pool__settle_abort(pool, call, UV_ECANCELED);
  pool__dispatch(pool);
  pool__check(pool);
  return 0;
}

int pool_set_max_pending(pool_t *pool, uint32_t max_pending) {
  if (pool == NULL || max_pending == 0 || max_pending > POOL__MAX_PENDING)
    return UV_EINVAL;
  pool->calls.max_pending = max_pending;
  return 0;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int same_name(const char *a, const char *b, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    if (lower(a[i]) != lower(b[i]))
      return 0;
  return 1;
}

const char *pool_result_header(const pool_result_t *result, const char *name) {
  size_t len, i;

  if (result == NULL || name == NULL)
    return NULL;
  len = strlen(name);
  for (i = 0; i < result->header_count; i++) {
    const pool_header_t *header = &result->headers[i];

    if (header->name_len == len && same_name(header->name, name, len))
      return header->value;
  }
  return NULL;
}

int pool_result_retry_after(const pool_result_t *result) {
  const char *value = pool_result_header(result, "Retry-After");
  int32_t ms;

  if (value == NULL)
    return POOL_BACKOFF;
  ms = pool__retry_after_ms(value, pool_result_header(result, "Date"));
  if (ms < 0)
    return POOL_BACKOFF;
  return ms > 0 ? ms : 1; /* 0 would be POOL_KEEP */
}

int pool_set_weight(pool_t *pool, const char *address, uint32_t weight) {
  pool__endpoint_t *endpoint;
  int err;

  if (pool == NULL || address == NULL || weight == 0 || weight > 1000)
    return UV_EINVAL;
  err = pool__endpoint_find(&pool->endpoints, address, &endpoint);
  if (err == 0)
    endpoint->weight = weight;
  return err;
}
