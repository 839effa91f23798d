#include "mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *default_realloc(void *ctx, void *memory, size_t size) {
  (void)ctx;
  return realloc(memory, size);
}

static void default_free(void *ctx, void *memory) {
  (void)ctx;
  free(memory);
}

void pool__mem_init(pool__mem_t *mem, const pool_allocator_t *allocator) {
  mem->bytes = 0;
  mem->allocator = *allocator;
  if (mem->allocator.realloc == NULL) {
    mem->allocator.realloc = default_realloc;
    mem->allocator.free = default_free;
  }
}

void *pool__mem_take(pool__mem_t *mem, size_t count, size_t size) {
  void *memory;

  assert(count > 0 && size > 0);
  if (count > SIZE_MAX / size)
    return NULL;
  memory = pool__mem_resize(mem, NULL, 0, count * size);
  if (memory != NULL)
    memset(memory, 0, count * size);
  return memory;
}

void *pool__mem_resize(pool__mem_t *mem, void *memory, size_t old_size,
                       size_t new_size) {
  void *moved;

  assert(new_size > 0);
  moved = mem->allocator.realloc(mem->allocator.ctx, memory, new_size);
  if (moved == NULL)
    return NULL;
  mem->bytes = mem->bytes - old_size + new_size;
  return moved;
}

void pool__mem_give(pool__mem_t *mem, void *memory, size_t size) {
  if (memory == NULL)
    return;
  assert(mem->bytes >= size);
  mem->bytes -= size;
  mem->allocator.free(mem->allocator.ctx, memory);
}

char *pool__mem_text(pool__mem_t *mem, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = pool__mem_resize(mem, NULL, 0, size);

  if (copy != NULL)
    memcpy(copy, text, size);
  return copy;
}
