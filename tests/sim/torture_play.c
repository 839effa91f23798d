/* One scene, one fault: from an empty process to an empty one. */
#include "pool.h"
#include "torture_jobs.h"

typedef struct {
  const torture_fault_t *fault;
  torture_report_t *report;
  int trace;
} part_t;

/* Everything that may fail does so in here. */
static void play_tortured(const part_t *part, scene_t *scene, fixture_t *fx) {
  int err;

  torture_begin(part->fault, part->report, fx);
  err = fixture_open(fx);
  torture_hold(1);
  if (err != 0)
    assert_int_equal(fixture_open(fx), 0);
  scene_open(scene, part->fault->scenario, fx);
  torture_hold(0);
  if (err == 0)
    err = scene_pool(scene);
  scene->rc = err;
  if (fx->pool != NULL)
    scene_play(scene);
  torture_end();
}

static void check_fault(const part_t *part, const scene_t *scene) {
  int errors[8];

  if (!part->report->struck)
    fail_msg("this point is not reached any more");
  torture_consequences(part->fault, errors);
  scene_check(scene, errors);
  /* A pool that is closed has no more to say. */
  if (torture_matters(part->fault) && scene->fx->closed == 0 &&
      !scene_told(scene, errors))
    fail_msg("nobody was told");
  scene_compare(&part->report->marks, part->fault->good);
}

static void check(const part_t *part, const scene_t *scene) {
  static const int none[] = {0};

  part->report->marks.count = 0;
  scene_mark(scene, &part->report->marks);
  if (part->fault->point > 0)
    check_fault(part, scene);
  else
    scene_check(scene, none);
}

/* At rest nothing is lent out: neither a slot for a call, nor a reply. */
static void check_rest(pool_t *pool) {
  pool__slab_t *slab = &pool->calls.slab;
  uint32_t slots[POOL__SLAB_BLOCK];
  uint32_t count = 0;

  assert_int_equal(pool->replies.lent, 0);
  assert_int_equal(pool__slab_size(slab), POOL__SLAB_BLOCK);
  while (slab->free != POOL__SLAB_NONE && count < POOL__SLAB_BLOCK)
    assert_non_null(pool__slab_take(slab, &slots[count++]));
  assert_int_equal(count, POOL__SLAB_BLOCK);
  while (count > 0)
    pool__slab_give(slab, slots[--count]);
}

static void play(void **state) {
  const part_t *part = *state;
  kernel_options_t options = torture_kernel(part->trace);
  fixture_t *fx;
  scene_t scene;
  void *own;

  kernel_begin(&options);
  own = fx = fixture_new();
  play_tortured(part, &scene, fx);
  check(part, &scene);
  scene_recover(&scene);
  check_rest(fx->pool);
  scene_close(&scene);
  assert_int_equal(fixture_teardown(&own), 0);
  assert_int_equal(torture_libuv_blocks(), 0);
  assert_int_equal(kernel_open_files(), 0);
  kernel_end();
}

int torture_play(const torture_fault_t *fault, torture_report_t *report,
                 int trace) {
  part_t part = {fault, report, trace};
  const struct CMUnitTest test = {fault->scenario->name, play, NULL, NULL,
                                  &part};

  return _cmocka_run_group_tests(fault->scenario->name, &test, 1, NULL, NULL);
}
