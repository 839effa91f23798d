/* The wheel against a naive model, in a time of its own.
 *
 * This program has its own versions of the few functions of libuv that the
 * wheel calls: the linker takes those of a program before those of a shared
 * library. The loop is a number, its clock, and one timer; nothing sleeps, and
 * a loop that comes late is one whose clock jumped. The same wheel on a real
 * loop is in wheel.c. */
#include "unit_test.h"

#include "wheel.h"

static struct {
  uint64_t now;
  uint64_t due;
  uv_timer_cb cb;
  uv_timer_t *handle;
  int active;
  int refs;
  int starts;
} loop;

uint64_t uv_now(const uv_loop_t *unused) {
  (void)unused;
  return loop.now;
}

int uv_timer_init(uv_loop_t *unused, uv_timer_t *handle) {
  handle->loop = unused;
  loop.handle = handle;
  loop.active = 0;
  loop.refs = 1;
  return 0;
}

int uv_timer_start(uv_timer_t *handle, uv_timer_cb cb, uint64_t timeout,
                   uint64_t repeat) {
  assert_ptr_equal(handle, loop.handle);
  assert_int_equal(repeat, 0);
  loop.cb = cb;
  loop.due = loop.now + timeout;
  loop.active = 1;
  loop.starts++;
  return 0;
}

int uv_timer_stop(uv_timer_t *handle) {
  assert_ptr_equal(handle, loop.handle);
  loop.active = 0;
  return 0;
}

int uv_is_active(const uv_handle_t *handle) {
  (void)handle;
  return loop.active;
}

void uv_ref(uv_handle_t *handle) {
  (void)handle;
  loop.refs = 1;
}

void uv_unref(uv_handle_t *handle) {
  (void)handle;
  loop.refs = 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb cb) {
  loop.active = 0;
  cb(handle);
}

/* Lets the timer fire, `late` ms after it is due. */
static void fire(uint64_t late) {
  uv_timer_cb cb = loop.cb;

  assert_true(loop.active);
  if (loop.now < loop.due + late)
    loop.now = loop.due + late;
  loop.active = 0;
  cb(loop.handle);
}

/* Lets the clock go to `time`, on time. */
static void run_until(uint64_t time) {
  int rounds = 0;

  while (loop.active && loop.due <= time) {
    fire(0);
    assert_true(++rounds < 100000);
  }
  loop.now = time;
}

#define TIMERS 64

typedef struct {
  pool__timer_t timer;
  int armed;
  uint64_t due;
  int fired;
} model_t;

static struct {
  pool__wheel_t wheel;
  model_t models[TIMERS];
  uint64_t seed;
  uint64_t last_tick;
  int on_time;  /* no jump of the clock so far */
  int mischief; /* callbacks arm and disarm too */
  int bad;      /* broken promises */
  uint64_t fires;
} test;

static uint32_t random_below(uint32_t below) {
  test.seed = test.seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(test.seed >> 33) % below;
}

static uint64_t rounded(uint64_t due) {
  uint64_t resolution = test.wheel.resolution;

  return (due + resolution - 1) / resolution * resolution;
}

static void do_something(void);

static void on_timer(pool__timer_t *timer, uint64_t now) {
  model_t *model = POOL__OF(timer, model_t, timer);

  if (!model->armed || now < model->due || now != loop.now ||
      pool__timer_armed(timer))
    test.bad++;
  if (test.on_time && (now >= model->due + test.wheel.resolution ||
                       rounded(model->due) < test.last_tick))
    test.bad++;
  test.last_tick = rounded(model->due);
  model->armed = 0;
  model->fired++;
  test.fires++;
  if (test.mischief && random_below(3) == 0)
    do_something();
  if (test.mischief && random_below(8) == 0)
    do_something();
}

static uint32_t random_time(void) {
  switch (random_below(5)) {
  case 0:
    return random_below(3);
  case 1:
    return random_below(100);
  case 2: /* around a round or some */
    return (uint32_t)test.wheel.resolution * 512 * (1 + random_below(3)) +
           random_below(20) - 10;
  case 3:
    return random_below(20000);
  default:
    return random_below(1000);
  }
}

static void do_something(void) {
  model_t *model = &test.models[random_below(TIMERS)];
  uint64_t after = random_time();
  uint64_t due = loop.now + (after > 0 ? after : 1);

  switch (random_below(4)) {
  case 0:
    pool__wheel_disarm(&test.wheel, &model->timer);
    model->armed = 0;
    break;
  case 1:
    pool__wheel_arm_by(&test.wheel, &model->timer, after, on_timer);
    if (!model->armed || due < model->due)
      model->due = due;
    model->armed = 1;
    break;
  default:
    pool__wheel_arm(&test.wheel, &model->timer, after, on_timer);
    model->due = due;
    model->armed = 1;
  }
  if (pool__timer_armed(&model->timer) != model->armed)
    test.bad++;
}

/* Every timer whose tick has come must be off; the uv timer is set in time for
 * the rest. */
static void look(uint64_t judged) {
  uint32_t armed = 0;
  int i;

  for (i = 0; i < TIMERS; i++) {
    const model_t *model = &test.models[i];

    if (pool__timer_armed(&model->timer) != model->armed)
      test.bad++;
    if (!model->armed)
      continue;
    armed++;
    if (rounded(model->due) <= judged)
      test.bad++;
    if (!loop.active || (loop.due > rounded(model->due) && loop.due > loop.now))
      test.bad++;
  }
  if (armed != test.wheel.armed)
    test.bad++;
}

static void begin(uint32_t resolution, uint64_t start) {
  memset(&loop, 0, sizeof loop);
  memset(&test, 0, sizeof test);
  loop.now = start;
  test.seed = resolution * 31 + start;
  test.on_time = 1;
  pool__wheel_init(&test.wheel, NULL, resolution);
}

static void on_wheel_closed(pool__wheel_t *wheel) {
  (void)wheel;
}

static void end(void) {
  int i;

  for (i = 0; i < TIMERS; i++)
    pool__wheel_disarm(&test.wheel, &test.models[i].timer);
  assert_int_equal(test.wheel.armed, 0);
  for (i = 0; i < (int)POOL__WHEEL_SLOTS / 64; i++)
    assert_true(test.wheel.full[i] == 0);
  pool__wheel_close(&test.wheel, on_wheel_closed);
  assert_int_equal(test.bad, 0);
}

static const uint32_t resolutions[] = {1, 3, 10, 1000};
static const uint64_t starts[] = {0, 1, 5117, 123456789, 1ull << 40};

static void timers_fire_in_time_and_never_early(void **state) {
  size_t i, k;
  int round;

  (void)state;
  for (i = 0; i < 4; i++)
    for (k = 0; k < 5; k++) {
      int mischief;

      for (mischief = 0; mischief < 2; mischief++) {
        begin(resolutions[i], starts[k]);
        test.mischief = mischief;
        for (round = 0; round < 3000; round++) {
          do_something();
          if (random_below(4) == 0)
            run_until(loop.now + random_time() / 4);
          look(loop.now);
          assert_int_equal(test.bad, 0);
        }
        assert_true(test.fires > 100);
        end();
      }
    }
}

static void a_late_loop_fires_all_that_is_due(void **state) {
  size_t i, k;
  int round;

  (void)state;
  for (i = 0; i < 4; i++)
    for (k = 0; k < 5; k++) {
      begin(resolutions[i], starts[k]);
      test.on_time = 0;
      test.mischief = 1;
      for (round = 0; round < 3000; round++) {
        do_something();
        if (random_below(4) == 0 && loop.active) {
          uint64_t late = random_time();
          uint64_t judged;

          fire(late);
          if (late > POOL__WHEEL_GRACE_MS && loop.active &&
              loop.due == loop.now + 1)
            fire(random_below(3)); /* it was the grace */
          judged = loop.now;
          look(judged);
        }
        assert_int_equal(test.bad, 0);
      }
      assert_true(test.fires > 100);
      end();
    }
}

static void arm(int i, uint64_t after) {
  pool__wheel_arm(&test.wheel, &test.models[i].timer, after, on_timer);
  test.models[i].armed = 1;
  test.models[i].due = loop.now + (after > 0 ? after : 1);
}

static void a_blocked_loop_polls_once_more_before_it_judges(void **state) {
  (void)state;
  begin(10, 1000);
  test.on_time = 0;
  arm(0, 100);
  fire(POOL__WHEEL_GRACE_MS);
  assert_int_equal(test.fires, 1); /* not so late as that */
  arm(0, 100);
  fire(POOL__WHEEL_GRACE_MS + 1);
  assert_int_equal(test.fires, 1);
  assert_true(loop.active);
  assert_true(loop.due == loop.now + 1);
  fire(0);
  assert_int_equal(test.fires, 2);
  arm(0, 100);
  fire(5000);
  assert_int_equal(test.fires, 2);
  fire(5000); /* once more, not for ever */
  assert_int_equal(test.fires, 3);
  end();
}

/* What was read during the grace may disarm what would have fired. */
static void what_is_answered_during_the_grace_does_not_fire(void **state) {
  (void)state;
  begin(10, 1000);
  test.on_time = 0;
  arm(0, 100);
  arm(1, 100);
  fire(1000);
  pool__wheel_disarm(&test.wheel, &test.models[0].timer);
  test.models[0].armed = 0;
  arm(2, 1);
  fire(0);
  assert_int_equal(test.models[0].fired, 0);
  assert_int_equal(test.models[1].fired, 1);
  run_until(loop.now + 20);
  assert_int_equal(test.models[2].fired, 1);
  end();
}

static void far_timers_wait_for_their_round(void **state) {
  (void)state;
  begin(1, 77);
  arm(0, 512);
  arm(1, 1024);
  arm(2, 5120);
  arm(3, UINT32_MAX);
  run_until(77 + 511);
  assert_int_equal(test.fires, 0);
  run_until(77 + 512);
  assert_int_equal(test.models[0].fired, 1);
  run_until(77 + 1023);
  assert_int_equal(test.fires, 1);
  run_until(77 + 1024);
  assert_int_equal(test.models[1].fired, 1);
  run_until(77 + 5119);
  assert_int_equal(test.fires, 2);
  run_until(77 + 5120);
  assert_int_equal(test.fires, 3);
  loop.now += UINT32_MAX - 6000u;
  assert_int_equal(test.models[3].fired, 0);
  run_until(loop.now + 6000);
  assert_int_equal(test.models[3].fired, 1);
  end();
}

static void a_timer_pushed_on_and_on_costs_no_rearming(void **state) {
  int starts_before;
  int i;

  (void)state;
  begin(10, 1000);
  pool__wheel_arm_by(&test.wheel, &test.models[0].timer, 100, on_timer);
  test.models[0].armed = 1;
  test.models[0].due = 1100;
  starts_before = loop.starts;
  for (i = 0; i < 90; i++) {
    loop.now++;
    pool__wheel_arm_by(&test.wheel, &test.models[0].timer, 100, on_timer);
  }
  assert_int_equal(loop.starts, starts_before);
  assert_true(test.models[0].timer.due == 1100);
  pool__wheel_arm_by(&test.wheel, &test.models[0].timer, 5, on_timer);
  test.models[0].due = loop.now + 5;
  assert_true(test.models[0].timer.due == 1095);
  run_until(1100);
  assert_int_equal(test.fires, 1);
  end();
}

static void an_idle_wheel_holds_nothing_and_wakes_for_nothing(void **state) {
  (void)state;
  begin(10, 1000);
  assert_false(loop.active);
  assert_int_equal(loop.refs, 0);
  arm(0, 50);
  assert_true(loop.active);
  assert_int_equal(loop.refs, 0);
  run_until(2000);
  assert_false(loop.active);
  pool__wheel_hold(&test.wheel);
  assert_true(loop.active && loop.refs == 1);
  assert_true(loop.due > loop.now + (1ull << 40));
  arm(0, 50);
  run_until(3000);
  assert_int_equal(test.fires, 2);
  assert_true(loop.active && loop.refs == 1);
  pool__wheel_let_go(&test.wheel);
  assert_int_equal(loop.refs, 0);
  arm(0, 50);
  pool__wheel_hold(&test.wheel);
  run_until(4000);
  assert_int_equal(test.fires, 3);
  assert_true(loop.active && loop.refs == 1);
  end();
}

static void on_timer_that_closes(pool__timer_t *timer, uint64_t now) {
  on_timer(timer, now);
  pool__wheel_close(&test.wheel, on_wheel_closed);
}

static void nothing_fires_after_a_close_in_a_callback(void **state) {
  int i;

  (void)state;
  begin(10, 1000);
  arm(0, 15);
  arm(1, 15);
  test.models[1].timer.cb = on_timer_that_closes;
  arm(2, 15);
  arm(3, 25);
  fire(0);
  assert_int_equal(test.fires, 2);
  assert_false(loop.active);
  for (i = 2; i < 4; i++) {
    assert_true(pool__timer_armed(&test.models[i].timer));
    pool__wheel_disarm(&test.wheel, &test.models[i].timer);
  }
  assert_int_equal(test.wheel.armed, 0);
  assert_int_equal(test.bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_fire_in_time_and_never_early),
      cmocka_unit_test(a_late_loop_fires_all_that_is_due),
      cmocka_unit_test(a_blocked_loop_polls_once_more_before_it_judges),
      cmocka_unit_test(what_is_answered_during_the_grace_does_not_fire),
      cmocka_unit_test(far_timers_wait_for_their_round),
      cmocka_unit_test(a_timer_pushed_on_and_on_costs_no_rearming),
      cmocka_unit_test(an_idle_wheel_holds_nothing_and_wakes_for_nothing),
      cmocka_unit_test(nothing_fires_after_a_close_in_a_callback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
