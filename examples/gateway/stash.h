/* Blocks of one size that many need for a moment: those that were given back
 * serve the next ones, so that what is idle costs none. */
#ifndef GATEWAY_STASH_H_
#define GATEWAY_STASH_H_

#include <stddef.h>

typedef struct stash_block_s stash_block_t;

typedef struct {
  stash_block_t *first; /* of those that are kept */
  size_t size;          /* of each */
  unsigned kept;
  unsigned max_kept; /* more are freed */
} stash_t;

/* A block; free() may be called on it too. NULL: no memory. */
void *stash_take(stash_t *stash);

/* Gives it back; NULL is nothing. */
void stash_give(stash_t *stash, void *block);

/* Frees those that are kept. */
void stash_clear(stash_t *stash);

#endif
