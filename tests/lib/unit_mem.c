#include "unit_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FRESH 0xa5 /* what a block is full of at first */
#define GONE  0xdd /* ... and at last */

/* Stands before each block; a whole alignment unit. */
typedef union {
  size_t size;
  max_align_t align;
} block_t;

static void drop(unit_mem_t *unit, void *memory) {
  block_t *block = (block_t *)memory - 1;

  unit->blocks--;
  unit->bytes -= block->size;
  memset(memory, GONE, block->size);
  free(block);
}

static void *unit_realloc(void *ctx, void *memory, size_t size) {
  unit_mem_t *unit = ctx;
  block_t *block;

  if (++unit->calls == unit->fail_at)
    return NULL;
  block = malloc(sizeof *block + size);
  if (block == NULL)
    return NULL;
  block->size = size;
  memset(block + 1, FRESH, size);
  unit->blocks++;
  unit->bytes += size;
  if (memory != NULL) {
    size_t had = ((block_t *)memory - 1)->size;

    memcpy(block + 1, memory, had < size ? had : size);
    drop(unit, memory);
  }
  return block + 1;
}

static void unit_free(void *ctx, void *memory) {
  drop(ctx, memory);
}

pool_allocator_t unit_mem_allocator(unit_mem_t *unit) {
  pool_allocator_t allocator;

  allocator.ctx = unit;
  allocator.realloc = unit_realloc;
  allocator.free = unit_free;
  return allocator;
}

void unit_mem_init(unit_mem_t *unit, pool__mem_t *mem) {
  pool_allocator_t allocator;

  memset(unit, 0, sizeof *unit);
  allocator = unit_mem_allocator(unit);
  pool__mem_init(mem, &allocator);
}

void unit_mem_check(const unit_mem_t *unit, const pool__mem_t *mem) {
  assert_int_equal(unit->blocks, 0);
  assert_int_equal(unit->bytes, 0);
  assert_int_equal(mem->bytes, 0);
}
