/* An allocator for unit tests: it counts, fails on demand, moves every block
 * on every realloc and spoils the bytes that nobody may read. */
#ifndef UNIT_MEM_H_
#define UNIT_MEM_H_

#include "mem.h"

typedef struct {
  uint64_t calls;   /* of realloc so far */
  uint64_t fail_at; /* this call fails, counted from 1; 0: none does */
  uint64_t blocks;  /* out now */
  uint64_t bytes;   /* out now */
} unit_mem_t;

/* Makes `mem` use `unit`, which is zeroed. */
void unit_mem_init(unit_mem_t *unit, pool__mem_t *mem);

/* As an allocator of the public interface. */
pool_allocator_t unit_mem_allocator(unit_mem_t *unit);

/* Asserts that nothing is out, by its own count and by that of `mem`. */
void unit_mem_check(const unit_mem_t *unit, const pool__mem_t *mem);

#endif
