/* What happened, as a number and, when asked for, as text.
 *
 * Everything that the simulated kernel and the users of a pool see goes into
 * one hash: two runs of a seed are the same if and only if their hashes are.
 * Nothing that differs from build to build (addresses, real descriptors, the
 * real time) may go in. */
#ifndef SIM_TRACE_H_
#define SIM_TRACE_H_

#include <stdint.h>

/* Starts afresh. `print`: each line goes to standard output too. */
void trace_begin(int print);

/* One event; `what` is a literal. */
void trace(const char *what, int64_t a, int64_t b, int64_t c);

uint64_t trace_hash(void);
uint64_t trace_count(void);

/* Who is told of a failure before the process aborts: to say which seed. */
void trace_on_failure(void (*cb)(void));

/* A broken promise: says so with the time, and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void
trace_fail(const char *format, ...);

#endif
