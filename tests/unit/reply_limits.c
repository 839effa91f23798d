/* Answers that are too large, or just not (generated). */
#include "unit_test.h"
#include "unit_reply.h"

#define SL    UNIT_SL
#define TE    UNIT_TE
#define LIMIT 65536u

/* Bytes that are put together. */
typedef struct {
  char *at;
  size_t len;
  size_t room;
} heap_t;

static void put(heap_t *heap, const char *text, size_t count) {
  size_t len = strlen(text);

  if (heap->len + len * count > heap->room) {
    heap->room = (heap->len + len * count) * 2;
    heap->at = realloc(heap->at, heap->room);
    assert_non_null(heap->at);
  }
  while (count-- > 0) {
    memcpy(heap->at + heap->len, text, len);
    heap->len += len;
  }
}

static const size_t steps[] = {1, 1000, 1460, 65536, 10000000};
#define STEPS (sizeof steps / sizeof steps[0])

/* The verdict has to be this for pieces of each size; frees the heap. */
static void expect(heap_t *heap, int verdict, size_t body_len, size_t max_head,
                   size_t max_body) {
  size_t i;

  for (i = 0; i < STEPS; i++) {
    unit_reply_outcome_t o =
        unit_reply_run(heap->at, heap->len, steps[i], 0, max_head, max_body);

    if (o.verdict != verdict)
      print_error("in pieces of %u\n", (unsigned)steps[i]);
    assert_int_equal(o.verdict, verdict);
    if (verdict == 1)
      assert_int_equal(o.body_len, body_len);
  }
  free(heap->at);
  memset(heap, 0, sizeof *heap);
}

static void a_head_may_be_as_long_as_the_maximum_and_no_longer(void **state) {
  static const size_t sizes[] = {256, 1000, 16384, LIMIT};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    heap_t heap = {0};
    size_t fixed = strlen(SL "Content-Length: 2\r\nA: \r\n\r\n");
    unsigned more;

    for (more = 0; more < 2; more++) {
      put(&heap, SL "Content-Length: 2\r\nA: ", 1);
      put(&heap, "b", sizes[i] - fixed + more);
      put(&heap, "\r\n\r\nhi", 1);
      expect(&heap, more == 0 ? 1 : POOL_ETOOLARGE, 2, sizes[i], 10);
    }
  }
}

static void a_long_line_is_refused_while_it_comes(void **state) {
  static const char *const starts[] = {
      "HTTP/1.1 200 ",       SL "A: ",         SL, SL "A:",
      SL "Content-Length: ", SL "Connection: "};
  static const char *const fillers[] = {"r", "b", "n", " ", "0", "close,"};
  size_t i;

  (void)state;
  for (i = 0; i < 6; i++) {
    heap_t heap = {0};

    put(&heap, starts[i], 1);
    put(&heap, fillers[i], LIMIT);
    expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
  }
}

static void a_value_of_a_megabyte_is_too_large(void **state) {
  heap_t heap = {0};

  (void)state;
  put(&heap, SL "A: ", 1);
  put(&heap, "b", 1u << 20);
  put(&heap, "\r\nContent-Length: 0\r\n\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
}

static void so_many_fields_and_no_more(void **state) {
  heap_t heap = {0};

  (void)state;
  put(&heap, SL "Content-Length: 1\r\n", 1);
  put(&heap, "A: b\r\n", POOL__GUARD_FIELDS - 1);
  put(&heap, "\r\nx", 1);
  expect(&heap, 1, 1, LIMIT, 10);
  put(&heap, SL "Content-Length: 1\r\n", 1);
  put(&heap, "A: b\r\n", POOL__GUARD_FIELDS);
  put(&heap, "\r\nx", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
  put(&heap, SL, 1);
  put(&heap, "A: b\r\n", 10000);
  put(&heap, "\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
}

static void trailers_count_with_the_head(void **state) {
  size_t head = strlen(SL TE "\r\n");
  heap_t heap = {0};
  unsigned more;

  (void)state;
  for (more = 0; more < 2; more++) {
    put(&heap, SL TE "\r\n1\r\nx\r\n0\r\nA: ", 1);
    put(&heap, "b", 1000 + more);
    put(&heap, "\r\n\r\n", 1);
    expect(&heap, more == 0 ? 1 : POOL_ETOOLARGE, 1, head + 3 + 1000 + 4, 10);
  }
  put(&heap, SL TE "\r\n1\r\nx\r\n0\r\n", 1);
  put(&heap, "A: b\r\n", POOL__GUARD_FIELDS);
  put(&heap, "\r\n", 1);
  expect(&heap, 1, 1, LIMIT, 10);
  put(&heap, SL TE "\r\n1\r\nx\r\n0\r\n", 1);
  put(&heap, "A: b\r\n", 10000);
  put(&heap, "\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
}

static void a_body_may_be_as_long_as_the_maximum_and_no_longer(void **state) {
  unsigned more;

  (void)state;
  for (more = 0; more < 2; more++) {
    heap_t heap = {0};
    int verdict = more == 0 ? 1 : POOL_ETOOLARGE;

    put(&heap, SL, 1);
    put(&heap,
        more == 0 ? "Content-Length: 5000\r\n\r\n"
                  : "Content-Length: 5001\r\n\r\n",
        1);
    put(&heap, "b", 5000 + more);
    expect(&heap, verdict, 5000, LIMIT, 5000);

    put(&heap, SL TE "\r\nfa0\r\n", 1);
    put(&heap, "b", 4000);
    put(&heap, more == 0 ? "\r\n3e8\r\n" : "\r\n3e9\r\n", 1);
    put(&heap, "c", 1000 + more);
    put(&heap, "\r\n0\r\n\r\n", 1);
    expect(&heap, verdict, 5000, LIMIT, 5000);
  }
}

static void a_body_until_the_end_is_bounded_too(void **state) {
  size_t i;
  unsigned more;

  (void)state;
  for (more = 0; more < 2; more++)
    for (i = 0; i < STEPS; i++) {
      heap_t heap = {0};
      unit_reply_outcome_t o;

      put(&heap, SL "\r\n", 1);
      put(&heap, "b", 5000 + more);
      o = unit_reply_run(heap.at, heap.len, steps[i], UNIT_EOF, LIMIT, 5000);
      assert_int_equal(o.verdict, more == 0 ? 1 : POOL_ETOOLARGE);
      free(heap.at);
    }
}

static void a_hundred_thousand_chunks_of_a_byte_are_fine(void **state) {
  heap_t heap = {0};

  (void)state;
  put(&heap, SL TE "\r\n", 1);
  put(&heap, "1\r\nx\r\n", 100000);
  put(&heap, "0\r\n\r\n", 1);
  expect(&heap, 1, 100000, LIMIT, 100000);
  put(&heap, SL TE "\r\n", 1);
  put(&heap, "0000000000000001\r\nx\r\n", 100000);
  put(&heap, "0\r\n\r\n", 1);
  expect(&heap, 1, 100000, LIMIT, 100000);
}

static void framing_that_carries_nothing_is_refused(void **state) {
  heap_t heap = {0};

  (void)state;
  put(&heap, SL TE "\r\n5;a=", 1);
  put(&heap, "x", 200000);
  put(&heap, "\r\nhello\r\n0\r\n\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
  put(&heap, SL TE "\r\n", 1);
  put(&heap, "0", 100000);
  put(&heap, "5\r\nhello\r\n0\r\n\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
  put(&heap, SL TE "\r\n5\r\nhello\r\n0;", 1);
  put(&heap, "x", 100000);
  put(&heap, "\r\n\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10);
  put(&heap, SL TE "\r\n", 1);
  put(&heap, "1;123456789012345678901234567890\r\nx\r\n", 10000);
  put(&heap, "0\r\n\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10000);
}

static void a_long_extension_now_and_then_is_fine(void **state) {
  heap_t heap = {0};

  (void)state;
  put(&heap, SL TE "\r\n5;a=", 1);
  put(&heap, "x", 16000);
  put(&heap, "\r\nhello\r\n0\r\n\r\n", 1);
  expect(&heap, 1, 5, LIMIT, 10);
}

/* What later chunks save must not excuse what came before them, or the verdict
 * would depend on how the bytes were cut. */
static void the_bound_on_framing_knows_no_future(void **state) {
  heap_t heap = {0};

  (void)state;
  put(&heap, SL TE "\r\n5;a=", 1);
  put(&heap, "x", 17000);
  put(&heap, "\r\nhello\r\n", 1);
  put(&heap, "1\r\nx\r\n", 1000);
  put(&heap, "0\r\n\r\n", 1);
  expect(&heap, POOL_ETOOLARGE, 0, LIMIT, 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_head_may_be_as_long_as_the_maximum_and_no_longer),
      cmocka_unit_test(a_long_line_is_refused_while_it_comes),
      cmocka_unit_test(a_value_of_a_megabyte_is_too_large),
      cmocka_unit_test(so_many_fields_and_no_more),
      cmocka_unit_test(trailers_count_with_the_head),
      cmocka_unit_test(a_body_may_be_as_long_as_the_maximum_and_no_longer),
      cmocka_unit_test(a_body_until_the_end_is_bounded_too),
      cmocka_unit_test(a_hundred_thousand_chunks_of_a_byte_are_fine),
      cmocka_unit_test(framing_that_carries_nothing_is_refused),
      cmocka_unit_test(a_long_extension_now_and_then_is_fine),
      cmocka_unit_test(the_bound_on_framing_knows_no_future),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
