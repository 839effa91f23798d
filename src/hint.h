/* Hints for the compiler: what is kept out of line, or registers would be saved
 * for it on the path of each request, or with every field. */
#ifndef POOL_HINT_H_
#define POOL_HINT_H_

#define APART __attribute__((noinline)) /* not for every request */
#define RARE  __attribute__((noinline, cold))

#endif
