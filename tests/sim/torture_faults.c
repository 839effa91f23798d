#include "torture_faults.h"

#include <errno.h>

#include "pool.h"
#include "wrap_uv.h"

#define ONCE       1 /* ways of ALLOC */
#define FROM_HERE  2
#define ONE_BYTE   1000 /* ways of SYS that are no errno */
#define LATER      2000 /* the connect fails when it has begun; + errno */
#define IOCTL_CALL WRAP_CALLS

static struct {
  const torture_fault_t *fault; /* NULL: no run is on */
  torture_report_t *report;
  fixture_t *fx;
  int holds;
  int later_error; /* of the connect that is being made */
} now;

static heap_t libuv_heap;

/* --- what fails how ------------------------------------------------------- */

typedef struct {
  const char *name;
  const int *ways;
  const int *unseen; /* those of them that nobody should notice */
} call_t;

#define LIST(...) ((const int[]){__VA_ARGS__, 0})
#define NONE      ((const int[]){0})

/* libuv's own codes come by these numbers too. EAGAIN is what recv() says of a
 * connection at rest anyway; of another it would not be true. */
static const call_t uv_calls[] = {
    [WRAP_CONNECT] = {"uv_tcp_connect()",
                      LIST(EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EPERM,
                           EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, EAGAIN),
                      NONE},
    [WRAP_CONNECTED] = {"uv_connect_cb",
                        LIST(ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH,
                             ECONNRESET),
                        NONE},
    [WRAP_NODELAY] = {"uv_tcp_nodelay()",
                      LIST(EINVAL, ENOBUFS, ENOMEM, ECONNRESET), NONE},
    [WRAP_READ_START] = {"uv_read_start()", LIST(EINVAL, ENOTCONN, EALREADY),
                         NONE},
    [WRAP_TRY_WRITE] = {"uv_try_write()",
                        LIST(EAGAIN, EPIPE, ECONNRESET, ENOMEM, EBADF,
                             ETIMEDOUT, EHOSTUNREACH),
                        LIST(EAGAIN)},
    [WRAP_WRITE] = {"uv_write()", LIST(EPIPE, ENOMEM, EBADF), NONE},
    [WRAP_WRITTEN] = {"uv_write_cb",
                      LIST(ENOBUFS, ENOMEM, ETIMEDOUT, EHOSTUNREACH), NONE},
    [WRAP_FILENO] = {"uv_fileno()", LIST(EBADF), NONE},
    [WRAP_PEEK] = {"recv()", LIST(EINTR, ECONNRESET, ETIMEDOUT, ENOMEM, EBADF),
                   LIST(EINTR)},
    [WRAP_GETSOCKOPT] = {"getsockopt()", LIST(EINVAL, ENOBUFS, EBADF), NONE},
    [IOCTL_CALL] = {"ioctl()", LIST(EINVAL, ENOTTY), LIST(EINVAL, ENOTTY)},
};

static const call_t sys_calls[KERNEL_CALLS] = {
    [KERNEL_SOCKET] = {"socket()",
                       LIST(EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES), NONE},
    [KERNEL_CONNECT] = {"connect()",
                        LIST(ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH,
                             EHOSTUNREACH, EACCES, EPERM, EAGAIN, EINTR,
                             ETIMEDOUT, ENOBUFS, LATER + ECONNREFUSED,
                             LATER + ETIMEDOUT, LATER + EHOSTUNREACH,
                             LATER + ENETUNREACH, LATER + ECONNRESET),
                        LIST(EINTR)},
    [KERNEL_READ] = {"read()",
                     LIST(EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, EHOSTUNREACH,
                          ENOMEM, EIO, ONE_BYTE),
                     LIST(EINTR, EAGAIN, ONE_BYTE)},
    /* libuv takes ENOBUFS for EAGAIN. */
    [KERNEL_WRITE] = {"write()",
                      LIST(EINTR, EAGAIN, EPIPE, ECONNRESET, ENOBUFS, ENOMEM,
                           ONE_BYTE),
                      LIST(EINTR, EAGAIN, ENOBUFS, ONE_BYTE)},
    [KERNEL_PEEK] = {"recv()",
                     LIST(EINTR, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM),
                     LIST(EINTR)},
    [KERNEL_CLOSE] = {"close()", LIST(EINTR, EIO), LIST(EINTR, EIO)},
    [KERNEL_GETSOCKOPT] = {"getsockopt()", LIST(EINVAL, ENOBUFS), NONE},
    [KERNEL_SETSOCKOPT] = {"setsockopt()", LIST(EINVAL, ENOBUFS, ENOMEM), NONE},
    [KERNEL_IOCTL] = {"ioctl()", LIST(EINVAL, ENOTTY), LIST(EINVAL, ENOTTY)},
    [KERNEL_EPOLL_WAIT] = {"epoll_wait()", LIST(EINTR), LIST(EINTR)},
};

static const call_t allocation = {"an allocation", LIST(ONCE, FROM_HERE), NONE};

static const call_t *find_call(torture_kind_t kind, unsigned call) {
  switch (kind) {
  case TORTURE_UV:
    return &uv_calls[call];
  case TORTURE_SYS:
    return &sys_calls[call];
  case TORTURE_ALLOC:
  case TORTURE_KINDS:
    break;
  }
  return &allocation;
}

const int *torture_ways(torture_kind_t kind, unsigned call) {
  return find_call(kind, call)->ways;
}

unsigned torture_call_count(torture_kind_t kind) {
  switch (kind) {
  case TORTURE_UV:
    return IOCTL_CALL + 1;
  case TORTURE_SYS:
    return KERNEL_CALLS;
  case TORTURE_ALLOC:
  case TORTURE_KINDS:
    break;
  }
  return 1;
}

const char *torture_call_name(torture_kind_t kind, unsigned call) {
  return find_call(kind, call)->name;
}

const char *torture_way_name(torture_kind_t kind, int way) {
  if (kind == TORTURE_ALLOC)
    return way == ONCE ? "once" : "and all later ones";
  if (way == ONE_BYTE)
    return "one byte only";
  return pool_err_name(way > LATER ? LATER - way : -way);
}

static int is_on(const int *list, int way) {
  while (*list != 0 && *list != way)
    list++;
  return *list != 0;
}

/* The end of a connection shows in one of these, whichever call is first. */
static int breaks(int error) {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ||
         error == EHOSTUNREACH;
}

void torture_consequences(const torture_fault_t *fault, int errors[8]) {
  int way = fault->kind == TORTURE_ALLOC ? ENOMEM : fault->way;

  memset(errors, 0, 8 * sizeof *errors);
  if (is_on(find_call(fault->kind, fault->call)->unseen, fault->way))
    return;
  *errors++ = way > LATER ? LATER - way : -way;
  if (!breaks(way))
    return;
  *errors++ = POOL_EHANGUP;
  *errors++ = UV_ECONNRESET;
  *errors++ = UV_EPIPE;
}

/* To the question how much has left yet, no answer is one too: then it does not
 * matter that uv_fileno() fails. */
int torture_matters(const torture_fault_t *fault) {
  int errors[8];

  torture_consequences(fault, errors);
  return errors[0] != 0 &&
         (fault->kind != TORTURE_UV || fault->call != WRAP_FILENO ||
          fault->scenario->config.stall_timeout_ms == 0);
}

/* --- points --------------------------------------------------------------- */

/* One is reached: the way in which it fails, or 0. */
static int at_point(unsigned call) {
  torture_report_t *report = now.report;

  if (report->points == TORTURE_POINTS)
    fail_msg("more points than there is room for");
  report->calls[report->points++] = (uint8_t)call;
  if (report->points != now.fault->point)
    return 0;
  report->struck = 1;
  return now.fault->way;
}

static int counts(torture_kind_t kind) {
  return now.fault != NULL && !now.holds && now.fault->kind == kind;
}

static int on_uv_call(wrap_call_t call) {
  return counts(TORTURE_UV) ? -at_point(call) : 0;
}

/* Of a client, or nobody's yet: and then a client's, for servers have all that
 * they need before it begins. */
static int is_clients(int fd) {
  const tcp_end_t *end = kernel_end_of(fd);

  return end == NULL || end->is_client;
}

/* libuv's look at SO_ERROR: the first at each connection. */
static int is_libuvs(kernel_call_t call, int fd) {
  tcp_end_t *end = kernel_end_of(fd);

  return call == KERNEL_GETSOCKOPT && end != NULL && end->tag++ == 0;
}

/* The pool's own calls among all. */
static int on_own_call(kernel_call_t call) {
  switch ((int)call) {
  case KERNEL_PEEK:
    return at_point(WRAP_PEEK);
  case KERNEL_GETSOCKOPT:
    return at_point(WRAP_GETSOCKOPT);
  case KERNEL_IOCTL:
    return at_point(IOCTL_CALL);
  }
  return 0;
}

/* epoll_ctl(), and what only servers call. */
static int is_left_out(kernel_call_t call) {
  return call == KERNEL_EPOLL_CTL || call == KERNEL_BIND ||
         call == KERNEL_LISTEN || call == KERNEL_ACCEPT;
}

static int on_sys_call(kernel_call_t call, size_t *limit) {
  int way;

  if (is_left_out(call))
    return 0;
  if (sys_calls[call].ways == NULL)
    fail_msg("no table says how %s fails", kernel_call_name(call));
  way = at_point(call);
  if (way == ONE_BYTE)
    *limit = 1;
  now.later_error = way > LATER ? way - LATER : 0;
  return way < ONE_BYTE ? way : 0;
}

static int on_call(void *arg, kernel_call_t call, int fd, size_t *limit) {
  (void)arg;
  if (now.report != NULL)
    now.report->resizing = 0;
  if (!is_clients(fd) || is_libuvs(call, fd))
    return 0;
  if (counts(TORTURE_UV))
    return on_own_call(call);
  return counts(TORTURE_SYS) ? on_sys_call(call, limit) : 0;
}

static void on_connect(void *arg, int port, kernel_route_t *route) {
  (void)arg;
  (void)port;
  route->later_error = now.later_error;
  now.later_error = 0;
}

static void on_poll(void *arg) {
  (void)arg;
  if (now.fx != NULL && now.fx->pool != NULL)
    pool__check(now.fx->pool);
}

kernel_options_t torture_kernel(int print) {
  kernel_options_t options = {.seed = 1, .print = print};

  options.on_call = on_call;
  options.on_connect = on_connect;
  options.on_poll = on_poll;
  return options;
}

/* --- libuv's memory ------------------------------------------------------- */

static void *libuv_realloc(void *memory, size_t size) {
  pool_allocator_t allocator = heap_allocator(&libuv_heap);
  void *moved = allocator.realloc(allocator.ctx, memory, size);

  if (now.report != NULL)
    now.report->resizing = moved == NULL && memory == now.fx->loop.watchers;
  return moved;
}

static void *libuv_malloc(size_t size) {
  pool_allocator_t allocator = heap_allocator(&libuv_heap);

  if (now.report != NULL)
    now.report->resizing = 0;
  return allocator.realloc(allocator.ctx, NULL, size);
}

static void *libuv_calloc(size_t count, size_t size) {
  void *memory = libuv_malloc(count * size);

  if (memory != NULL)
    memset(memory, 0, count * size);
  return memory;
}

static void libuv_free(void *memory) {
  pool_allocator_t allocator = heap_allocator(&libuv_heap);

  allocator.free(allocator.ctx, memory);
}

void torture_replace_allocator(void) {
  heap_init(&libuv_heap);
  if (uv_replace_allocator(libuv_malloc, libuv_realloc, libuv_calloc,
                           libuv_free) != 0)
    abort();
}

size_t torture_libuv_blocks(void) {
  return libuv_heap.blocks;
}

/* --- a run ---------------------------------------------------------------- */

void torture_hold(int hold) {
  now.holds = hold;
  heap_count_with(&libuv_heap, hold ? NULL : &now.fx->heap);
}

void torture_begin(const torture_fault_t *fault, torture_report_t *report,
                   fixture_t *fx) {
  now.fault = fault;
  now.report = report;
  now.fx = fx;
  report->points = 0;
  report->struck = report->resizing = 0;
  wrap_reset();
  wrap_ask(on_uv_call);
  if (fault->kind == TORTURE_ALLOC)
    heap_fail(&fx->heap, fault->point, fault->way == FROM_HERE);
  torture_hold(0);
}

void torture_end(void) {
  if (now.fault->kind == TORTURE_ALLOC) {
    now.report->points = (uint32_t)now.fx->heap.calls;
    now.report->struck = now.fx->heap.failures > 0;
  }
  heap_fail(&now.fx->heap, 0, 0);
  torture_hold(1);
  now.fault = NULL;
}
