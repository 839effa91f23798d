#include "torture_jobs.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS    10u /* of a run; it takes a thousandth */
#define OUTPUT_MAX 4096u

typedef struct {
  pid_t pid; /* 0: nobody */
  torture_fault_t fault;
  const int *ways; /* that are left, beginning with the first of the process */
  torture_report_t *report; /* shared with the process */
  int output;               /* a file without a name, for what it says */
} job_t;

static job_t *jobs;
static unsigned room;
static unsigned running;
static uint64_t processes;
static int tracing;
static const torture_listener_t *heard_by;

static int open_output(void) {
  int fd = memfd_create("output", MFD_CLOEXEC);

  if (fd < 0)
    abort();
  return fd;
}

void torture_jobs_begin(unsigned count, int trace,
                        const torture_listener_t *listener) {
  torture_report_t *reports =
      mmap(NULL, count * sizeof *reports, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  unsigned i;

  jobs = calloc(count, sizeof *jobs);
  if (jobs == NULL || reports == MAP_FAILED)
    abort();
  for (i = 0; i < count; i++) {
    jobs[i].report = &reports[i];
    jobs[i].output = open_output();
  }
  room = count;
  tracing = trace;
  heard_by = listener;
}

void torture_jobs_end(void) {
  unsigned i;

  for (i = 0; i < room; i++)
    close(jobs[i].output);
  munmap(jobs[0].report, room * sizeof *jobs[0].report);
  free(jobs);
  jobs = NULL;
}

uint64_t torture_jobs_count(void) {
  return processes;
}

/* --- in the process ------------------------------------------------------- */

static void forget_output(const job_t *job) {
  fflush(stdout);
  fflush(stderr);
  if (ftruncate(job->output, 0) != 0 || lseek(job->output, 0, SEEK_SET) != 0)
    abort();
}

/* What is left at the end is not cleaned up: whether the pool left anything
 * has been checked. */
static void be(job_t *job) {
  const int *way = job->ways;

  if (!tracing) {
    dup2(job->output, STDOUT_FILENO);
    dup2(job->output, STDERR_FILENO);
  }
  do {
    forget_output(job);
    alarm(SECONDS);
    job->fault.way = *way;
    if (torture_play(&job->fault, job->report, tracing) != 0)
      break;
    job->report->runs++;
  } while (*way != 0 && *++way != 0);
  fflush(stdout);
  fflush(stderr);
  _exit(*way != 0 || job->report->runs == 0);
}

static void start(job_t *job) {
  memset(job->report, 0, offsetof(torture_report_t, calls));
  fflush(stdout);
  processes++;
  job->pid = fork();
  if (job->pid < 0)
    abort();
  if (job->pid == 0)
    be(job);
}

/* --- its end -------------------------------------------------------------- */

static const char *why(int status) {
  if (!WIFSIGNALED(status))
    return "a check failed";
  return WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status));
}

/* A run did not pass. */
static void tell_end(job_t *job, int status) {
  int aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                job->report->resizing;
  char output[OUTPUT_MAX + 1];
  ssize_t len = pread(job->output, output, OUTPUT_MAX, 0);

  output[len > 0 ? len : 0] = '\0';
  job->fault.way = *job->ways;
  heard_by->ended(&job->fault, aborted ? TORTURE_ABORTED : TORTURE_FAILED,
                  why(status), output);
}

static void finish(job_t *job, int status) {
  if (job->report->runs > 0)
    heard_by->passed(&job->fault, job->report->runs, job->report);
  job->ways += job->fault.point == 0 ? 0 : job->report->runs;
  job->pid = 0;
  if (status != 0) {
    tell_end(job, status);
    if (*job->ways != 0 && *++job->ways != 0) {
      start(job);
      return;
    }
  }
  running--;
}

static void wait_for_one(void) {
  int status;
  pid_t pid;
  unsigned i;

  do
    pid = wait(&status);
  while (pid < 0 && errno == EINTR);
  for (i = 0; i < room; i++)
    if (jobs[i].pid == pid) {
      finish(&jobs[i], status);
      return;
    }
}

void torture_jobs_wait(void) {
  while (running > 0)
    wait_for_one();
}

void torture_jobs_start(const torture_fault_t *fault) {
  static const int no_way[] = {0};
  job_t *job = jobs;

  while (running == room)
    wait_for_one();
  while (job->pid != 0)
    job++;
  job->fault = *fault;
  job->ways =
      fault->point == 0 ? no_way : torture_ways(fault->kind, fault->call);
  running++;
  start(job);
}
