/* Slots of one size that are found again by number.
 *
 * Slots come in blocks that never move, so a pointer to one stays good as long
 * as the slab. A slot that is given back keeps its bytes (whoever takes it
 * next finds what was left there, zeroes at first) and is the next one to be
 * taken: it is the warmest. Blocks are freed with the slab, not before; the
 * bound is what the user of the slab takes at once. */
#ifndef POOL_SLAB_H_
#define POOL_SLAB_H_

#include "mem.h"

#define POOL__SLAB_NONE  UINT32_MAX
#define POOL__SLAB_BLOCK 32u /* slots in a block */

typedef struct {
  pool__mem_t *mem;
  size_t slot_size; /* with our own few bytes before each slot */
  char **blocks;    /* [block_count], room for block_room */
  uint32_t block_count;
  uint32_t block_room;
  uint32_t free; /* index of the first free slot, or NONE */
} pool__slab_t;

void pool__slab_init(pool__slab_t *slab, pool__mem_t *mem, size_t slot_size);

/* Frees the blocks, whatever is in them. */
void pool__slab_clear(pool__slab_t *slab);

/* Takes a slot; its number goes to *index. NULL when there is no memory. */
void *pool__slab_take(pool__slab_t *slab, uint32_t *index);

/* Gives the slot of that number back. */
void pool__slab_give(pool__slab_t *slab, uint32_t index);

/* The slot of that number, taken or not, or NULL when there never was one. */
void *pool__slab_at(const pool__slab_t *slab, uint32_t index);

/* How many slots exist, taken or not: indexes are below it. */
uint32_t pool__slab_size(const pool__slab_t *slab);

#endif
