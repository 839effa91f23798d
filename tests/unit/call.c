/* The table of calls: ids, and the slots behind them. */
#include "unit_test.h"

#include "call.h"

#define MAX_HEAD 4096u

typedef struct {
  uv_loop_t loop;
  pool__wheel_t wheel;
  unit_mem_t unit;
  pool__mem_t mem;
  pool__calls_t calls;
  uint32_t told;
  int error; /* that was told last */
} fixture_t;

static void on_done(const pool_result_t *result, void *data) {
  fixture_t *f = data;

  f->told++;
  f->error = result->error;
}

static void on_wheel_closed(pool__wheel_t *wheel) {
  (void)wheel;
}

static void begin(fixture_t *f) {
  memset(f, 0, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  pool__wheel_init(&f->wheel, &f->loop, 10);
  unit_mem_init(&f->unit, &f->mem);
  pool__calls_init(&f->calls, &f->mem, &f->wheel, 10, 1000);
}

static void end(fixture_t *f) {
  pool__calls_clear(&f->calls);
  unit_mem_check(&f->unit, &f->mem);
  pool__wheel_close(&f->wheel, on_wheel_closed);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&f->loop), 0);
}

static pool__call_t *accept_one(fixture_t *f) {
  pool_request_t request = {.path = "/"};
  pool__call_t *call = NULL;

  assert_int_equal(pool__call_accept(&f->calls, &request, MAX_HEAD, &call), 0);
  call->done = on_done;
  call->data = f;
  return call;
}

static void finish(fixture_t *f, pool__call_t *call) {
  pool__call_end(&f->calls, call, UV_ECANCELED);
  pool__call_finish(&f->calls, call);
}

static void an_id_finds_its_call_until_that_is_told(void **state) {
  pool__call_t *first, *second;
  pool_call_t id;
  fixture_t f;

  (void)state;
  begin(&f);
  first = accept_one(&f);
  second = accept_one(&f);
  id = pool__call_id(first);
  assert_true(id.id != pool__call_id(second).id);
  assert_ptr_equal(pool__call_find(&f.calls, id), first);
  assert_ptr_equal(pool__call_find(&f.calls, pool__call_id(second)), second);
  finish(&f, first);
  assert_int_equal(f.told, 1);
  assert_int_equal(f.error, UV_ECANCELED);
  assert_null(pool__call_find(&f.calls, id));
  assert_ptr_equal(accept_one(&f), first); /* the same slot, another call */
  assert_null(pool__call_find(&f.calls, id));
  finish(&f, first);
  finish(&f, second);
  end(&f);
}

static void zero_is_nobodys_id(void **state) {
  pool_call_t zero = {0};
  pool__call_t *call;
  fixture_t f;

  (void)state;
  begin(&f);
  assert_null(pool__call_find(&f.calls, zero));
  call = accept_one(&f);
  assert_int_equal(call->index, 0);
  assert_null(pool__call_find(&f.calls, zero));
  finish(&f, call);
  assert_null(pool__call_find(&f.calls, zero));
  end(&f);
}

/* 2^32 uses of a slot later. */
static void a_slot_whose_uses_wrap_still_has_good_ids(void **state) {
  pool__call_t *call;
  pool_call_t last, id;
  fixture_t f;

  (void)state;
  begin(&f);
  call = accept_one(&f);
  finish(&f, call);
  call->generation = UINT32_MAX - 1;
  assert_ptr_equal(accept_one(&f), call);
  last = pool__call_id(call);
  assert_int_equal(last.id >> 32, UINT32_MAX);
  assert_ptr_equal(pool__call_find(&f.calls, last), call);
  finish(&f, call);

  assert_ptr_equal(accept_one(&f), call);
  id = pool__call_id(call);
  assert_true(id.id != 0);
  assert_ptr_equal(pool__call_find(&f.calls, id), call);
  assert_null(pool__call_find(&f.calls, last));
  finish(&f, call);
  assert_null(pool__call_find(&f.calls, id));
  end(&f); /* which finds the slot's memory, too */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_id_finds_its_call_until_that_is_told),
      cmocka_unit_test(zero_is_nobodys_id),
      cmocka_unit_test(a_slot_whose_uses_wrap_still_has_good_ids),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
