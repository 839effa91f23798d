#include "slab.h"

#include <assert.h>

/* Stands before each slot; a whole alignment unit so that the slot's bytes are
 * aligned for anything. */
typedef union {
  uint32_t next_free;
  max_align_t align;
} slot_head_t;

static slot_head_t *head_at(const pool__slab_t *slab, uint32_t index) {
  char *block = slab->blocks[index / POOL__SLAB_BLOCK];

  return (slot_head_t *)(void *)(block +
                                 (index % POOL__SLAB_BLOCK) * slab->slot_size);
}

void pool__slab_init(pool__slab_t *slab, pool__mem_t *mem, size_t slot_size) {
  size_t unit = sizeof(slot_head_t);

  slab->mem = mem;
  slab->slot_size = unit + (slot_size + unit - 1) / unit * unit;
  slab->blocks = NULL;
  slab->block_count = slab->block_room = 0;
  slab->free = POOL__SLAB_NONE;
}

void pool__slab_clear(pool__slab_t *slab) {
  uint32_t i;

  for (i = 0; i < slab->block_count; i++)
    pool__mem_give(slab->mem, slab->blocks[i],
                   POOL__SLAB_BLOCK * slab->slot_size);
  pool__mem_give(slab->mem, slab->blocks,
                 slab->block_room * sizeof *slab->blocks);
  slab->blocks = NULL;
  slab->block_count = slab->block_room = 0;
  slab->free = POOL__SLAB_NONE;
}

static int make_room(pool__slab_t *slab) {
  uint32_t room = slab->block_room == 0 ? 8 : slab->block_room * 2;
  char **blocks;

  if (slab->block_count < slab->block_room)
    return 0;
  if (room > POOL__SLAB_NONE / POOL__SLAB_BLOCK)
    return UV_ENOMEM;
  blocks = pool__mem_resize(slab->mem, slab->blocks,
                            slab->block_room * sizeof *blocks,
                            room * sizeof *blocks);
  if (blocks == NULL)
    return UV_ENOMEM;
  slab->blocks = blocks;
  slab->block_room = room;
  return 0;
}

static int add_block(pool__slab_t *slab) {
  uint32_t first = slab->block_count * POOL__SLAB_BLOCK;
  char *block;
  uint32_t i;

  if (make_room(slab) != 0)
    return UV_ENOMEM;
  block = pool__mem_take(slab->mem, POOL__SLAB_BLOCK, slab->slot_size);
  if (block == NULL)
    return UV_ENOMEM;
  slab->blocks[slab->block_count++] = block;
  for (i = POOL__SLAB_BLOCK; i > 0; i--)
    pool__slab_give(slab, first + i - 1);
  return 0;
}

void *pool__slab_take(pool__slab_t *slab, uint32_t *index) {
  slot_head_t *head;

  if (slab->free == POOL__SLAB_NONE && add_block(slab) != 0)
    return NULL;
  *index = slab->free;
  head = head_at(slab, slab->free);
  slab->free = head->next_free;
  return head + 1;
}

void pool__slab_give(pool__slab_t *slab, uint32_t index) {
  assert(index < pool__slab_size(slab));
  head_at(slab, index)->next_free = slab->free;
  slab->free = index;
}

void *pool__slab_at(const pool__slab_t *slab, uint32_t index) {
  if (index >= pool__slab_size(slab))
    return NULL;
  return head_at(slab, index) + 1;
}

uint32_t pool__slab_size(const pool__slab_t *slab) {
  return slab->block_count * POOL__SLAB_BLOCK;
}
