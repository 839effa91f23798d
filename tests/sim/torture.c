/* sim_torture: each scene is played on the simulated kernel once for each
 * point at which something can fail and each way in which it can, and the pool
 * has to come through: see torture_faults.h for what fails, scene.h for what
 * is checked.
 *
 *   sim_torture [--alloc] [--uv] [--sys]   the kinds of faults [all]
 *               [--scene NAME]             this scene alone
 *               [--point K]                this point of each alone
 *               [--stride N]               a share: each N-th run
 *               [--jobs N]                 processes at a time [processors]
 *               [--trace]                  what the kernel does, all of it
 *               [--json]                   figures as JSON, one kind a line
 *               [--list]                   the names of the scenes
 *
 * A first run, in which nothing fails, counts the points of a scene: up to
 * there every other run is the same, so none is left out. */
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "torture_jobs.h"

#define FAILURES_MAX 25u /* of a kind; then what is left of it is not run */
#define CALLS_MAX    32u

typedef struct {
  uint64_t scenes;
  uint64_t points;    /* at which something failed */
  uint64_t runs;      /* scenes times points times ways to fail */
  uint64_t processes; /* for them */
  uint64_t failures;  /* runs that did not end as they should */
  uint64_t aborts;    /* of libuv's, that are let pass */
} figures_t;

static const char *const kind_names[TORTURE_KINDS] = {"alloc", "uv", "sys"};

static int wanted[TORTURE_KINDS];
static const char *scene_name;
static uint32_t only_point;
static uint64_t stride = 1;
static unsigned job_count;
static int json;
static int tracing;

static figures_t figures[TORTURE_KINDS];
static const char *program;
static uint64_t turns;  /* for the stride */
static uint32_t points; /* of this scene */
static uint8_t calls[TORTURE_POINTS];
static scene_marks_t good; /* as well */

static uint32_t reached[TORTURE_KINDS][CALLS_MAX]; /* points, by the call */

/* --- what came of it ------------------------------------------------------ */

static void on_passed(const torture_fault_t *fault, unsigned runs,
                      const torture_report_t *report) {
  figures[fault->kind].runs += runs;
  if (fault->point > 0)
    return;
  points = report->points;
  good = report->marks;
  if (fault->kind != TORTURE_ALLOC)
    memcpy(calls, report->calls, points);
}

static void tell_failure(const torture_fault_t *fault, const char *why,
                         const char *output) {
  const char *kind = kind_names[fault->kind];
  const char *name = fault->scenario->name;

  if (fault->point == 0) {
    printf("FAILED %s, where nothing should: %s\n%s\n", name, why, output);
    return;
  }
  printf("FAILED %s --%s point %" PRIu32 ", %s: %s: %s\n%s\n", name, kind,
         fault->point, torture_call_name(fault->kind, fault->call),
         torture_way_name(fault->kind, fault->way), why, output);
  printf("again: %s --%s --scene %s --point %" PRIu32 "\n\n", program, kind,
         name, fault->point);
}

static void on_ended(const torture_fault_t *fault, torture_verdict_t verdict,
                     const char *why, const char *output) {
  figures_t *figure = &figures[fault->kind];

  figure->runs++;
  if (verdict == TORTURE_FAILED) {
    figure->failures++;
    tell_failure(fault, why, output);
    return;
  }
  figure->aborts++;
  printf("let pass: libuv aborts, as it cannot enlarge its table of watchers: "
         "%s --%s point %" PRIu32 "\n",
         fault->scenario->name, kind_names[fault->kind], fault->point);
}

static const torture_listener_t listener = {on_passed, on_ended};

/* --- runs ----------------------------------------------------------------- */

static int gives_up(torture_kind_t kind) {
  return figures[kind].failures >= FAILURES_MAX;
}

static void run_point(torture_fault_t *fault, uint32_t point) {
  if ((only_point != 0 && only_point != point) || turns++ % stride != 0)
    return;
  fault->point = point;
  fault->call = calls[point - 1];
  figures[fault->kind].points++;
  reached[fault->kind][fault->call]++;
  torture_jobs_start(fault);
}

static void run_scene(torture_kind_t kind, const scenario_t *scenario) {
  torture_fault_t fault = {kind, scenario, .good = &good};
  uint32_t i;

  points = 0;
  torture_jobs_start(&fault); /* counts them */
  torture_jobs_wait();
  figures[kind].scenes++;
  for (i = 1; i <= points && !gives_up(kind); i++)
    run_point(&fault, i);
  torture_jobs_wait();
}

/* After all scenes: what can fail has to be called in one of them. */
static void check_reached(torture_kind_t kind) {
  unsigned call;

  if (scene_name != NULL || only_point != 0 || stride != 1 || gives_up(kind))
    return;
  for (call = 0; call < torture_call_count(kind); call++) {
    if (torture_ways(kind, call) == NULL || reached[kind][call] > 0)
      continue;
    printf("FAILED --%s: no scene calls %s\n", kind_names[kind],
           torture_call_name(kind, call));
    figures[kind].runs++;
    figures[kind].failures++;
  }
}

static void run_kind(torture_kind_t kind) {
  uint64_t before = torture_jobs_count();
  size_t count, i;
  const scenario_t *all = scenarios(&count);

  for (i = 0; i < count && !gives_up(kind); i++)
    if (scene_name == NULL || strcmp(scene_name, all[i].name) == 0)
      run_scene(kind, &all[i]);
  figures[kind].processes = torture_jobs_count() - before;
  check_reached(kind);
  if (gives_up(kind))
    printf("too many failures: the rest of --%s is not run\n",
           kind_names[kind]);
}

/* --- options -------------------------------------------------------------- */

static void list_scenes(void) {
  size_t count, i;
  const scenario_t *all = scenarios(&count);

  for (i = 0; i < count; i++)
    printf("%s\n", all[i].name);
}

static void refuse(const char *what) {
  fprintf(stderr, "%s: what is %s?\n", program, what);
  exit(2);
}

static uint32_t number(const char *text) {
  char *end;
  unsigned long value = text == NULL ? 0 : strtoul(text, &end, 10);

  if (value == 0 || *end != '\0' || value > 1000000)
    refuse(text == NULL ? "nothing" : text);
  return (uint32_t)value;
}

static int read_kind(const char *option) {
  int kind;

  for (kind = 0; kind < TORTURE_KINDS; kind++)
    if (strcmp(option + 2, kind_names[kind]) == 0)
      return wanted[kind] = 1;
  return 0;
}

/* Returns how many arguments it took. */
static int read_option(const char *option, const char *value) {
  if (strncmp(option, "--", 2) != 0)
    refuse(option);
  if (read_kind(option))
    return 1;
  if (strcmp(option, "--json") == 0)
    return json = 1;
  if (strcmp(option, "--trace") == 0)
    return tracing = 1;
  if (strcmp(option, "--list") == 0) {
    list_scenes();
    exit(0);
  }
  if (strcmp(option, "--scene") == 0 && value != NULL)
    scene_name = value;
  else if (strcmp(option, "--point") == 0)
    only_point = number(value);
  else if (strcmp(option, "--stride") == 0)
    stride = number(value);
  else if (strcmp(option, "--jobs") == 0)
    job_count = number(value);
  else
    refuse(option);
  return 2;
}

static void read_options(char **args) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  int kind;

  while (*args != NULL)
    args += read_option(args[0], args[1]);
  if (job_count == 0 || (long)job_count > processors)
    job_count = (unsigned)processors;
  if (tracing)
    job_count = 1;
  if (wanted[TORTURE_ALLOC] || wanted[TORTURE_UV] || wanted[TORTURE_SYS])
    return;
  for (kind = 0; kind < TORTURE_KINDS; kind++)
    wanted[kind] = 1;
}

static void tell_figures(torture_kind_t kind) {
  const figures_t *f = &figures[kind];

  if (json)
    printf("{\"kind\": \"%s\", \"scenes\": %" PRIu64 ", \"points\": %" PRIu64
           ", \"runs\": %" PRIu64 ", \"processes\": %" PRIu64
           ", \"failures\": %" PRIu64 ", \"aborts\": %" PRIu64 "}\n",
           kind_names[kind], f->scenes, f->points, f->runs, f->processes,
           f->failures, f->aborts);
  else
    printf("%-5s %" PRIu64 " scenes, %" PRIu64 " points, %" PRIu64
           " runs, %" PRIu64 " processes, %" PRIu64 " failures, %" PRIu64
           " aborts of libuv's let pass\n",
           kind_names[kind], f->scenes, f->points, f->runs, f->processes,
           f->failures, f->aborts);
}

int main(int argc, char **argv) {
  uint64_t runs = 0, failures = 0;
  int kind;

  (void)argc;
  program = argv[0];
  read_options(argv + 1);
  unsetenv("CMOCKA_MESSAGE_OUTPUT");
  signal(SIGPIPE, SIG_IGN);
  torture_replace_allocator();
  torture_jobs_begin(job_count, tracing, &listener);
  for (kind = 0; kind < TORTURE_KINDS; kind++) {
    if (!wanted[kind])
      continue;
    run_kind((torture_kind_t)kind);
    runs += figures[kind].runs;
    failures += figures[kind].failures;
  }
  torture_jobs_end();
  for (kind = 0; kind < TORTURE_KINDS; kind++)
    if (wanted[kind])
      tell_figures((torture_kind_t)kind);
  printf("%" PRIu64 " passed, %" PRIu64 " failed\n", runs - failures, failures);
  return runs == 0 || failures > 0;
}
