#include "unit_test.h"

#include <stdlib.h>

#include "config.h"

#define FIELD(name) offsetof(pool_config_t, name)

/* The ranges and defaults that the public header promises. */
static const struct {
  const char *name;
  size_t at;
  uint32_t by_default, min, max;
} fields[] = {
    {"max_pending", FIELD(max_pending), 1000, 1, 16777216},
    {"max_connections", FIELD(max_connections), 20, 1, 65535},
    {"max_connecting", FIELD(max_connecting), 4, 1, POOL_OFF},
    {"connect_timeout_ms", FIELD(connect_timeout_ms), 1000, 1, POOL_OFF},
    {"timeout_ms", FIELD(timeout_ms), 60000, 1, POOL_OFF},
    {"head_timeout_ms", FIELD(head_timeout_ms), POOL_OFF, 1, POOL_OFF},
    {"stall_timeout_ms", FIELD(stall_timeout_ms), POOL_OFF, 1, POOL_OFF},
    {"idle_timeout_ms", FIELD(idle_timeout_ms), 4000, 1, POOL_OFF},
    {"max_requests", FIELD(max_requests), POOL_OFF, 1, POOL_OFF},
    {"resolution_ms", FIELD(resolution_ms), 10, 1, 1000},
    {"max_head_bytes", FIELD(max_head_bytes), 65536, 256, 16777216},
    {"max_body_bytes", FIELD(max_body_bytes), 16777216, 1, 2147483648u},
    {"max_attempts", FIELD(max_attempts), 3, 1, 100},
    {"attempt_timeout_ms", FIELD(attempt_timeout_ms), POOL_OFF, 1, POOL_OFF},
    {"retry_delay_ms", FIELD(retry_delay_ms), 20, 1, 60000},
    {"retry_ratio", FIELD(retry_ratio), 10, 1, 1000},
    {"eject_after", FIELD(eject_after), 5, 1, POOL_OFF},
    {"eject_ms", FIELD(eject_ms), 5000, 1, 300000},
    {"ping_timeout_ms", FIELD(ping_timeout_ms), 1000, 1, 60000},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static uint32_t get(const pool_config_t *config, size_t i) {
  uint32_t value;

  memcpy(&value, (const char *)config + fields[i].at, sizeof value);
  return value;
}

static int read_with(size_t i, uint32_t value, uint32_t *result) {
  pool_config_t from, config;
  int err;

  memset(&from, 0, sizeof from);
  memset(&config, 0xa5, sizeof config);
  memcpy((char *)&from + fields[i].at, &value, sizeof value);
  err = pool__config_read(&config, &from, sizeof from);
  *result = get(&config, i);
  return err;
}

static void expect_defaults(const pool_config_t *config) {
  size_t i;

  for (i = 0; i < FIELDS; i++)
    if (get(config, i) != fields[i].by_default)
      fail_msg("%s: %u", fields[i].name, get(config, i));
  assert_true(config->on_event == NULL && config->data == NULL);
  assert_true(config->allocator.realloc == NULL &&
              config->allocator.free == NULL);
}

static void zeroes_and_nothing_are_the_defaults(void **state) {
  pool_config_t from, config;

  (void)state;
  memset(&from, 0, sizeof from);
  memset(&config, 0xa5, sizeof config);
  assert_int_equal(pool__config_read(&config, &from, sizeof from), 0);
  expect_defaults(&config);
  memset(&config, 0xa5, sizeof config);
  assert_int_equal(pool__config_read(&config, NULL, sizeof from), 0);
  expect_defaults(&config);
}

static void every_setting_is_taken_in_its_range_only(void **state) {
  uint32_t value;
  size_t i;

  (void)state;
  for (i = 0; i < FIELDS; i++) {
    assert_int_equal(read_with(i, fields[i].min, &value), 0);
    assert_true(value == fields[i].min);
    assert_int_equal(read_with(i, fields[i].max, &value), 0);
    assert_true(value == fields[i].max);
    if (fields[i].max != POOL_OFF) {
      assert_int_equal(read_with(i, fields[i].max + 1, &value), UV_EINVAL);
      assert_int_equal(read_with(i, POOL_OFF, &value), UV_EINVAL);
      assert_true(value == 0xa5a5a5a5u); /* nothing is written on failure */
    }
    if (fields[i].min > 1) {
      assert_int_equal(read_with(i, fields[i].min - 1, &value), UV_EINVAL);
      assert_int_equal(read_with(i, 1, &value), UV_EINVAL);
    }
  }
}

static void *some_realloc(void *ctx, void *memory, size_t size) {
  (void)ctx;
  return realloc(memory, size);
}

static void some_free(void *ctx, void *memory) {
  (void)ctx;
  free(memory);
}

static void an_allocator_has_both_functions_or_none(void **state) {
  pool_config_t from, config;

  (void)state;
  memset(&from, 0, sizeof from);
  from.allocator.realloc = some_realloc;
  assert_int_equal(pool__config_read(&config, &from, sizeof from), UV_EINVAL);
  from.allocator.free = some_free;
  from.allocator.ctx = &from;
  assert_int_equal(pool__config_read(&config, &from, sizeof from), 0);
  assert_ptr_equal(config.allocator.ctx, &from);
  from.allocator.realloc = NULL;
  assert_int_equal(pool__config_read(&config, &from, sizeof from), UV_EINVAL);
}

static void an_older_callers_config_gets_defaults_behind_it(void **state) {
  pool_config_t from, config;

  (void)state;
  memset(&from, 0xa5, sizeof from); /* not to be read behind its size */
  from.max_pending = 7;
  assert_int_equal(pool__config_read(&config, &from, sizeof from.max_pending),
                   0);
  assert_int_equal(config.max_pending, 7);
  config.max_pending = 1000;
  expect_defaults(&config);
}

static void a_newer_callers_config_is_taken_if_we_miss_nothing(void **state) {
  struct {
    pool_config_t config;
    uint64_t more[2];
  } from;
  pool_config_t config;

  (void)state;
  memset(&from, 0, sizeof from);
  from.config.max_pending = 7;
  assert_int_equal(pool__config_read(&config, &from.config, sizeof from), 0);
  assert_int_equal(config.max_pending, 7);
  ((char *)&from)[sizeof from - 1] = 1;
  assert_int_equal(pool__config_read(&config, &from.config, sizeof from),
                   UV_EINVAL);
  assert_int_equal(pool__config_read(&config, &from.config, sizeof from - 1),
                   0);
  assert_int_equal(pool__config_read(&config, &from.config, 0), UV_EINVAL);
}

static void structs_are_read_up_to_the_smaller_size(void **state) {
  static const char from[] = "abcdefgh\0\0\1";
  char to[8];

  (void)state;
  assert_int_equal(pool__sized_read(to, 8, from, 3), 0);
  assert_memory_equal(to, "abc\0\0\0\0\0", 8);
  assert_int_equal(pool__sized_read(to, 8, from, 8), 0);
  assert_memory_equal(to, "abcdefgh", 8);
  assert_int_equal(pool__sized_read(to, 8, from, 10), 0);
  assert_memory_equal(to, "abcdefgh", 8);
  memset(to, 'x', 8);
  assert_int_equal(pool__sized_read(to, 8, from, 11), UV_EINVAL);
  assert_int_equal(pool__sized_read(to, 8, from, 0), UV_EINVAL);
  assert_memory_equal(to, "xxxxxxxx", 8);
}

static void structs_are_written_up_to_the_smaller_size(void **state) {
  char to[12];

  (void)state;
  memset(to, 'x', sizeof to);
  pool__sized_write(to, 3, "abcdefgh", 8);
  assert_memory_equal(to, "abcxxxxxxxxx", 12);
  pool__sized_write(to, 11, "abcdefgh", 8);
  assert_memory_equal(to, "abcdefgh\0\0\0x", 12);
  memset(to, 'x', sizeof to);
  pool__sized_write(to, 0, "abcdefgh", 8);
  assert_memory_equal(to, "xxxxxxxxxxxx", 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(zeroes_and_nothing_are_the_defaults),
      cmocka_unit_test(every_setting_is_taken_in_its_range_only),
      cmocka_unit_test(an_allocator_has_both_functions_or_none),
      cmocka_unit_test(an_older_callers_config_gets_defaults_behind_it),
      cmocka_unit_test(a_newer_callers_config_is_taken_if_we_miss_nothing),
      cmocka_unit_test(structs_are_read_up_to_the_smaller_size),
      cmocka_unit_test(structs_are_written_up_to_the_smaller_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
