#include "unit_test.h"

#include "slab.h"

#define MANY 1000u

typedef struct {
  unit_mem_t unit;
  pool__mem_t mem;
  pool__slab_t slab;
} fixture_t;

static void begin(fixture_t *f, size_t slot_size) {
  unit_mem_init(&f->unit, &f->mem);
  pool__slab_init(&f->slab, &f->mem, slot_size);
}

static void end(fixture_t *f) {
  pool__slab_clear(&f->slab);
  assert_int_equal(pool__slab_size(&f->slab), 0);
  unit_mem_check(&f->unit, &f->mem);
}

static void slots_never_move_and_are_found_by_number(void **state) {
  static const size_t sizes[] = {1, 7, 16, 24, 100};
  static void *slots[MANY];
  size_t k;

  (void)state;
  for (k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
    fixture_t f;
    uint32_t i, index;

    begin(&f, sizes[k]);
    for (i = 0; i < MANY; i++) {
      slots[i] = pool__slab_take(&f.slab, &index);
      assert_non_null(slots[i]);
      assert_int_equal(index, i);
      assert_int_equal((uintptr_t)slots[i] % _Alignof(max_align_t), 0);
      memset(slots[i], (int)(i % 251), sizes[k]);
    }
    for (i = 0; i < MANY; i++) {
      unsigned char *bytes = pool__slab_at(&f.slab, i);

      assert_ptr_equal(bytes, slots[i]);
      assert_int_equal(bytes[0], i % 251);
      assert_int_equal(bytes[sizes[k] - 1], i % 251);
    }
    end(&f);
  }
}

static void a_new_slot_is_zeroed_and_a_used_one_keeps_its_bytes(void **state) {
  fixture_t f;
  uint32_t i, index;

  (void)state;
  begin(&f, 4);
  for (i = 0; i < 3 * POOL__SLAB_BLOCK; i++)
    assert_memory_equal(pool__slab_take(&f.slab, &index), "\0\0\0\0", 4);
  memcpy(pool__slab_at(&f.slab, 40), "abc", 4);
  pool__slab_give(&f.slab, 40);
  assert_string_equal(pool__slab_at(&f.slab, 40), "abc");
  assert_string_equal(pool__slab_take(&f.slab, &index), "abc");
  assert_int_equal(index, 40);
  end(&f);
}

static void the_slot_given_last_is_taken_first(void **state) {
  fixture_t f;
  uint32_t i, index;

  (void)state;
  begin(&f, 8);
  for (i = 0; i < 10; i++)
    pool__slab_take(&f.slab, &index);
  pool__slab_give(&f.slab, 3);
  pool__slab_give(&f.slab, 7);
  pool__slab_give(&f.slab, 5);
  pool__slab_take(&f.slab, &index);
  assert_int_equal(index, 5);
  pool__slab_take(&f.slab, &index);
  assert_int_equal(index, 7);
  pool__slab_take(&f.slab, &index);
  assert_int_equal(index, 3);
  pool__slab_take(&f.slab, &index);
  assert_int_equal(index, 10);
  end(&f);
}

static void a_number_that_never_was_is_nothing(void **state) {
  fixture_t f;
  uint32_t index;

  (void)state;
  begin(&f, 8);
  assert_null(pool__slab_at(&f.slab, 0));
  assert_int_equal(pool__slab_size(&f.slab), 0);
  pool__slab_take(&f.slab, &index);
  assert_int_equal(pool__slab_size(&f.slab), POOL__SLAB_BLOCK);
  assert_non_null(pool__slab_at(&f.slab, POOL__SLAB_BLOCK - 1));
  assert_null(pool__slab_at(&f.slab, POOL__SLAB_BLOCK));
  assert_null(pool__slab_at(&f.slab, POOL__SLAB_NONE));
  end(&f);
}

static void without_memory_there_is_no_slot_but_later(void **state) {
  uint64_t n;

  (void)state;
  for (n = 1; n < 20; n++) {
    fixture_t f;
    uint32_t i, index;
    uint32_t failed = 0;

    begin(&f, 40);
    f.unit.fail_at = n;
    for (i = 0; i < MANY; i++)
      failed += pool__slab_take(&f.slab, &index) == NULL;
    assert_int_equal(failed, f.unit.calls >= n ? 1 : 0);
    for (i = 0; i < MANY - failed; i++)
      memset(pool__slab_at(&f.slab, i), 1, 40);
    end(&f);
  }
}

static void no_slot_is_taken_twice(void **state) {
  static unsigned char taken[4 * MANY];
  static uint32_t held[MANY];
  uint32_t count = 0, index, round;
  uint64_t seed = 1;
  fixture_t f;

  (void)state;
  memset(taken, 0, sizeof taken);
  begin(&f, 8);
  for (round = 0; round < 20000; round++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    if ((seed >> 60 < 8 && count < MANY) || count == 0) {
      assert_non_null(pool__slab_take(&f.slab, &index));
      assert_true(index < MANY + POOL__SLAB_BLOCK);
      assert_false(taken[index]);
      taken[index] = 1;
      held[count++] = index;
    } else {
      uint32_t i = (uint32_t)(seed >> 33) % count;

      pool__slab_give(&f.slab, held[i]);
      taken[held[i]] = 0;
      held[i] = held[--count];
    }
  }
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(slots_never_move_and_are_found_by_number),
      cmocka_unit_test(a_new_slot_is_zeroed_and_a_used_one_keeps_its_bytes),
      cmocka_unit_test(the_slot_given_last_is_taken_first),
      cmocka_unit_test(a_number_that_never_was_is_nothing),
      cmocka_unit_test(without_memory_there_is_no_slot_but_later),
      cmocka_unit_test(no_slot_is_taken_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
