/* All memory of a pool comes through here: one allocator, overflow-checked
 * sizes, and a count of the bytes that are out.
 *
 * The caller says the size again when it gives memory back, so that the count
 * is exact whatever the allocator. */
#ifndef POOL_MEM_H_
#define POOL_MEM_H_

#include "httpool.h"

typedef struct {
  pool_allocator_t allocator; /* never with NULL functions */
  uint64_t bytes;             /* out now */
} pool__mem_t;

/* `allocator` may have NULL functions: malloc's are used then. */
void pool__mem_init(pool__mem_t *mem, const pool_allocator_t *allocator);

/* Memory for `count` things of `size` bytes, zeroed; NULL when there is none
 * or the product overflows. Neither may be 0. */
void *pool__mem_take(pool__mem_t *mem, size_t count, size_t size);

/* Makes a block of `old_size` bytes (memory NULL: 0) `new_size` bytes large.
 * NULL when there is no memory; the old block is whole then. */
void *pool__mem_resize(pool__mem_t *mem, void *memory, size_t old_size,
                       size_t new_size);

/* Gives back a block of `size` bytes; NULL is nothing. */
void pool__mem_give(pool__mem_t *mem, void *memory, size_t size);

/* A copy of the NUL-ended `text`, or NULL; strlen + 1 bytes. */
char *pool__mem_text(pool__mem_t *mem, const char *text);

#endif
