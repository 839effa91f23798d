/* What a choice costs when there are very many endpoints. */
#include <time.h>

#include "unit_test.h"

#include "balance.h"
#include "unit_mem.h"

#define NOW 1000000u

/* Processor time of so many choices among so many endpoints. */
static clock_t time_of_choices(uint32_t endpoints, uint32_t choices) {
  static const pool__endpoint_limits_t limits = {10, 4};
  pool__balance_case_t given = {.now = NOW};
  pool__random_t random = {1};
  pool__endpoint_t *endpoint;
  pool__endpoints_t all;
  unit_mem_t unit;
  pool__mem_t mem;
  char name[32];
  clock_t begun;
  uint32_t i;

  unit_mem_init(&unit, &mem);
  pool__endpoints_init(&all, &mem, &limits);
  for (i = 0; i < endpoints; i++) {
    snprintf(name, sizeof name, "127.0.%u.%u:80", i / 250, i % 250 + 1);
    assert_int_equal(pool__endpoint_add(&all, name, &endpoint), 0);
    pool__load_answered(&endpoint->load, &all.typical, NOW, i % 50);
  }
  begun = clock();
  for (i = 0; i < choices; i++)
    assert_non_null(pool__balance_pick(&all, &random, &given));
  begun = clock() - begun;
  while (!pool__list_empty(&all.serving))
    pool__endpoint_destroy(
        POOL__OF(pool__list_first(&all.serving), pool__endpoint_t, link));
  pool__endpoints_clear(&all);
  unit_mem_check(&unit, &mem);
  return begun;
}

/* To look at each of them would cost a thousand times as much; caches make it a
 * few times. */
static void a_choice_among_ten_thousand_costs_no_search(void **state) {
  clock_t few, many;

  (void)state;
  few = time_of_choices(10, 20000);
  many = time_of_choices(10000, 20000);
  assert_true(many < few * 50 + CLOCKS_PER_SEC / 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_choice_among_ten_thousand_costs_no_search),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
