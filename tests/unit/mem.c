#include "unit_test.h"

static void what_is_taken_is_zeroed_and_counted(void **state) {
  pool__mem_t mem;
  unit_mem_t unit;
  char zeroes[60] = {0};
  void *memory;

  (void)state;
  unit_mem_init(&unit, &mem);
  memory = pool__mem_take(&mem, 6, 10);
  assert_memory_equal(memory, zeroes, 60);
  assert_int_equal(mem.bytes, 60);
  assert_int_equal(unit.bytes, 60);
  pool__mem_give(&mem, memory, 60);
  unit_mem_check(&unit, &mem);
}

static void a_size_that_overflows_is_no_memory(void **state) {
  pool__mem_t mem;
  unit_mem_t unit;

  (void)state;
  unit_mem_init(&unit, &mem);
  assert_null(pool__mem_take(&mem, SIZE_MAX / 2 + 1, 2));
  assert_null(pool__mem_take(&mem, 2, SIZE_MAX / 2 + 1));
  assert_null(pool__mem_take(&mem, SIZE_MAX, SIZE_MAX));
  assert_int_equal(unit.calls, 0);
  unit_mem_check(&unit, &mem);
}

static void a_resized_block_keeps_its_bytes(void **state) {
  pool__mem_t mem;
  unit_mem_t unit;
  char *memory;

  (void)state;
  unit_mem_init(&unit, &mem);
  memory = pool__mem_resize(&mem, NULL, 0, 4);
  memcpy(memory, "abc", 4);
  memory = pool__mem_resize(&mem, memory, 4, 400);
  assert_string_equal(memory, "abc");
  assert_int_equal(mem.bytes, 400);
  memory = pool__mem_resize(&mem, memory, 400, 3);
  assert_memory_equal(memory, "abc", 3);
  assert_int_equal(mem.bytes, 3);
  pool__mem_give(&mem, memory, 3);
  unit_mem_check(&unit, &mem);
}

static void without_memory_nothing_changes(void **state) {
  pool__mem_t mem;
  unit_mem_t unit;
  char *memory;

  (void)state;
  unit_mem_init(&unit, &mem);
  memory = pool__mem_text(&mem, "abc");
  unit.fail_at = 2;
  assert_null(pool__mem_resize(&mem, memory, 4, 400));
  assert_string_equal(memory, "abc");
  assert_int_equal(mem.bytes, 4);
  unit.fail_at = 3;
  assert_null(pool__mem_take(&mem, 1, 1));
  unit.fail_at = 4;
  assert_null(pool__mem_text(&mem, "x"));
  assert_int_equal(mem.bytes, 4);
  pool__mem_give(&mem, memory, 4);
  pool__mem_give(&mem, NULL, 7);
  unit_mem_check(&unit, &mem);
}

static void without_an_allocator_it_is_malloc(void **state) {
  pool_allocator_t none;
  pool__mem_t mem;
  char *memory;

  (void)state;
  memset(&none, 0, sizeof none);
  pool__mem_init(&mem, &none);
  memory = pool__mem_text(&mem, "");
  assert_string_equal(memory, "");
  assert_int_equal(mem.bytes, 1);
  memory = pool__mem_resize(&mem, memory, 1, 100);
  assert_string_equal(memory, "");
  pool__mem_give(&mem, memory, 100);
  assert_int_equal(mem.bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_taken_is_zeroed_and_counted),
      cmocka_unit_test(a_size_that_overflows_is_no_memory),
      cmocka_unit_test(a_resized_block_keeps_its_bytes),
      cmocka_unit_test(without_memory_nothing_changes),
      cmocka_unit_test(without_an_allocator_it_is_malloc),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
