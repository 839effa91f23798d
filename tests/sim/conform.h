/* Is the simulated kernel like the real one? A script acts on sockets of the
 * loopback and writes down what it sees: what happened, in which order, with
 * which results; no times, ports or descriptors. It runs once on the real
 * kernel and once on ours, in one process, and both have to tell the same.
 *
 *   static void nobody_listens(conform_t *c) {
 *     ... conform_log(c, "a", "connect %s", conform_name(rc)); ...
 *   }
 *   const struct CMUnitTest tests[] = {CONFORM(nobody_listens)};
 *
 * A script waits for what it needs (each wait is bounded, one in vain is
 * written down, and fails the script) and never for time to pass: on the real
 * kernel everything has come when it looks.
 *
 * Runs that differ are printed; with CONFORM_PRINT in the environment, all. On
 * a busy machine the real kernel may have to be asked again; a program in which
 * that happens often fails. */
#ifndef SIM_CONFORM_H_
#define SIM_CONFORM_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CONFORM_WAIT_MS 5000 /* until something that has to come has come */

typedef struct {
  const char *who; /* a literal: which socket, or request */
  char what[120];
} conform_line_t;

/* What a run of a script tells. */
typedef struct {
  conform_line_t *lines;
  uint32_t count;
  uint32_t room;
  uint32_t failures; /* of the script itself, on whatever kernel */
} conform_t;

typedef struct {
  void (*run)(conform_t *c);
} conform_script_t;

/* A test of cmocka; for an array in the body of main(). */
/* clang-format off */
#define CONFORM(script)                                                        \
  {#script, conform_check, NULL, conform_clean, &(conform_script_t){script}}
/* clang-format on */

void conform_check(void **state);
int conform_clean(void **state);

/* The group teardown of each program: prints how often it was asked again. */
int conform_end(void **state);

__attribute__((format(printf, 3, 4))) void
conform_log(conform_t *c, const char *who, const char *format, ...);

/* Writes down what no kernel excuses: a wait in vain, bytes that nobody wrote.
 * The script fails, even when both kernels have it. */
void conform_fail(conform_t *c, const char *who, const char *what);

/* "0", or the name of a libuv error. */
const char *conform_name(int status);

/* Bytes that are too many to write down: any stretch of one long pattern. */
void conform_fill(char *bytes, size_t len, size_t offset);
int conform_is_filled(const char *bytes, size_t len, size_t offset);

#endif
