#include "unit_test.h"

#include "ring.h"
#include "unit_mem.h"

#define ROOM 10u

static void read_all(const pool__ring_t *ring, size_t skip, char *out) {
  uv_buf_t pieces[2];
  unsigned count = pool__ring_pieces(ring, skip, pieces);
  unsigned i;

  *out = '\0';
  for (i = 0; i < count; i++) {
    assert_true(pieces[i].len > 0);
    strncat(out, pieces[i].base, pieces[i].len);
  }
}

static void what_goes_in_comes_out(void **state) {
  pool__ring_t ring;
  pool__mem_t mem;
  unit_mem_t unit;
  char in[ROOM + 1], out[ROOM + 1], model[2 * ROOM + 1] = "";
  uint32_t random = 1, round;

  (void)state;
  unit_mem_init(&unit, &mem);
  pool__ring_init(&ring, &mem, ROOM);
  assert_int_equal(mem.bytes, 0);
  assert_int_equal(pool__ring_ready(&ring), 0);
  assert_int_equal(mem.bytes, ROOM);
  for (round = 0; round < 10000; round++) {
    size_t len, i, skip;

    random = random * 1103515245 + 12345;
    len = (random >> 16) % (ROOM - ring.len + 1);
    for (i = 0; i < len; i++)
      in[i] = (char)('a' + (round + i) % 26);
    in[len] = '\0';
    pool__ring_put(&ring, in, len);
    strcat(model, in);
    assert_int_equal(ring.len, strlen(model));
    skip = (random >> 20) % (ring.len + 1);
    read_all(&ring, skip, out);
    assert_string_equal(out, model + skip);
    pool__ring_drop(&ring, skip);
    memmove(model, model + skip, strlen(model + skip) + 1);
  }
  pool__ring_clear(&ring);
  unit_mem_check(&unit, &mem);
}

static void without_memory_it_is_not_ready(void **state) {
  pool__ring_t ring;
  pool__mem_t mem;
  unit_mem_t unit;

  (void)state;
  unit_mem_init(&unit, &mem);
  pool__ring_init(&ring, &mem, ROOM);
  unit.fail_at = unit.calls + 1;
  assert_int_equal(pool__ring_ready(&ring), UV_ENOMEM);
  pool__ring_clear(&ring);
  unit_mem_check(&unit, &mem);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_goes_in_comes_out),
      cmocka_unit_test(without_memory_it_is_not_ready),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
