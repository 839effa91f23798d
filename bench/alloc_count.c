/* Counts the allocator calls of the whole process, its libraries' and libc's
 * included, by being its allocator: glibc lets a program define these and
 * keeps its own under other names. The libraries have to see them. */
#include "common.h"

#ifdef BENCH_COUNT

#pragma GCC visibility push(default)

static uint64_t count;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *memory, size_t size);
void free(void *memory);

void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  count++;
  return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size) {
  count++;
  return __libc_realloc(memory, size);
}

void free(void *memory) {
  count++;
  __libc_free(memory);
}

#pragma GCC visibility pop

uint64_t bench_allocs(void) {
  return count;
}

#else

uint64_t bench_allocs(void) {
  return 0;
}

#endif
