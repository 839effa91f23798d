#include "stash.h"

#include <stdlib.h>

struct stash_block_s {
  stash_block_t *next;
};

void *stash_take(stash_t *stash) {
  stash_block_t *block = stash->first;

  if (block == NULL)
    return malloc(stash->size);
  stash->first = block->next;
  stash->kept--;
  return block;
}

void stash_give(stash_t *stash, void *memory) {
  stash_block_t *block = memory;

  if (block == NULL)
    return;
  if (stash->kept == stash->max_kept) {
    free(block);
    return;
  }
  block->next = stash->first;
  stash->first = block;
  stash->kept++;
}

void stash_clear(stash_t *stash) {
  while (stash->first != NULL) {
    stash_block_t *block = stash->first;

    stash->first = block->next;
    free(block);
  }
  stash->kept = 0;
}
