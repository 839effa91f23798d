#include "unit_test.h"

#include "text.h"

static int naive_token(unsigned value) {
  return value != 0 && strchr("!#$%&'*+-.^_`|~0123456789"
                              "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                              (int)value) != NULL;
}

static int naive_value(unsigned value) {
  return value == '\t' || (value >= 0x20 && value != 0x7f);
}

static int naive_visible(unsigned value) {
  return value > 0x20 && value < 0x7f;
}

#define LENGTHS 41u /* over two steps of sixteen bytes and some */

/* A text of `fill` with one other byte in it, in a block that ends with it. */
static void judge_one(size_t len, size_t at, unsigned value, char fill) {
  char *text = malloc(len);
  int fill_token = naive_token((unsigned char)fill);

  assert_non_null(text);
  memset(text, fill, len);
  text[at] = (char)value;
  if (pool__text_is_value(text, len) !=
          (naive_value(value) &&
           (len == 1 || naive_value((unsigned char)fill))) ||
      pool__text_is_token(text, len) !=
          (naive_token(value) && (len == 1 || fill_token)) ||
      pool__text_is_visible(text, len) !=
          (naive_visible(value) &&
           (len == 1 || naive_visible((unsigned char)fill))))
    fail_msg("byte %02x at %u of %u in %02x", value, (unsigned)at,
             (unsigned)len, (unsigned char)fill);
  free(text);
}

static void each_byte_at_each_place_is_judged_by_itself(void **state) {
  static const char fills[] = {'a', ' ', '\x80', '\xff', '!'};
  unsigned value;
  size_t len, at, i;

  (void)state;
  for (i = 0; i < sizeof fills; i++)
    for (len = 1; len < LENGTHS; len += i == 0 ? 1 : 4)
      for (at = 0; at < len; at++)
        for (value = 0; value < 256; value++)
          judge_one(len, at, value, fills[i]);
}

/* Next to each other, so that a borrow from one to the next would show. */
static void each_two_bytes_are_judged_by_themselves(void **state) {
  unsigned a, b;
  size_t at;

  (void)state;
  for (at = 0; at < 20; at += 3)
    for (a = 0; a < 256; a++)
      for (b = 0; b < 256; b++) {
        char text[24];
        int value = naive_value(a) && naive_value(b);
        int token = naive_token(a) && naive_token(b);

        memset(text, 'x', sizeof text);
        text[at] = (char)a;
        text[at + 1] = (char)b;
        if (pool__text_is_value(text, sizeof text) != value ||
            pool__text_is_token(text, sizeof text) != token)
          fail_msg("bytes %02x %02x at %u", a, b, (unsigned)at);
      }
}

static void the_first_byte_that_does_not_fit_ends_the_run(void **state) {
  size_t len, first, second;

  (void)state;
  for (len = 1; len < LENGTHS; len++)
    for (first = 0; first < len; first++)
      for (second = first; second < len; second += 5) {
        char text[LENGTHS];

        memset(text, 'x', len);
        text[first] = text[second] = '\r';
        assert_ptr_equal(pool__text_skip_value(text, text + len), text + first);
        assert_ptr_equal(pool__text_skip_token(text, text + len), text + first);
        memset(text, '\t', first);
        assert_ptr_equal(pool__text_skip_value(text, text + len), text + first);
        assert_ptr_equal(pool__text_skip_token(text, text + len),
                         first == 0 ? text + first : text);
      }
}

static void nothing_is_a_value_but_no_token(void **state) {
  (void)state;
  assert_true(pool__text_is_value("\r", 0));
  assert_true(pool__text_is_visible("\r", 0));
  assert_false(pool__text_is_token("a", 0));
}

static void expect_trim(const char *text, const char *expected) {
  pool__text_t trimmed = pool__text_trim(text, strlen(text));

  assert_int_equal(trimmed.len, strlen(expected));
  assert_memory_equal(trimmed.at, expected, trimmed.len);
}

static void only_blanks_at_the_ends_are_trimmed(void **state) {
  (void)state;
  expect_trim("a", "a");
  expect_trim(" \ta b\t ", "a b");
  expect_trim("", "");
  expect_trim(" \t \t", "");
  expect_trim("\va\r\n", "\va\r\n");
}

static void words_are_the_same_in_any_case(void **state) {
  static const char small[] = "abcdefghijklmnopqrstuvwxyz-0123456789";
  size_t len, at;

  (void)state;
  assert_true(pool__text_is("Close", (size_t)5, "close"));
  assert_true(pool__text_is("CONTENT-LENGTH", (size_t)14, "content-length"));
  assert_true(pool__text_is("HTTP2-Settings", (size_t)14, "http2-settings"));
  assert_false(pool__text_is("closed", (size_t)6, "close"));
  assert_false(pool__text_is("clos", (size_t)4, "close"));
  assert_false(pool__text_is("", (size_t)0, "te"));
  for (len = 1; len < sizeof small; len++)
    for (at = 0; at < len; at++) {
      char text[sizeof small];

      memcpy(text, small, len);
      if (text[at] >= 'a')
        text[at] = (char)(text[at] - 'a' + 'A');
      assert_true(pool__text_same(text, small, len));
    }
}

/* Of the bytes that may stand there at all: no control characters. */
static void no_other_byte_is_taken_for_a_letter(void **state) {
  static const char word[] = "transfer-encoding-2";
  unsigned value;
  size_t len, at;

  (void)state;
  for (len = 1; len < sizeof word; len++)
    for (at = 0; at < len; at++)
      for (value = 0x20; value < 256; value++) {
        char text[sizeof word];
        char wanted = word[at];
        int letter = wanted >= 'a' && wanted <= 'z';
        int same = value == (unsigned char)wanted ||
                   (letter && value == (unsigned char)(wanted - 'a' + 'A'));

        memcpy(text, word, len);
        text[at] = (char)value;
        if (pool__text_same(text, word, len) != same)
          fail_msg("byte %02x at %u of %u", value, (unsigned)at, (unsigned)len);
      }
}

static void expect_elements(const char *list, const char *expected) {
  pool__text_t rest = {list, strlen(list)};
  pool__text_t element;
  char got[128] = "";

  while (pool__text_next_element(&rest, &element)) {
    assert_true(element.len > 0);
    strncat(got, element.at, element.len);
    strcat(got, "|");
  }
  assert_string_equal(got, expected);
}

static void lists_are_read_element_by_element(void **state) {
  (void)state;
  expect_elements("", "");
  expect_elements(" ", "");
  expect_elements(",", "");
  expect_elements(",, ,\t,", "");
  expect_elements("a", "a|");
  expect_elements("a,b", "a|b|");
  expect_elements(" a , b c\t,,d, ", "a|b c|d|");
  expect_elements(",a", "a|");
}

static void expect_number(const char *text, int err, uint64_t expected) {
  uint64_t number = 77;

  assert_int_equal(pool__text_number(text, strlen(text), &number), err);
  assert_true(number == (err == 0 ? expected : 77));
}

static void numbers_are_digits_and_fit(void **state) {
  (void)state;
  expect_number("0", 0, 0);
  expect_number("7", 0, 7);
  expect_number("000000000000000000000000000000000042", 0, 42);
  expect_number("9999999999999999999", 0, 9999999999999999999u);
  expect_number("18446744073709551615", 0, UINT64_MAX);
  expect_number("018446744073709551615", 0, UINT64_MAX);
  expect_number("18446744073709551616", UV_ERANGE, 0);
  expect_number("18446744073709551620", UV_ERANGE, 0);
  expect_number("99999999999999999999", UV_ERANGE, 0);
  expect_number("36893488147419103232", UV_ERANGE, 0);
  expect_number("184467440737095516160", UV_ERANGE, 0);
  expect_number("1000000000000000000000000000000000000000", UV_ERANGE, 0);
  expect_number("", UV_EINVAL, 0);
  expect_number("-1", UV_EINVAL, 0);
  expect_number("+1", UV_EINVAL, 0);
  expect_number(" 1", UV_EINVAL, 0);
  expect_number("1 ", UV_EINVAL, 0);
  expect_number("1a", UV_EINVAL, 0);
  expect_number("\xb1", UV_EINVAL, 0);
  expect_number("99999999999999999999x", UV_EINVAL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_byte_at_each_place_is_judged_by_itself),
      cmocka_unit_test(each_two_bytes_are_judged_by_themselves),
      cmocka_unit_test(the_first_byte_that_does_not_fit_ends_the_run),
      cmocka_unit_test(nothing_is_a_value_but_no_token),
      cmocka_unit_test(only_blanks_at_the_ends_are_trimmed),
      cmocka_unit_test(words_are_the_same_in_any_case),
      cmocka_unit_test(no_other_byte_is_taken_for_a_letter),
      cmocka_unit_test(lists_are_read_element_by_element),
      cmocka_unit_test(numbers_are_digits_and_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
