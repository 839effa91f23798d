/* Callers, each with one GET, who come at a rate that does not depend on what
 * becomes of the earlier ones (an open loop). callers.mjs does the same with
 * the same arguments for node.js.
 *
 *   bench_callers_LIBRARY -p PORT -r RATE -t SECONDS [-e ENDPOINTS]
 *       [-c CONNECTIONS] [-m MAX_PENDING] [-d TIMEOUT_MS] [-k TRIES] [-s SEED]
 *       [-i] [-g] [-j]
 *
 *   -m   none: no limit
 *   -d   how long a caller waits for the answer to a try [the library's]
 *   -k   who did not get it asks again after 100 ms, at most so often [1]
 *   -i   they come independently of each other (a Poisson process), by the
 *        seed; else at even intervals
 *   -g   with pings, of /ping
 *   -j   an answer of 500 and above is tried again by the library
 *
 * Prints one line for each try in the order in which they ended:
 *
 *   DUE MADE ENDED RESULT TRY
 *
 * the times in us of uv_hrtime()'s clock, the status or the name of the error,
 * and which try of this caller it was, from 1. */
#include "../common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "contestant.h"
#include "random.h"

#define PAUSE_US  100000u
#define GIVE_UP_S 300

typedef struct try_s {
  struct try_s *next; /* in one of the two lists */
  uint64_t due_us;
  uint64_t made_us;
  uint64_t ended_us;
  unsigned number;
  int status;
  const char *error;
} try_t;

typedef struct {
  try_t *first;
  try_t **last;
} list_t;

static contestant_settings_t settings = {.endpoints = 1, .max_connections = 20};
static unsigned rate, seconds, max_tries = 1;
static int independent;
static uint64_t seed;
static uv_timer_t timer;
static uint64_t next_us;        /* when the next new caller comes */
static uint64_t to_come;        /* new callers */
static uint64_t in_hand;        /* tries that were made and have not ended */
static list_t again, has_ended; /* in the order of `due_us`, of `ended_us` */

static uint64_t now_us(void) {
  return uv_hrtime() / 1000;
}

static void append(list_t *list, try_t *try) {
  try->next = NULL;
  *list->last = try;
  list->last = &try->next;
}

static try_t *new_try(uint64_t due_us, unsigned number) {
  try_t *try = calloc(1, sizeof *try);

  if (try == NULL)
    bench_fail("try", "no memory");
  try->due_us = due_us;
  try->number = number;
  return try;
}

/* Nobody asks again after the last caller came: the run is over. */
void contestant_done(void *request, int status, const char *error) {
  try_t *try = request;

  try->ended_us = now_us();
  try->status = status;
  try->error = error;
  in_hand--;
  append(&has_ended, try);
  if (error != NULL && try->number < max_tries && to_come > 0)
    append(&again, new_try(try->ended_us + PAUSE_US, try->number + 1));
}

static void make(try_t *try) {
  try->made_us = now_us();
  in_hand++;
  contestant_get(try);
}

static uint64_t interval_us(void) {
  double average_us = 1e6 / rate;

  return (uint64_t)(independent ? random_exponential(&seed, average_us)
                                : average_us);
}

static void on_tick(uv_timer_t *handle) {
  uint64_t until_us = now_us();

  while (to_come > 0 && next_us <= until_us) {
    try_t *try = new_try(next_us, 1);

    to_come--;
    next_us += interval_us();
    make(try);
  }
  while (again.first != NULL && again.first->due_us <= until_us) {
    try_t *try = again.first;

    again.first = try->next;
    if (again.first == NULL)
      again.last = &again.first;
    make(try);
  }
  if (to_come == 0 && again.first == NULL && in_hand == 0) {
    contestant_close();
    uv_close((uv_handle_t *)handle, NULL);
  }
}

/* Errors of some libraries are sentences; here they are one word. */
static void print_result(const try_t *try) {
  const char *at;

  if (try->error == NULL)
    printf("%d", try->status);
  for (at = try->error; at != NULL && *at != '\0'; at++)
    putchar(*at == ' ' ? '_' : *at);
}

static void report(void) {
  try_t *try, *next;

  for (try = has_ended.first; try != NULL; try = next) {
    next = try->next;
    printf("%llu %llu %llu ", (unsigned long long)try->due_us,
           (unsigned long long)try->made_us, (unsigned long long)try->ended_us);
    print_result(try);
    printf(" %u\n", try->number);
    free(try);
  }
}

static unsigned *number_of(int option) {
  switch (option) {
  case 'p':
    return &settings.port;
  case 'e':
    return &settings.endpoints;
  case 'c':
    return &settings.max_connections;
  case 'm':
    return &settings.max_pending;
  case 'd':
    return &settings.timeout_ms;
  case 's':
    return &settings.seed;
  case 'r':
    return &rate;
  case 't':
    return &seconds;
  case 'k':
    return &max_tries;
  default:
    return NULL;
  }
}

static void read_options(int argc, char **argv) {
  unsigned *number;
  int option;

  while ((option = getopt(argc, argv, "p:e:c:m:d:s:r:t:k:igj")) != -1) {
    number = number_of(option);
    if (number != NULL)
      *number = bench_number(optarg);
    else if (option == 'i')
      independent = 1;
    else if (option == 'g')
      settings.pings = 1;
    else if (option == 'j')
      settings.rejects = 1;
    else
      exit(2);
  }
  seed = settings.seed;
  to_come = (uint64_t)rate * seconds;
  if (to_come == 0)
    bench_fail("-r, -t", "no requests");
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  alarm(GIVE_UP_S);
  again.last = &again.first;
  has_ended.last = &has_ended.first;
  read_options(argc, argv);
  contestant_open(uv_default_loop(), &settings);
  uv_timer_init(uv_default_loop(), &timer);
  next_us = now_us();
  uv_timer_start(&timer, on_tick, 0, 1);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  report();
  return 0;
}
