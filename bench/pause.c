#include "pause.h"

#include <stdlib.h>

#include "common.h"

typedef struct {
  uint64_t due_ms;
  void *data;
} sleeper_t;

static uv_timer_t timer;
static unsigned pause_ms;
static void (*tell)(void *data);

/* A ring: all pauses are as long, so the first to begin is the first to end. */
static sleeper_t *sleepers;
static unsigned room, first, count;

static void on_timer(uv_timer_t *handle) {
  uint64_t now_ms = uv_now(handle->loop);

  while (count > 0 && sleepers[first].due_ms <= now_ms) {
    void *data = sleepers[first].data;

    first = (first + 1) % room;
    count--;
    tell(data);
  }
  if (count > 0)
    uv_timer_start(handle, on_timer, sleepers[first].due_ms - now_ms, 0);
}

void bench_pause_init(uv_loop_t *loop, unsigned ms, unsigned most,
                      void (*on_end)(void *data)) {
  pause_ms = ms;
  tell = on_end;
  room = most;
  sleepers = calloc(most, sizeof *sleepers);
  if (sleepers == NULL)
    bench_fail("-d", "no memory");
  uv_timer_init(loop, &timer);
}

void bench_pause(void *data) {
  sleeper_t *sleeper = &sleepers[(first + count) % room];

  sleeper->due_ms = uv_now(timer.loop) + pause_ms;
  sleeper->data = data;
  if (count++ == 0)
    uv_timer_start(&timer, on_timer, pause_ms, 0);
}

void bench_pause_close(void) {
  uv_close((uv_handle_t *)&timer, NULL);
}
