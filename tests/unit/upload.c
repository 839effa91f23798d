#include "unit_test.h"

#include "unit_mem.h"
#include "upload.h"

#define HIGH 100u

typedef struct {
  pool__mem_t mem;
  unit_mem_t unit;
  pool__upload_t upload;
  char sent[4096];
} fixture_t;

static void begin(fixture_t *f, uint64_t length) {
  memset(f, 0, sizeof *f);
  unit_mem_init(&f->unit, &f->mem);
  pool__upload_init(&f->upload, &f->mem, HIGH);
  pool__upload_begin(&f->upload, length);
}

static void end(fixture_t *f) {
  pool__upload_clear(&f->upload);
  unit_mem_check(&f->unit, &f->mem);
}

static int put(fixture_t *f, const char *text) {
  return pool__upload_put(&f->upload, text, strlen(text));
}

/* Sends what there is; how many bytes. */
static size_t fly(fixture_t *f) {
  uv_buf_t pieces[POOL__UPLOAD_PIECES];
  unsigned count = pool__upload_send(&f->upload, pieces);
  size_t sum = 0;
  unsigned i;

  for (i = 0; i < count; i++) {
    strncat(f->sent, pieces[i].base, pieces[i].len);
    sum += pieces[i].len;
  }
  return sum;
}

static void chunks_are_framed(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, POOL__UPLOAD_UNKNOWN);
  assert_true(pool__upload_is_idle(&f.upload));
  assert_int_equal(put(&f, ""), 0);
  assert_int_equal(put(&f, "hello"), 0);
  assert_false(pool__upload_is_idle(&f.upload));
  assert_int_equal(fly(&f), 10);
  assert_int_equal(put(&f, "0123456789abcdef"), 0); /* meanwhile */
  pool__upload_landed(&f.upload);
  assert_int_equal(pool__upload_end(&f.upload), 0);
  assert_false(pool__upload_is_over(&f.upload));
  fly(&f);
  pool__upload_landed(&f.upload);
  assert_true(pool__upload_is_over(&f.upload));
  assert_string_equal(f.sent,
                      "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
  end(&f);
}

static void a_length_is_kept(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 5);
  assert_int_equal(put(&f, "hel"), 0);
  assert_int_equal(pool__upload_end(&f.upload), POOL_ELENGTH);
  assert_int_equal(put(&f, "lo!"), POOL_ELENGTH);
  assert_int_equal(put(&f, "lo"), 0);
  assert_int_equal(put(&f, "!"), POOL_ELENGTH);
  assert_int_equal(pool__upload_end(&f.upload), 0);
  assert_int_equal(fly(&f), 5);
  assert_string_equal(f.sent, "hello");
  end(&f);
}

/* Whatever the framing adds: a piece as large as the mark fits into an empty
 * buffer, and there is always room for the last chunk. */
static void the_mark_is_a_bound(void **state) {
  char piece[HIGH + 2] = "";
  fixture_t f;
  size_t len;
  int n;

  (void)state;
  for (len = 1; len <= HIGH; len++) {
    begin(&f, POOL__UPLOAD_UNKNOWN);
    memset(piece, 'x', len);
    piece[len] = '\0';
    for (n = 0; put(&f, piece) == 0; n++)
      assert_true(f.upload.ring.len <= HIGH + 12);
    assert_true(n > 0);
    assert_true(f.upload.was_full);
    assert_int_equal(pool__upload_end(&f.upload), 0);
    end(&f);
  }
  begin(&f, POOL__UPLOAD_UNKNOWN);
  piece[HIGH] = 'x';
  piece[HIGH + 1] = '\0';
  assert_int_equal(put(&f, piece), UV_EINVAL);
  end(&f);
}

static void it_drains_once_below_the_half(void **state) {
  char piece[41];
  fixture_t f;

  (void)state;
  memset(piece, 'x', 40);
  piece[40] = '\0';
  begin(&f, 1000);
  assert_int_equal(put(&f, piece), 0);
  assert_false(pool__upload_has_drained(&f.upload)); /* nobody waits */
  fly(&f);
  assert_int_equal(put(&f, piece), 0);
  assert_int_equal(put(&f, piece), UV_EAGAIN);
  assert_false(pool__upload_has_drained(&f.upload));
  pool__upload_landed(&f.upload);
  assert_true(pool__upload_has_drained(&f.upload));
  assert_false(pool__upload_has_drained(&f.upload));
  end(&f);
}

/* Neither earlier nor later. */
static void the_half_is_enough(void **state) {
  char half[HIGH / 2 + 2];
  unsigned more;
  fixture_t f;

  (void)state;
  for (more = 0; more <= 1; more++) {
    memset(half, 'x', sizeof half);
    begin(&f, 1000);
    half[HIGH / 2 - more] = '\0';
    assert_int_equal(put(&f, half), 0);
    fly(&f);
    half[HIGH / 2 - more] = 'x';
    half[HIGH / 2 + more] = '\0';
    assert_int_equal(put(&f, half), 0);
    assert_int_equal(put(&f, half), UV_EAGAIN);
    pool__upload_landed(&f.upload);
    assert_int_equal(f.upload.ring.len, HIGH / 2 + more);
    assert_int_equal(pool__upload_has_drained(&f.upload), more == 0);
    end(&f);
  }
}

static void what_is_held_is_not_sent(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 0);
  pool__upload_begin_whole(&f.upload, "hello", 5);
  f.upload.held = 1;
  assert_int_equal(fly(&f), 0);
  assert_false(f.upload.begun);
  assert_true(pool__upload_is_idle(&f.upload));
  pool__upload_landed(&f.upload); /* what was before it */
  assert_false(pool__upload_is_over(&f.upload));
  f.upload.held = 0;
  assert_int_equal(fly(&f), 5);
  pool__upload_landed(&f.upload);
  assert_true(pool__upload_is_over(&f.upload));
  assert_true(pool__upload_can_rewind(&f.upload));
  pool__upload_rewind(&f.upload);
  assert_int_equal(fly(&f), 5);
  end(&f);
}

static void pieces_that_are_gone_are_gone(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 10);
  assert_int_equal(put(&f, "hello"), 0);
  assert_true(pool__upload_can_rewind(&f.upload));
  fly(&f);
  assert_false(pool__upload_can_rewind(&f.upload));
  pool__upload_rewind(&f.upload); /* not one byte had left */
  assert_int_equal(fly(&f), 5);
  pool__upload_landed(&f.upload);
  assert_false(pool__upload_can_rewind(&f.upload));
  end(&f);
}

static void without_memory_nothing_is_taken(void **state) {
  fixture_t f;

  (void)state;
  begin(&f, 10);
  f.unit.fail_at = f.unit.calls + 1;
  assert_int_equal(put(&f, "hello"), UV_ENOMEM);
  assert_int_equal(f.upload.left, 10);
  end(&f);
  begin(&f, POOL__UPLOAD_UNKNOWN);
  f.unit.fail_at = f.unit.calls + 1;
  assert_int_equal(pool__upload_end(&f.upload), UV_ENOMEM);
  assert_false(f.upload.ended);
  end(&f);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(chunks_are_framed),
      cmocka_unit_test(a_length_is_kept),
      cmocka_unit_test(the_mark_is_a_bound),
      cmocka_unit_test(it_drains_once_below_the_half),
      cmocka_unit_test(the_half_is_enough),
      cmocka_unit_test(what_is_held_is_not_sent),
      cmocka_unit_test(pieces_that_are_gone_are_gone),
      cmocka_unit_test(without_memory_nothing_is_taken),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
