#include "unit_test.h"

#define XX(name, value, text) POOL_##name,
static const int ours[] = {POOL_ERRNO_MAP(XX)};
#undef XX
#define XX(name, text) UV_##name,
static const int theirs[] = {UV_ERRNO_MAP(XX)};
#undef XX
#define OURS   (sizeof ours / sizeof ours[0])
#define THEIRS (sizeof theirs / sizeof theirs[0])

static int code(size_t i) {
  return i < OURS ? ours[i] : theirs[i - OURS];
}

static void every_code_has_a_name_of_its_own(void **state) {
  size_t i, k;

  (void)state;
  for (i = 0; i < OURS + THEIRS; i++) {
    if (code(i) != UV_UNKNOWN) /* libuv has one of that name */
      assert_string_not_equal(pool_err_name(code(i)), "UNKNOWN");
    assert_string_not_equal(pool_err_name(code(i)), "OK");
    for (k = 0; k < i; k++) {
      assert_int_not_equal(code(i), code(k));
      assert_string_not_equal(pool_err_name(code(i)), pool_err_name(code(k)));
    }
  }
}

static void every_code_of_ours_has_a_text_of_its_own(void **state) {
  size_t i, k;

  (void)state;
  for (i = 0; i < OURS; i++) {
    assert_int_equal(strncmp(pool_err_name(ours[i]), "POOL_E", 6), 0);
    assert_true(strlen(pool_strerror(ours[i])) > 10);
    for (k = 0; k < OURS + THEIRS; k++)
      if (code(k) != ours[i])
        assert_string_not_equal(pool_strerror(ours[i]), pool_strerror(code(k)));
  }
}

static void codes_of_libuv_say_what_libuv_says(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < THEIRS; i++) {
    assert_string_equal(pool_strerror(theirs[i]), uv_strerror(theirs[i]));
    assert_string_equal(pool_err_name(theirs[i]), uv_err_name(theirs[i]));
  }
}

static void success_and_what_is_unknown_have_names_too(void **state) {
  static const int unknown[] = {1, -9999, -10000, -10099, INT32_MIN, INT32_MAX};
  size_t i;

  (void)state;
  assert_string_equal(pool_err_name(0), "OK");
  assert_string_equal(pool_strerror(0), "success");
  for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    assert_string_equal(pool_err_name(unknown[i]), "UNKNOWN");
    assert_string_equal(pool_strerror(unknown[i]), "unknown status");
  }
}

/* The numbers are an ABI. */
static void our_codes_keep_their_numbers(void **state) {
  (void)state;
  assert_int_equal(POOL_EOVERLOADED, -10001);
  assert_int_equal(POOL_ECLOSING, -10002);
  assert_int_equal(POOL_EGONE, -10003);
  assert_int_equal(POOL_EHANGUP, -10004);
  assert_int_equal(POOL_EPARSE, -10005);
  assert_int_equal(POOL_ETOOLARGE, -10006);
  assert_int_equal(POOL_ENOENDPOINT, -10007);
}

static void the_version_is_that_of_the_header(void **state) {
  unsigned long parts[3];
  const char *at = pool_version();
  char *end;
  int i;

  (void)state;
  for (i = 0; i < 3; i++) {
    parts[i] = strtoul(at, &end, 10);
    assert_true(end > at && *end == (i < 2 ? '.' : '\0'));
    at = end + 1;
  }
  assert_int_equal(parts[0], POOL_VERSION_MAJOR);
  assert_int_equal(parts[1], POOL_VERSION_MINOR);
  assert_int_equal(parts[2], POOL_VERSION_PATCH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_a_name_of_its_own),
      cmocka_unit_test(every_code_of_ours_has_a_text_of_its_own),
      cmocka_unit_test(codes_of_libuv_say_what_libuv_says),
      cmocka_unit_test(success_and_what_is_unknown_have_names_too),
      cmocka_unit_test(our_codes_keep_their_numbers),
      cmocka_unit_test(the_version_is_that_of_the_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
