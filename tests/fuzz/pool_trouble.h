/* What goes wrong under the pool of fuzz_pool: connects and system calls, as
 * two tracks of the script say. */
#ifndef POOL_TROUBLE_H_
#define POOL_TROUBLE_H_

#include "pool_world.h"

/* For kernel_options_t; `arg` is the world. */
int trouble_on_call(void *arg, kernel_call_t call, int fd, size_t *limit);
void trouble_on_connect(void *arg, int port, kernel_route_t *route);

#endif
