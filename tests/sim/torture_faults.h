/* What can go wrong in a scene: the calls that are made on the pool's behalf,
 * counted as points, one of which fails in one of its ways.
 *
 * Three kinds:
 *  - ALLOC: allocations of the pool and of libuv, in one count. Ways: this one,
 *    or this one and all later ones.
 *  - UV: calls into libuv by the pool, what it is told later of a connect and
 *    of a write, and its own recv(), getsockopt() and ioctl(). The ways are
 *    the errors that each may have. Not among them are calls that cannot fail
 *    as they are made: to init, start and stop timers, idle and check handles,
 *    uv_tcp_init() (they want no more than memory that is there and a
 *    callback), and the readers of addresses.
 *  - SYS: system calls of the pool's connections, also those that libuv makes,
 *    and the poll. The ways are the errors that their manual pages know and
 *    that may come here; of reads and writes also to do with one byte only.
 *    epoll_ctl() is not among them: libuv aborts when it fails, by design. Nor
 *    is libuv's look at SO_ERROR behind a connect: it does not care whether
 *    that succeeded. */
#ifndef SIM_TORTURE_FAULTS_H_
#define SIM_TORTURE_FAULTS_H_

#include "kernel.h"
#include "scene.h"

#define TORTURE_POINTS 4096u /* in one scene */

typedef enum {
  TORTURE_ALLOC,
  TORTURE_UV,
  TORTURE_SYS,
  TORTURE_KINDS
} torture_kind_t;

typedef struct {
  torture_kind_t kind;
  const scenario_t *scenario;
  uint32_t point; /* from 1; 0: none fails, points are only counted */
  unsigned call;  /* what is called there */
  int way;        /* one of torture_ways() */
  const scene_marks_t *good; /* what goes over the wire when nothing fails */
} torture_fault_t;

/* What a run found out; in memory that outlives its process. */
typedef struct {
  unsigned runs;       /* of this process that have passed */
  uint32_t points;     /* of the latest run, so far */
  int struck;          /* its fault did */
  int resizing;        /* libuv just failed to enlarge its table of watchers */
  scene_marks_t marks; /* of the latest run */
  uint8_t calls[TORTURE_POINTS]; /* what each point is */
} torture_report_t;

/* Calls are numbered from 0. */
unsigned torture_call_count(torture_kind_t kind);

/* The ways in which a call can fail, ended by 0; NULL: it is left out. */
const int *torture_ways(torture_kind_t kind, unsigned call);

/* For people. */
const char *torture_call_name(torture_kind_t kind, unsigned call);
const char *torture_way_name(torture_kind_t kind, int way);

/* What a request may end with on account of a fault, ended by 0: nothing at all
 * if it should have gone unnoticed. */
void torture_consequences(const torture_fault_t *fault, int errors[8]);

/* Whether such an end, or an event that says as much, has to come of it. */
int torture_matters(const torture_fault_t *fault);

/* libuv allocates from here on so that it can be seen; first of all. */
void torture_replace_allocator(void);

/* What libuv has allocated and not freed. */
size_t torture_libuv_blocks(void);

/* For kernel_begin(); the faults of torture_begin() come by it. */
kernel_options_t torture_kernel(int print);

/* From here on calls count, until torture_end(); those that are made while it
 * is on hold do not. */
void torture_begin(const torture_fault_t *fault, torture_report_t *report,
                   fixture_t *fx);
void torture_hold(int hold);
void torture_end(void);

#endif
