#include "unit_test.h"

#include "buf.h"

typedef struct {
  unit_mem_t unit;
  pool__mem_t mem;
  pool__buf_t buf;
} fixture_t;

static void begin(fixture_t *f, size_t max) {
  unit_mem_init(&f->unit, &f->mem);
  pool__buf_init(&f->buf, &f->mem, max);
}

static void end(fixture_t *f) {
  pool__buf_clear(&f->buf);
  unit_mem_check(&f->unit, &f->mem);
}

static void bytes_are_put_behind_each_other(void **state) {
  fixture_t f;
  char expected[3001] = {0};
  size_t i;

  (void)state;
  begin(&f, 3000);
  for (i = 0; i < 1000; i++) {
    assert_int_equal(pool__buf_append(&f.buf, "abc", 3), 0);
    memcpy(expected + 3 * i, "abc", 3);
    assert_true(f.buf.room > f.buf.len);
    f.buf.bytes[f.buf.len] = '\0';
  }
  assert_string_equal(f.buf.bytes, expected);
  assert_true(f.unit.calls < 10);
  end(&f);
}

static void the_maximum_is_reached_and_not_passed(void **state) {
  static const size_t maxima[] = {1, 2, 255, 256, 257, 1000};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
    fixture_t f;
    size_t n;

    begin(&f, maxima[i]);
    for (n = 0; n < maxima[i]; n++)
      assert_int_equal(pool__buf_append(&f.buf, "x", 1), 0);
    assert_true(f.buf.room == maxima[i] + 1);
    assert_int_equal(pool__buf_append(&f.buf, "x", 1), UV_ENOBUFS);
    assert_int_equal(pool__buf_reserve(&f.buf, SIZE_MAX), UV_ENOBUFS);
    assert_int_equal(pool__buf_append(&f.buf, "", 0), 0);
    assert_int_equal(f.buf.len, maxima[i]);
    pool__buf_reset(&f.buf, 0);
    assert_int_equal(pool__buf_reserve(&f.buf, maxima[i] + 1), UV_ENOBUFS);
    assert_int_equal(pool__buf_reserve(&f.buf, maxima[i]), 0);
    end(&f);
  }
}

static void a_maximum_of_0_holds_nothing_but_a_nul(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 0);
  assert_int_equal(pool__buf_append(&f.buf, "x", 1), UV_ENOBUFS);
  assert_int_equal(pool__buf_append(&f.buf, "", 0), 0);
  assert_int_equal(f.buf.room, 1);
  end(&f);
}

static void without_memory_the_buf_is_as_before(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 100000);
  f.unit.fail_at = 1;
  assert_int_equal(pool__buf_append(&f.buf, "abc", 3), UV_ENOMEM);
  assert_int_equal(f.buf.len, 0);
  assert_null(f.buf.bytes);
  assert_int_equal(pool__buf_append(&f.buf, "abc", 3), 0);
  f.unit.fail_at = 3;
  assert_int_equal(pool__buf_reserve(&f.buf, 50000), UV_ENOMEM);
  assert_int_equal(f.buf.len, 3);
  assert_memory_equal(f.buf.bytes, "abc", 3);
  assert_int_equal(pool__buf_reserve(&f.buf, 50000), 0);
  assert_memory_equal(f.buf.bytes, "abc", 3);
  end(&f);
}

static void reset_keeps_so_much_memory(void **state) {
  fixture_t f;
  char *bytes;

  (void)state;
  begin(&f, 100000);
  assert_int_equal(pool__buf_append(&f.buf, "abc", 3), 0);
  bytes = f.buf.bytes;
  pool__buf_reset(&f.buf, f.buf.room);
  assert_int_equal(f.buf.len, 0);
  assert_ptr_equal(f.buf.bytes, bytes);
  pool__buf_reset(&f.buf, f.buf.room - 1);
  assert_null(f.buf.bytes);
  assert_int_equal(f.mem.bytes, 0);
  assert_int_equal(pool__buf_append(&f.buf, "abc", 3), 0);
  pool__buf_clear(&f.buf);
  assert_int_equal(f.mem.bytes, 0);
  assert_int_equal(pool__buf_append(&f.buf, "def", 3), 0);
  assert_memory_equal(f.buf.bytes, "def", 3);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_are_put_behind_each_other),
      cmocka_unit_test(the_maximum_is_reached_and_not_passed),
      cmocka_unit_test(a_maximum_of_0_holds_nothing_but_a_nul),
      cmocka_unit_test(without_memory_the_buf_is_as_before),
      cmocka_unit_test(reset_keeps_so_much_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
