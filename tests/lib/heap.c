/* Each block has its size in front of it. */
#include "heap.h"

#include <stddef.h>
#include <stdlib.h>

typedef union {
  size_t size;
  max_align_t align;
} block_t;

void heap_init(heap_t *heap) {
  heap_t fresh = {0};

  *heap = fresh;
}

static int must_fail(heap_t *heap) {
  heap_t *plan = heap->other == NULL ? heap : heap->other;
  uint64_t call = ++plan->calls;

  if (plan->fail_from == 0 || call < plan->fail_from || call > plan->fail_to)
    return 0;
  plan->failures++;
  return 1;
}

static void *heap_realloc(void *ctx, void *memory, size_t size) {
  heap_t *heap = ctx;
  block_t *old = memory == NULL ? NULL : (block_t *)memory - 1;
  size_t old_size = old == NULL ? 0 : old->size;
  block_t *block;

  if (must_fail(heap))
    return NULL;
  block = realloc(old, sizeof *block + size);
  if (block == NULL)
    return NULL;
  block->size = size;
  if (old == NULL)
    heap->blocks++;
  heap->bytes += size - old_size;
  if (heap->bytes > heap->peak_bytes)
    heap->peak_bytes = heap->bytes;
  return block + 1;
}

static void heap_free(void *ctx, void *memory) {
  heap_t *heap = ctx;
  block_t *block;

  if (memory == NULL)
    return;
  block = (block_t *)memory - 1;
  heap->frees++;
  heap->blocks--;
  heap->bytes -= block->size;
  free(block);
}

pool_allocator_t heap_allocator(heap_t *heap) {
  pool_allocator_t allocator = {heap, heap_realloc, heap_free};

  return allocator;
}

void heap_fail(heap_t *heap, uint64_t n, int and_later) {
  heap->fail_from = n == 0 ? 0 : heap->calls + n;
  heap->fail_to = and_later ? UINT64_MAX : heap->fail_from;
}

void heap_count_with(heap_t *heap, heap_t *other) {
  heap->other = other;
}
