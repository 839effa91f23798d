#include "unit_test.h"

#include "guard.h"

#define HEAD                                                                   \
  "HTTP/1.0 404 Not Found\r\nContent-Length: 0012\r\nA: \t b c \r\n"           \
  "Connection: x, keep-alive\r\nEmpty:\r\nKeep-Alive: timeout=7\r\n"           \
  "Transfer-Encoding: Chunked\r\nOne: x \r\nTwo: y\t\r\nThree:z\r\n\r\n"

typedef struct {
  unit_mem_t unit;
  pool__mem_t mem;
  pool__guard_t guard;
} fixture_t;

static void begin(fixture_t *f, int is_trailer) {
  unit_mem_init(&f->unit, &f->mem);
  pool__guard_init(&f->guard, &f->mem);
  pool__guard_reset(&f->guard, is_trailer);
}

static void end(fixture_t *f) {
  pool__guard_clear(&f->guard);
  unit_mem_check(&f->unit, &f->mem);
}

/* Shows the guard `step` bytes more each time, in a block of their own. */
static int64_t scan(pool__guard_t *guard, const char *bytes, size_t len,
                    size_t step) {
  int64_t took = 0;
  size_t seen = 0;

  while (took == 0 && seen < len) {
    char *copy;

    seen = len - seen < step ? len : seen + step;
    copy = malloc(seen);
    assert_non_null(copy);
    memcpy(copy, bytes, seen);
    took = pool__guard_scan(guard, copy, seen);
    memset(copy, 0xdd, seen);
    free(copy);
  }
  return took;
}

static void expect_field(const pool__guard_t *guard, uint32_t i,
                         const char *name, const char *value) {
  const pool_header_t *header = &guard->fields[i].header;

  assert_true(i < guard->field_count);
  assert_string_equal(header->name, name);
  assert_int_equal(header->name_len, strlen(name));
  assert_string_equal(header->value, value);
  assert_int_equal(header->value_len, strlen(value));
}

static void a_head_is_understood_however_it_comes(void **state) {
  size_t step;

  (void)state;
  for (step = 1; step <= sizeof HEAD; step++) {
    char bytes[] = HEAD;
    fixture_t f;

    begin(&f, 0);
    assert_int_equal(scan(&f.guard, HEAD "body", sizeof HEAD + 3, step),
                     sizeof HEAD - 1);
    assert_int_equal(f.guard.status, 404);
    assert_int_equal(f.guard.minor, 0);
    assert_true(f.guard.has_length && f.guard.length == 12);
    assert_true(f.guard.has_coding && f.guard.is_chunked);
    assert_true(f.guard.says_keep && !f.guard.says_close);
    assert_false(f.guard.coding_twice);
    assert_int_equal(f.guard.keep_alive_ms, 6000);
    assert_int_equal(f.guard.field_count, 9);
    pool__guard_finish(&f.guard, bytes);
    expect_field(&f.guard, 0, "Content-Length", "0012");
    expect_field(&f.guard, 1, "A", "b c");
    expect_field(&f.guard, 2, "Connection", "x, keep-alive");
    expect_field(&f.guard, 3, "Empty", "");
    expect_field(&f.guard, 4, "Keep-Alive", "timeout=7");
    expect_field(&f.guard, 5, "Transfer-Encoding", "Chunked");
    expect_field(&f.guard, 6, "One", "x");
    expect_field(&f.guard, 7, "Two", "y");
    expect_field(&f.guard, 8, "Three", "z");
    end(&f);
  }
}

static void a_trailer_section_has_no_status_line(void **state) {
  static const char trailers[] = "A: b\r\nContent-Length: x\r\n"
                                 "Content-Length: 7\r\nConnection: close\r\n"
                                 "Transfer-Encoding: gzip\r\n\r\n";
  size_t step;

  (void)state;
  for (step = 1; step <= sizeof trailers; step++) {
    fixture_t f;

    begin(&f, 1);
    assert_int_equal(scan(&f.guard, trailers, sizeof trailers - 1, step),
                     sizeof trailers - 1);
    assert_true(f.guard.says_close);
    assert_false(f.guard.has_length || f.guard.has_coding);
    pool__guard_reset(&f.guard, 1);
    assert_int_equal(scan(&f.guard, "\r\nX", 3, step), 2);
    assert_false(f.guard.says_close);
    pool__guard_reset(&f.guard, 1);
    assert_int_equal(scan(&f.guard, "HTTP/1.1 200 OK\r\n\r\n", 19, step),
                     POOL_EPARSE);
    end(&f);
  }
}

static void reset_forgets_everything_but_the_memory(void **state) {
  static const char plain[] = "HTTP/1.1 200 OK\r\n\r\n";
  fixture_t f;
  uint64_t calls;

  (void)state;
  begin(&f, 0);
  assert_true(scan(&f.guard, HEAD, sizeof HEAD - 1, 1000) > 0);
  calls = f.unit.calls;
  pool__guard_reset(&f.guard, 0);
  assert_int_equal(scan(&f.guard, plain, sizeof plain - 1, 3),
                   sizeof plain - 1);
  assert_int_equal(f.guard.status, 200);
  assert_int_equal(f.guard.minor, 1);
  assert_int_equal(f.guard.field_count, 0);
  assert_int_equal(f.guard.keep_alive_ms, POOL_OFF);
  assert_false(f.guard.has_length || f.guard.has_coding || f.guard.is_chunked ||
               f.guard.says_close || f.guard.says_keep);
  pool__guard_reset(&f.guard, 0);
  assert_true(scan(&f.guard, HEAD, sizeof HEAD - 1, 1) > 0);
  assert_int_equal(f.unit.calls, calls);
  end(&f);
}

static void half_a_section_is_no_verdict(void **state) {
  size_t len;

  (void)state;
  for (len = 1; len < sizeof HEAD - 1; len++) {
    fixture_t f;

    begin(&f, 0);
    assert_int_equal(scan(&f.guard, HEAD, len, len), 0);
    end(&f);
    begin(&f, 0);
    assert_int_equal(scan(&f.guard, HEAD, len, 1), 0);
    end(&f);
  }
}

static void a_second_length_is_refused_by_the_guard_itself(void **state) {
  static const char *const heads[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    fixture_t f;

    begin(&f, 0);
    assert_int_equal(scan(&f.guard, heads[i], strlen(heads[i]), 1000),
                     POOL_EPARSE);
    end(&f);
  }
}

static void so_many_fields_and_no_more(void **state) {
  static char bytes[2048 + 6 * POOL__GUARD_FIELDS];
  unsigned more;

  (void)state;
  for (more = 0; more < 2; more++) {
    fixture_t f;
    unsigned i;

    strcpy(bytes, "HTTP/1.1 200 OK\r\n");
    for (i = 0; i < POOL__GUARD_FIELDS + more; i++)
      strcat(bytes, "A: b\r\n");
    strcat(bytes, "\r\n");
    begin(&f, 0);
    assert_int_equal(scan(&f.guard, bytes, strlen(bytes), 500),
                     more == 0 ? (int64_t)strlen(bytes) : POOL_ETOOLARGE);
    assert_int_equal(f.guard.field_count, POOL__GUARD_FIELDS);
    assert_true(f.guard.field_room <= POOL__GUARD_FIELDS);
    end(&f);
  }
}

static void without_memory_it_is_enomem(void **state) {
  static char bytes[2048];
  uint64_t n;
  int64_t took = UV_ENOMEM;
  unsigned i;

  (void)state;
  strcpy(bytes, "HTTP/1.1 200 OK\r\n");
  for (i = 0; i < 100; i++)
    strcat(bytes, "A: b\r\n");
  strcat(bytes, "\r\n");
  for (n = 1; took == UV_ENOMEM; n++) {
    fixture_t f;

    begin(&f, 0);
    f.unit.fail_at = n;
    took = scan(&f.guard, bytes, strlen(bytes), 100);
    assert_true(took == UV_ENOMEM || f.unit.calls < n);
    end(&f);
  }
  assert_int_equal(took, strlen(bytes));
  assert_true(n > 3);
}

static void what_cannot_become_good_is_refused_at_once(void **state) {
  static const char *const bad[] = {"X",
                                    "HTTP/2",
                                    "HTTP/1.2 200 ",
                                    "HTTP/1.1 20x ",
                                    "HTTP/1.1 200x",
                                    "HTTP/1.1 200 \1",
                                    "HTTP/1.1 200 OK\n",
                                    "HTTP/1.1 200 OK\r\r",
                                    "HTTP/1.1 200 OK\r\nA B",
                                    "HTTP/1.1 200 OK\r\nA: \1",
                                    "HTTP/1.1 200 OK\r\n:",
                                    "HTTP/1.1 200 OK\r\nA: b\n",
                                    "HTTP/1.1 200 OK\r\nA: b\rc",
                                    "HTTP/1.1 200 OK\r\n\rX",
                                    "HTTP/1.1 200 OK\r\n ",
                                    "HTTP/1.1 200 OK\r\n\n"};
  size_t i, step;

  (void)state;
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
    for (step = 1; step <= strlen(bad[i]); step++) {
      fixture_t f;
      int64_t took;

      begin(&f, 0);
      took = scan(&f.guard, bad[i], strlen(bad[i]), step);
      end(&f);
      if (took != POOL_EPARSE)
        fail_msg("case %u in pieces of %u", (unsigned)i, (unsigned)step);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_head_is_understood_however_it_comes),
      cmocka_unit_test(a_trailer_section_has_no_status_line),
      cmocka_unit_test(reset_forgets_everything_but_the_memory),
      cmocka_unit_test(half_a_section_is_no_verdict),
      cmocka_unit_test(a_second_length_is_refused_by_the_guard_itself),
      cmocka_unit_test(so_many_fields_and_no_more),
      cmocka_unit_test(without_memory_it_is_enomem),
      cmocka_unit_test(what_cannot_become_good_is_refused_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
