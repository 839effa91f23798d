/* sim: lives through universes, each decided by its seed.
 *
 *   sim [--universes N] [--hours H] [--requests N] [--first SEED] [--jobs N]
 *       [--only KIND|quiet|swarm] [--json] [--check]
 *                 until there were that many of each; prints what came of it,
 *                 with --json also as the last line. From 472 universes on
 *                 each kind has to have struck. --check also holds it against
 *                 the figures that are asked for
 *   sim --seed S [--only ...] [--trace]
 *                 one universe, with its configuration, and event by event
 *   sim --list    the kinds
 *
 * A universe in which a promise is broken aborts its process; the seed is told,
 * and the command that shows it again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#define JOBS_MAX   64
#define PATIENCE_S 900u /* for one universe, on whatever machine */

/* The figures asked for. */
#define ASKED_KINDS         30u
#define ASKED_HITS          100u
#define ASKED_HOURS_PER_MIN 15.0

typedef struct {
  uint64_t universes;
  double hours;
  uint64_t requests;
  uint64_t first;
  int jobs;
  int mode; /* -1: as the seed says */
  kind_t only;
  int is_json;
  int is_check;
  int is_one; /* --seed */
  int is_trace;
} wishes_t;

/* What the processes share. Each adds up its own. */
typedef struct {
  uint64_t seed; /* that it is at */
  uint64_t universes;
  uint64_t simulated_us;
  uint64_t cpu_us;
  uint64_t requests;
  uint64_t refused;
  uint64_t succeeded;
  uint64_t failed;
  uint64_t checks;
  uint64_t calls_of_system;
  uint64_t max_late_ms;
  uint64_t hash; /* a sum: the order does not matter */
  uint64_t hits[KINDS];
} tally_t;

static tally_t *tallies; /* [JOBS_MAX + 1]; the last one is the sum */

static void add_up(const wishes_t *wishes, tally_t *sum) {
  int i, k;

  memset(sum, 0, sizeof *sum);
  for (i = 0; i < wishes->jobs; i++) {
    const tally_t *t = &tallies[i];

    sum->universes += t->universes;
    sum->simulated_us += t->simulated_us;
    sum->cpu_us += t->cpu_us;
    sum->requests += t->requests;
    sum->refused += t->refused;
    sum->succeeded += t->succeeded;
    sum->failed += t->failed;
    sum->checks += t->checks;
    sum->calls_of_system += t->calls_of_system;
    sum->hash += t->hash;
    if (t->max_late_ms > sum->max_late_ms)
      sum->max_late_ms = t->max_late_ms;
    for (k = 0; k < KINDS; k++)
      sum->hits[k] += t->hits[k];
  }
}

static void count(tally_t *tally, const world_t *world) {
  int k;

  tally->universes++;
  tally->simulated_us += world->simulated_us;
  tally->requests += world->accepted;
  tally->refused += world->refused;
  tally->succeeded += world->succeeded;
  tally->failed += world->failed;
  tally->checks += world->checks;
  tally->calls_of_system += world->calls_of_system;
  tally->hash += (world->hash ^ world->seed) * 0x9e3779b97f4a7c15u;
  if (world->max_late_ms > tally->max_late_ms)
    tally->max_late_ms = world->max_late_ms;
  for (k = 0; k < KINDS; k++)
    tally->hits[k] += world->hits[k];
}

static double hours_of(const tally_t *tally) {
  return (double)tally->simulated_us / 3.6e9;
}

static double hours_per_minute(const tally_t *tally) {
  return tally->cpu_us == 0 ? 0
                            : hours_of(tally) / ((double)tally->cpu_us / 60e6);
}

/* --- running ---------------------------------------------------------------
 */

static int is_enough(const wishes_t *wishes) {
  tally_t sum;

  if (wishes->hours == 0 && wishes->requests == 0)
    return 0; /* the number of universes alone counts */
  add_up(wishes, &sum);
  return sum.universes >= wishes->universes &&
         hours_of(&sum) >= wishes->hours && sum.requests >= wishes->requests;
}

static void work(const wishes_t *wishes, int job) {
  static world_t world;
  tally_t *tally = &tallies[job];
  int is_bounded = wishes->hours == 0 && wishes->requests == 0;
  uint64_t n;

  for (n = (uint64_t)job; !is_bounded || n < wishes->universes;
       n += (uint64_t)wishes->jobs) {
    if (is_enough(wishes))
      return;
    tally->seed = wishes->first + n;
    alarm(PATIENCE_S);
    world_make(&world, tally->seed, wishes->mode, wishes->only);
    universe_run(&world, 0);
    count(tally, &world);
    tally->cpu_us = kernel_cpu_us();
  }
}

static void print_commit(void) {
  fflush(stdout);
  fprintf(stderr, "commit: ");
  if (system("git -C '" SIM_SOURCE_DIR "' rev-parse HEAD >&2 2>/dev/null") != 0)
    fprintf(stderr, "unknown\n");
}

static void tell_failure(const wishes_t *wishes, int job, int status) {
  fprintf(stderr, "FAILED: seed %" PRIu64 ", %s %d\n", tallies[job].seed,
          WIFSIGNALED(status) ? "signal" : "exit status",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  print_commit();
  fprintf(stderr, "again: sim --seed %" PRIu64 "%s%s --trace\n",
          tallies[job].seed,
          wishes->only != KIND_NONE || wishes->mode >= 0 ? " --only " : "",
          wishes->only != KIND_NONE     ? kind_info(wishes->only)->name
          : wishes->mode == WORLD_QUIET ? "quiet"
          : wishes->mode == WORLD_SWARM ? "swarm"
                                        : "");
}

/* One process for each job; how many failed. */
static int run_jobs(const wishes_t *wishes) {
  pid_t pids[JOBS_MAX];
  int failures = 0;
  int i;

  fflush(NULL);
  for (i = 0; i < wishes->jobs; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      work(wishes, i);
      exit(0); /* so that leak checkers have their say */
    }
    if (pids[i] < 0) {
      perror("fork");
      return 1;
    }
  }
  for (i = 0; i < wishes->jobs; i++) {
    int status = 0;

    waitpid(pids[i], &status, 0);
    if (status == 0)
      continue;
    failures++;
    tell_failure(wishes, i, status);
  }
  return failures;
}

static const wishes_t *asked;

static void on_failure(void) {
  if (!asked->is_one)
    return;
  fprintf(stderr, "seed %" PRIu64 "\n", universe_now()->seed);
  print_commit();
}

static int run_one(const wishes_t *wishes) {
  static world_t world;

  world_make(&world, wishes->first, wishes->mode, wishes->only);
  world_print(&world);
  fflush(stdout);
  universe_run(&world, wishes->is_trace);
  printf("%.1f s, %" PRIu64 " requests, %" PRIu64 " answered, %" PRIu64
         " failed, %" PRIu64 " refused; trace hash %016" PRIx64 "\n",
         (double)world.simulated_us / 1e6, world.accepted, world.succeeded,
         world.failed, world.refused, world.hash);
  return 0;
}

/* --- the report ------------------------------------------------------------
 */

/* Something goes wrong: not an answer that is unusual, nor what users do. */
static int is_fault(kind_t kind) {
  group_t group = kind_info(kind)->group;

  return group == GROUP_CONNECT || group == GROUP_HOST || group == GROUP_BAD ||
         group == GROUP_AFTER || group == GROUP_CHAOS;
}

static unsigned kinds_with(const tally_t *sum, uint64_t hits) {
  unsigned n = 0;
  int k;

  for (k = 0; k < KINDS; k++)
    n += is_fault((kind_t)k) && sum->hits[k] >= hits;
  return n;
}

static void print_json(const tally_t *sum) {
  int k;

  printf("{\"universes\":%" PRIu64 ",\"sim_hours\":%.2f,\"requests\":%" PRIu64
         ",\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64
         ",\"refused\":%" PRIu64 ",\"checks\":%" PRIu64
         ",\"system_calls\":%" PRIu64 ",\"cpu_minutes\":%.3f,"
         "\"sim_hours_per_cpu_min\":%.2f,\"max_deadline_overrun_ms\":%" PRIu64
         ",\"kinds_hit_100\":%u,\"hash\":\"%016" PRIx64 "\",\"faults\":{",
         sum->universes, hours_of(sum), sum->requests, sum->succeeded,
         sum->failed, sum->refused, sum->checks, sum->calls_of_system,
         (double)sum->cpu_us / 60e6, hours_per_minute(sum), sum->max_late_ms,
         kinds_with(sum, ASKED_HITS), sum->hash);
  for (k = 0; k < KINDS; k++)
    printf("%s\"%s\":%" PRIu64, k > 0 ? "," : "", kind_info((kind_t)k)->name,
           sum->hits[k]);
  printf("}}\n");
}

static void print_text(const tally_t *sum) {
  int k;

  printf("figures: %" PRIu64
         " universes, %.1f simulated hours, %.1f M requests, "
         "%.1f hours a CPU minute\n",
         sum->universes, hours_of(sum), (double)sum->requests / 1e6,
         hours_per_minute(sum));
  printf("%" PRIu64 " answered, %" PRIu64 " failed, %" PRIu64
         " refused; %.1f M polls checked in %.2f CPU minutes; at most %" PRIu64
         " ms behind a deadline\n",
         sum->succeeded, sum->failed, sum->refused, (double)sum->checks / 1e6,
         (double)sum->cpu_us / 60e6, sum->max_late_ms);
  printf("%u kinds of faults struck %u times or more:",
         kinds_with(sum, ASKED_HITS), ASKED_HITS);
  for (k = 0; k < KINDS; k++)
    printf(" %s=%" PRIu64, kind_info((kind_t)k)->name, sum->hits[k]);
  printf("\nhash %016" PRIx64 "\n", sum->hash);
}

/* Where each kind had a universe of its own, each has to have struck. */
static int check_kinds(const wishes_t *wishes, const tally_t *sum) {
  int failures = 0;
  int k;

  if (sum->universes < 4 * KINDS || wishes->only != KIND_NONE ||
      wishes->mode >= 0)
    return 0;
  for (k = 0; k < KINDS; k++)
    if (sum->hits[k] == 0) {
      printf("NOT SO: %s never struck\n", kind_info((kind_t)k)->name);
      failures++;
    }
  return failures;
}

/* Whether the figures are as asked for; says which are not. */
static int check_figures(const tally_t *sum) {
  int failures = 0;

  if (kinds_with(sum, ASKED_HITS) < ASKED_KINDS) {
    printf("NOT SO: only %u kinds of faults struck %u times\n",
           kinds_with(sum, ASKED_HITS), ASKED_HITS);
    failures++;
  }
  if (hours_per_minute(sum) < ASKED_HOURS_PER_MIN) {
    printf("NOT SO: only %.1f hours a CPU minute\n", hours_per_minute(sum));
    failures++;
  }
  return failures;
}

/* --- options ---------------------------------------------------------------
 */

static int list_kinds(void) {
  int k;

  for (k = 0; k < KINDS; k++)
    printf("%s\n", kind_info((kind_t)k)->name);
  return 0;
}

static int usage(void) {
  fprintf(stderr, "usage: sim [--universes N] [--hours H] [--requests N] "
                  "[--first SEED] [--jobs N]\n           "
                  "[--only KIND|quiet|swarm] [--json] [--check]\n"
                  "       sim --seed S [--only ...] [--trace]\n"
                  "       sim --list\n");
  return 2;
}

static int set_only(wishes_t *wishes, const char *name) {
  if (strcmp(name, "quiet") == 0)
    wishes->mode = WORLD_QUIET;
  else if (strcmp(name, "swarm") == 0)
    wishes->mode = WORLD_SWARM;
  else
    wishes->only = kind_find(name);
  return wishes->mode >= 0 || wishes->only != KIND_NONE;
}

static int set_number(wishes_t *wishes, const char *name, const char *value) {
  char *end;
  uint64_t n = strtoull(value, &end, 10);

  if (strcmp(name, "--hours") == 0)
    wishes->hours = strtod(value, &end);
  else if (strcmp(name, "--universes") == 0)
    wishes->universes = n;
  else if (strcmp(name, "--requests") == 0)
    wishes->requests = n;
  else if (strcmp(name, "--first") == 0)
    wishes->first = n;
  else if (strcmp(name, "--jobs") == 0)
    wishes->jobs = n >= 1 && n <= JOBS_MAX ? (int)n : 0;
  else if (strcmp(name, "--seed") == 0) {
    wishes->first = n;
    wishes->is_one = 1;
  } else {
    return 0;
  }
  return *value != '\0' && *end == '\0' && wishes->jobs > 0;
}

static int read_options(wishes_t *wishes, int argc, char **argv) {
  int i;

  for (i = 1; i < argc; i++) {
    const char *name = argv[i];

    if (strcmp(name, "--json") == 0)
      wishes->is_json = 1;
    else if (strcmp(name, "--check") == 0)
      wishes->is_check = 1;
    else if (strcmp(name, "--trace") == 0)
      wishes->is_trace = 1;
    else if (i + 1 == argc)
      return 0;
    else if (strcmp(name, "--only") == 0 ? !set_only(wishes, argv[++i])
                                         : !set_number(wishes, name, argv[++i]))
      return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  wishes_t wishes = {
      .universes = 200, .first = 1, .jobs = 1, .mode = -1, .only = KIND_NONE};
  tally_t sum;
  int failures;

  if (argc == 2 && strcmp(argv[1], "--list") == 0)
    return list_kinds();
  if (!read_options(&wishes, argc, argv))
    return usage();
  asked = &wishes;
  trace_on_failure(on_failure);
  if (wishes.is_one)
    return run_one(&wishes);
  tallies = mmap(NULL, (JOBS_MAX + 1) * sizeof *tallies, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (tallies == MAP_FAILED)
    return 1;
  failures = run_jobs(&wishes);
  add_up(&wishes, &sum);
  print_text(&sum);
  if (failures == 0)
    failures = check_kinds(&wishes, &sum);
  if (failures == 0 && wishes.is_check)
    failures = check_figures(&sum);
  if (wishes.is_json)
    print_json(&sum);
  return failures == 0 ? 0 : 1;
}
