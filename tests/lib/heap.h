/* An allocator for a pool that counts, and that fails when told to. */
#ifndef HEAP_H_
#define HEAP_H_

#include "httpool.h"

typedef struct heap_s heap_t;

struct heap_s {
  size_t blocks;      /* that live now */
  size_t bytes;       /* in them, as asked for */
  size_t peak_bytes;  /* the most there ever were */
  uint64_t calls;     /* of realloc so far; frees are not counted */
  uint64_t frees;     /* of free so far */
  uint64_t fail_from; /* the number of the call that fails, 0: none */
  uint64_t fail_to;   /* the last one that does */
  uint64_t failures;  /* calls that were made to fail */
  heap_t *other;      /* that counts our calls, and says which fail; or NULL */
};

/* Starts from nothing. */
void heap_init(heap_t *heap);

/* For pool_config_t.allocator; the heap must outlive the pool. */
pool_allocator_t heap_allocator(heap_t *heap);

/* The n-th call from now on fails (1 is the next); all later ones too when
 * `and_later`. n = 0: none fails any more. */
void heap_fail(heap_t *heap, uint64_t n, int and_later);

/* From now on the calls of `heap` count, and fail, as if they were those of
 * another one; NULL: as its own again. */
void heap_count_with(heap_t *heap, heap_t *other);

#endif
