#include "unit_test.h"

#include "queue.h"

typedef struct {
  int pad;
  pool__link_t link;
  int number;
} thing_t;

#define THINGS 8

typedef struct {
  thing_t things[THINGS];
  pool__list_t list;
  pool__list_t other;
} fixture_t;

static void begin(fixture_t *f) {
  int i;

  memset(f, 0, sizeof *f);
  for (i = 0; i < THINGS; i++)
    f->things[i].number = i;
  pool__list_init(&f->list);
  pool__list_init(&f->other);
}

/* The list has to have these things, as digits, read both ways. */
static void expect(const pool__list_t *list, const char *digits) {
  const pool__link_t *link = &list->head;
  size_t len = strlen(digits);
  pool__link_t *each = pool__list_first(list);
  size_t i;

  assert_int_equal(list->length, len);
  assert_int_equal(pool__list_empty(list), len == 0);
  for (i = 0; i < len; i++) {
    assert_non_null(each);
    assert_true(pool__link_listed(each));
    assert_int_equal(POOL__OF(each, thing_t, link)->number, digits[i] - '0');
    assert_ptr_equal(each->prev->next, each);
    assert_ptr_equal(each->next->prev, each);
    link = each;
    each = pool__list_next(list, each);
  }
  assert_null(each);
  assert_ptr_equal(link->next, &list->head);
  assert_ptr_equal(list->head.prev, link);
  if (len == 0)
    assert_null(pool__list_first(list));
}

static void things_stand_where_they_were_put(void **state) {
  fixture_t f;

  (void)state;
  begin(&f);
  expect(&f.list, "");
  pool__list_append(&f.list, &f.things[1].link);
  pool__list_append(&f.list, &f.things[2].link);
  pool__list_prepend(&f.list, &f.things[0].link);
  pool__list_insert(&f.list, &f.things[5].link, &f.things[2].link);
  expect(&f.list, "0152");
}

static void a_thing_that_goes_leaves_the_others_in_order(void **state) {
  fixture_t f;
  int i;

  (void)state;
  begin(&f);
  for (i = 0; i < 4; i++)
    pool__list_append(&f.list, &f.things[i].link);
  pool__list_remove(&f.list, &f.things[2].link);
  expect(&f.list, "013");
  assert_false(pool__link_listed(&f.things[2].link));
  pool__list_remove(&f.list, &f.things[0].link);
  expect(&f.list, "13");
  pool__list_remove(&f.list, &f.things[3].link);
  expect(&f.list, "1");
  pool__list_remove(&f.list, &f.things[1].link);
  expect(&f.list, "");
  pool__list_append(&f.list, &f.things[2].link);
  expect(&f.list, "2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(things_stand_where_they_were_put),
      cmocka_unit_test(a_thing_that_goes_leaves_the_others_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
