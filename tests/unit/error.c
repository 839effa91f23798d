#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "httpool.h"

static void every_code_has_a_name_and_a_text(void **state) {
  (void)state;
  assert_string_equal(pool_err_name(0), "OK");
  assert_string_equal(pool_err_name(POOL_EOVERLOADED), "POOL_EOVERLOADED");
  assert_string_equal(pool_err_name(UV_ECONNREFUSED), "ECONNREFUSED");
  assert_string_equal(pool_err_name(1), "UNKNOWN");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_a_name_and_a_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
