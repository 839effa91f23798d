/* Pauses of one length between requests, for loads that are not as much as a
 * contestant can do: with the same number of connections and the same pauses
 * all have nearly the same rate. */
#ifndef BENCH_PAUSE_H_
#define BENCH_PAUSE_H_

#include <uv.h>

/* For up to `most` pauses at a time. Exits without memory. */
void bench_pause_init(uv_loop_t *loop, unsigned ms, unsigned most,
                      void (*on_end)(void *data));

/* Calls on_end(data) in `ms`. */
void bench_pause(void *data);

/* When nobody pauses. The loop has nothing of it left soon after. */
void bench_pause_close(void);

#endif
