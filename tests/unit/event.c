#include "unit_test.h"

#include "event.h"

static void add(pool__events_t *events, pool_event_type_t type,
                const char *endpoint, int error) {
  pool_event_t event;

  memset(&event, 0, sizeof event);
  event.type = type;
  event.endpoint = endpoint;
  event.error = error;
  event.lost = 99; /* whatever it says */
  pool__events_add(events, &event);
}

static void events_are_told_in_order(void **state) {
  pool__events_t events;
  pool_event_t event;
  pool__mem_t mem;
  unit_mem_t unit;
  int in = 0, out = 0, round;

  (void)state;
  unit_mem_init(&unit, &mem);
  assert_int_equal(pool__events_init(&events, &mem, 1), 0);
  assert_int_equal(pool__events_take(&events, &event), 0);
  for (round = 1; round < 200; round++) {
    int n = round % (int)POOL__EVENTS_MAX + 1;

    while (n-- > 0)
      add(&events, POOL_EVENT_DISCONNECT, "a", in++);
    while (pool__events_take(&events, &event)) {
      assert_int_equal(event.error, out++);
      assert_int_equal(event.type, POOL_EVENT_DISCONNECT);
      assert_string_equal(event.endpoint, "a");
      assert_int_equal(event.lost, 0);
    }
    assert_int_equal(in, out);
  }
  assert_int_equal(events.lost_ever, 0);
  pool__events_clear(&events);
  unit_mem_check(&unit, &mem);
}

static void what_finds_no_room_is_counted_and_told(void **state) {
  pool__events_t events;
  pool_event_t event;
  pool__mem_t mem;
  unit_mem_t unit;
  uint32_t i;

  (void)state;
  unit_mem_init(&unit, &mem);
  assert_int_equal(pool__events_init(&events, &mem, 1), 0);
  for (i = 0; i < POOL__EVENTS_MAX + 3; i++)
    add(&events, POOL_EVENT_CONNECT, NULL, (int)i);
  assert_int_equal(events.lost_ever, 3);
  assert_int_equal(pool__events_take(&events, &event), 1);
  assert_int_equal(event.error, 0);
  assert_int_equal(event.lost, 0);
  add(&events, POOL_EVENT_REMOVED, "b", -1);
  add(&events, POOL_EVENT_REMOVED, "b", -2);
  assert_int_equal(events.lost_ever, 4);
  for (i = 1; i < POOL__EVENTS_MAX; i++) {
    assert_int_equal(pool__events_take(&events, &event), 1);
    assert_int_equal(event.error, i);
    assert_int_equal(event.lost, 0);
  }
  assert_int_equal(pool__events_take(&events, &event), 1);
  assert_int_equal(event.error, -1);
  assert_int_equal(event.lost, 3);
  assert_int_equal(pool__events_take(&events, &event), 0);
  add(&events, POOL_EVENT_DRAINED, NULL, 0);
  assert_int_equal(pool__events_take(&events, &event), 1);
  assert_int_equal(event.lost, 1);
  assert_null(event.endpoint);
  assert_int_equal(events.lost_ever, 4);
  pool__events_clear(&events);
  unit_mem_check(&unit, &mem);
}

static void nobody_who_wants_to_know_costs_nothing(void **state) {
  pool__events_t events;
  pool_event_t event;
  pool__mem_t mem;
  unit_mem_t unit;

  (void)state;
  unit_mem_init(&unit, &mem);
  assert_int_equal(pool__events_init(&events, &mem, 0), 0);
  add(&events, POOL_EVENT_CONNECT, NULL, 0);
  assert_int_equal(pool__events_take(&events, &event), 0);
  assert_int_equal(events.lost_ever, 0);
  assert_int_equal(unit.calls, 0);
  pool__events_clear(&events);
  unit_mem_check(&unit, &mem);
}

static void without_memory_it_is_enomem(void **state) {
  pool__events_t events;
  pool__mem_t mem;
  unit_mem_t unit;

  (void)state;
  unit_mem_init(&unit, &mem);
  unit.fail_at = 1;
  assert_int_equal(pool__events_init(&events, &mem, 1), UV_ENOMEM);
  pool__events_clear(&events);
  unit_mem_check(&unit, &mem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(events_are_told_in_order),
      cmocka_unit_test(what_finds_no_room_is_counted_and_told),
      cmocka_unit_test(nobody_who_wants_to_know_costs_nothing),
      cmocka_unit_test(without_memory_it_is_enomem),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
