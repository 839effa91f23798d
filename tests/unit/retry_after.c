/* Seconds, dates, and nonsense. */
#include "unit_test.h"

#include "retry_after.h"

static void retry_after_in_seconds(void **state) {
  (void)state;
  assert_int_equal(pool__retry_after_ms("0", NULL), 0);
  assert_int_equal(pool__retry_after_ms("120", NULL), 120000);
  assert_int_equal(pool__retry_after_ms("300", NULL), 300000);
  assert_int_equal(pool__retry_after_ms("301", NULL), 300000);
  assert_int_equal(pool__retry_after_ms("99999999999999999999999", NULL),
                   300000);
}

static void retry_after_a_date(void **state) {
  static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";

  (void)state;
  assert_int_equal(pool__retry_after_ms(date, date), 0);
  assert_int_equal(pool__retry_after_ms("Sun, 06 Nov 1994 08:50:07 GMT", date),
                   30000);
  assert_int_equal(pool__retry_after_ms("Sun, 06 Nov 1994 08:49:07 GMT", date),
                   0);
  assert_int_equal(pool__retry_after_ms("Mon, 06 Nov 2034 08:49:07 GMT", date),
                   300000);
  /* Across the end of a day, a month, a year, and of February. */
  assert_int_equal(pool__retry_after_ms("Sat, 01 Jan 2000 00:00:05 GMT",
                                        "Fri, 31 Dec 1999 23:59:55 GMT"),
                   10000);
  assert_int_equal(pool__retry_after_ms("Tue, 29 Feb 2000 00:00:05 GMT",
                                        "Mon, 28 Feb 2000 23:59:55 GMT"),
                   10000);
  assert_int_equal(pool__retry_after_ms("Thu, 01 Mar 2100 00:00:05 GMT",
                                        "Sun, 28 Feb 2100 23:59:55 GMT"),
                   10000);
}

static void retry_after_nonsense(void **state) {
  static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
  static const char *const texts[] = {
      "",
      "-1",
      "1 ",
      "1.5",
      "soon",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nox 1994 08:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 32 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT",
      "Sun, 06 Nov 1994 08:60:37 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov 1994 08.49.37 GMT",
      "Sun; 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 199x 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal(pool__retry_after_ms(texts[i], date), -1);
    if (strlen(texts[i]) > 6)
      assert_int_equal(pool__retry_after_ms(date, texts[i]), -1);
  }
  assert_int_equal(pool__retry_after_ms(date, NULL), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(retry_after_in_seconds),
      cmocka_unit_test(retry_after_a_date),
      cmocka_unit_test(retry_after_nonsense),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
