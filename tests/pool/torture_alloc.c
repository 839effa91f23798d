/* Memory that runs out, at each allocation in turn: once, and from there on
 * for good. Whatever fails fails cleanly, and with memory back the pool serves
 * as ever. (sim/torture.c does this, and more, on a simulated kernel.) */
#include <signal.h>

#include "scene.h"

#define ROUNDS_MAX 400u /* allocations in one scene; it has far fewer */

/* Returns how many allocations were made to fail. */
static uint64_t run_once(const scenario_t *scenario, uint64_t n,
                         int and_later) {
  static const int errors[] = {UV_ENOMEM, 0};
  fixture_t *fx = fixture_new();
  void *state = fx;
  uint64_t failures;
  scene_t scene;

  assert_int_equal(fixture_open(fx), 0);
  scene_open(&scene, scenario, fx);
  assert_int_equal(scene_pool(&scene), 0);
  alarm(20); /* an endless loop would not see any other guard */
  heap_fail(&fx->heap, n, and_later);
  scene_play(&scene);
  alarm(0);
  failures = fx->heap.failures;
  heap_fail(&fx->heap, 0, 0);
  scene_check(&scene, errors);
  scene_recover(&scene);
  scene_close(&scene);
  assert_int_equal(fixture_teardown(&state), 0);
  return failures;
}

static void run_all(int and_later) {
  size_t count, i;
  const scenario_t *all = scenarios(&count);

  for (i = 0; i < count; i++) {
    uint64_t n = 1;

    while (n < ROUNDS_MAX && run_once(&all[i], n, and_later) > 0)
      n++;
    print_message("             %s: %u failures\n", all[i].name,
                  (unsigned)(n - 1));
    assert_true(n < ROUNDS_MAX);
  }
}

static void one_failed_allocation_is_one_clean_failure(void **state) {
  (void)state;
  run_all(0);
}

static void memory_that_stays_away_is_survived(void **state) {
  (void)state;
  run_all(1);
}

static void create_fails_cleanly_at_each_allocation(void **state) {
  fixture_t *fx = *state;
  pool_config_t config = {.allocator = heap_allocator(&fx->heap)};
  pool_t *const untouched = (pool_t *)(void *)&config;
  pool_t *pool = untouched;
  uint64_t n = 1;

  config.on_event = NULL;
  heap_fail(&fx->heap, n, 0);
  while (pool_create(&pool, &fx->loop, &config) != 0) {
    assert_ptr_equal(pool, untouched);
    assert_int_equal(fx->heap.blocks, 0);
    assert_true(n < ROUNDS_MAX);
    heap_fail(&fx->heap, ++n, 0);
  }
  heap_fail(&fx->heap, 0, 0);
  assert_true(n > 1);
  fx->pool = pool;
  fixture_close_pool(fx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(create_fails_cleanly_at_each_allocation),
      cmocka_unit_test(one_failed_allocation_is_one_clean_failure),
      cmocka_unit_test(memory_that_stays_away_is_survived),
  };

  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
