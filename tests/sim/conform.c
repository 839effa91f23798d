#include "conform.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "kernel.h"

void conform_log(conform_t *c, const char *who, const char *format, ...) {
  conform_line_t *line;
  va_list args;

  if (c->count == c->room) {
    c->room = c->room == 0 ? 64 : 2 * c->room;
    c->lines = realloc(c->lines, c->room * sizeof *c->lines);
    if (c->lines == NULL)
      abort();
  }
  line = &c->lines[c->count++];
  line->who = who;
  va_start(args, format);
  vsnprintf(line->what, sizeof line->what, format, args);
  va_end(args);
}

void conform_fail(conform_t *c, const char *who, const char *what) {
  conform_log(c, who, "%s", what);
  c->failures++;
}

const char *conform_name(int status) {
  return status == 0 ? "0" : uv_err_name(status);
}

static char pattern_at(size_t at) {
  return (char)(at ^ at >> 8 ^ at >> 16);
}

void conform_fill(char *bytes, size_t len, size_t offset) {
  size_t i;

  for (i = 0; i < len; i++)
    bytes[i] = pattern_at(offset + i);
}

int conform_is_filled(const char *bytes, size_t len, size_t offset) {
  size_t i = 0;

  while (i < len && bytes[i] == pattern_at(offset + i))
    i++;
  return i == len;
}

/* --- comparing ------------------------------------------------------------ */

static int is_equal(const conform_line_t *a, const conform_line_t *b) {
  return strcmp(a->who, b->who) == 0 && strcmp(a->what, b->what) == 0;
}

/* The first line that differs, or the count when none does. */
static uint32_t difference(const conform_t *a, const conform_t *b) {
  uint32_t i = 0;

  while (i < a->count && i < b->count && is_equal(&a->lines[i], &b->lines[i]))
    i++;
  return i;
}

/* Whether both tell the same, and what they tell is worth something. */
static int is_passed(const conform_t *real, const conform_t *simulated) {
  return real->count > 0 && real->count == simulated->count &&
         difference(real, simulated) == real->count && real->failures == 0 &&
         simulated->failures == 0;
}

static void print_run(const char *title, const conform_t *c, uint32_t mark) {
  uint32_t i;

  print_message("%s\n", title);
  for (i = 0; i < c->count; i++)
    print_message("%s %-4s %s\n", i == mark ? ">" : " ", c->lines[i].who,
                  c->lines[i].what);
  if (mark == c->count)
    print_message("> (no more)\n");
  if (c->failures > 0)
    print_message("%u times in vain, or not what was written\n", c->failures);
}

/* --- running -------------------------------------------------------------- */

/* A busy machine may take a packet out of the hands of the one that sends it,
 * and deliver it later than otherwise: then the real kernel is asked again.
 * What the simulated one does has to be something that the real one does. */
#define TRIES       5
#define RETRIES_MAX 4 /* of all scripts of a program together */

static int retries;

static void run_simulated(const conform_script_t *script, conform_t *c) {
  kernel_options_t options = {.seed = 1};

  kernel_begin(&options);
  script->run(c);
  if (kernel_open_files() != 0)
    conform_log(c, "", "%u sockets are left open", kernel_open_files());
  kernel_end();
}

void conform_check(void **state) {
  const conform_script_t *script = *state;
  conform_t real = {0};
  conform_t simulated = {0};
  int tries = TRIES;
  int passed;

  signal(SIGPIPE, SIG_IGN);
  run_simulated(script, &simulated);
  do {
    retries += tries < TRIES;
    free(real.lines);
    memset(&real, 0, sizeof real);
    script->run(&real);
    passed = is_passed(&real, &simulated);
  } while (!passed && --tries > 0);
  if (!passed || getenv("CONFORM_PRINT") != NULL) {
    uint32_t mark = passed ? UINT32_MAX : difference(&real, &simulated);

    print_run("on the real kernel:", &real, mark);
    print_run("on the simulated one:", &simulated, mark);
  }
  free(real.lines);
  free(simulated.lines);
  assert_true(passed);
  assert_true(retries <= RETRIES_MAX);
}

int conform_clean(void **state) {
  (void)state;
  if (kernel_is_on())
    kernel_end(); /* the script has failed on it */
  return 0;
}

int conform_end(void **state) {
  (void)state;
  print_message("# the real kernel was asked again %d times, %d are allowed\n",
                retries, RETRIES_MAX);
  return 0;
}
