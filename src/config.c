#include "config.h"

#include "call.h"

#define HEAD_BYTES_MIN 256u
#define HEAD_BYTES_MAX (16u * 1024 * 1024)
#define BODY_BYTES_MAX (2u * 1024 * 1024 * 1024)

int pool__sized_read(void *to, size_t to_size, const void *from,
                     size_t from_size) {
  const unsigned char *bytes = from;
  size_t i;

  if (from_size == 0)
    return UV_EINVAL;
  for (i = to_size; i < from_size; i++)
    if (bytes[i] != 0)
      return UV_EINVAL;
  memset(to, 0, to_size);
  memcpy(to, from, from_size < to_size ? from_size : to_size);
  return 0;
}

void pool__sized_write(void *to, size_t to_size, const void *from,
                       size_t from_size) {
  memset(to, 0, to_size);
  memcpy(to, from, from_size < to_size ? from_size : to_size);
}

/* A setting, or its default; whether it is in range. */
static int settle(uint32_t *setting, uint32_t by_default, uint32_t min,
                  uint32_t max) {
  if (*setting == 0)
    *setting = by_default;
  return *setting >= min && *setting <= max;
}

int pool__config_read(pool_config_t *config, const pool_config_t *from,
                      size_t from_size) {
  pool_config_t c;
  int fine;

  memset(&c, 0, sizeof c);
  if (from != NULL && pool__sized_read(&c, sizeof c, from, from_size) != 0)
    return UV_EINVAL;
  fine = settle(&c.max_pending, 1000, 1, POOL__MAX_PENDING) &&
         settle(&c.max_connections, 20, 1, 65535) &&
         settle(&c.max_connecting, 4, 1, UINT32_MAX) &&
         settle(&c.connect_timeout_ms, 1000, 1, POOL_OFF) &&
         settle(&c.timeout_ms, 60000, 1, POOL_OFF) &&
         settle(&c.head_timeout_ms, POOL_OFF, 1, POOL_OFF) &&
         settle(&c.stall_timeout_ms, POOL_OFF, 1, POOL_OFF) &&
         settle(&c.idle_timeout_ms, 4000, 1, POOL_OFF) &&
         settle(&c.max_requests, POOL_OFF, 1, POOL_OFF) &&
         settle(&c.resolution_ms, 10, 1, 1000) &&
         settle(&c.max_head_bytes, 65536, HEAD_BYTES_MIN, HEAD_BYTES_MAX) &&
         settle(&c.max_body_bytes, 16u << 20, 1, BODY_BYTES_MAX) &&
         settle(&c.max_attempts, 3, 1, POOL__MAX_ATTEMPTS) &&
         settle(&c.attempt_timeout_ms, POOL_OFF, 1, POOL_OFF) &&
         settle(&c.retry_delay_ms, 20, 1, 60000) &&
         settle(&c.retry_ratio, 10, 1, 1000) &&
         settle(&c.eject_after, 5, 1, POOL_OFF) &&
         settle(&c.eject_ms, 5000, 1, 300000) &&
         settle(&c.ping_timeout_ms, 1000, 1, 60000) &&
         settle(&c.high_water_bytes, 65536, 1024, 16u << 20) &&
         settle(&c.expect_timeout_ms, 1000, 1, 60000) &&
         settle(&c.min_rate, POOL_OFF, 1, POOL_OFF) &&
         settle(&c.rate_window_ms, 10000, 100, 600000);
  if (!fine || (c.allocator.realloc == NULL) != (c.allocator.free == NULL))
    return UV_EINVAL;
  *config = c;
  return 0;
}
