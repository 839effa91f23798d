/* What the files with the system calls share. */
#ifndef SIM_SYSCALLS_H_
#define SIM_SYSCALLS_H_

#include "files.h"
#include "kernel.h"

/* A function of libc, and ours in its place. */
#define DECLARE(type, name, args)                                              \
  type __real_##name args;                                                     \
  type __wrap_##name args

/* The file of a descriptor, or NULL: the call is for the real kernel. */
file_t *sys_file(int fd);

/* Counts a call, lets time pass, and asks whether it fails: 0 or an errno.
 * `limit` is for on_call(); or NULL. */
int sys_enter(kernel_call_t call, int fd, size_t *limit);

/* Writes down a result, which is 0 or more, or -errno; returns what the call
 * returns, errno is set. */
int64_t sys_leave(kernel_call_t call, int fd, int64_t result);

/* The callbacks of the poll before have all run: says so to who asked. */
void sys_tell_poll(void);

#endif
