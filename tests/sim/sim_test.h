/* Tests with a fixture that are on the simulated kernel by themselves, with
 * options of their own; for all others see FIXTURE_SIMULATED in fixture.c. */
#ifndef SIM_TEST_H_
#define SIM_TEST_H_

#include "fixture.h"
#include "kernel.h"

static inline int sim_test_setup(void **state,
                                 const kernel_options_t *options) {
  kernel_begin(options);
  return fixture_setup(state);
}

static inline int sim_test_teardown(void **state) {
  int rc = fixture_teardown(state);
  uint32_t open = kernel_open_files();

  kernel_end();
  return rc != 0 || open != 0;
}

/* With setup() of the file. */
#define SIM_TEST(name)                                                         \
  cmocka_unit_test_setup_teardown(name, setup, sim_test_teardown)

#endif
