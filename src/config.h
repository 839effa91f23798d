/* Structs of the interface, whatever their size: copies, defaults, ranges. */
#ifndef POOL_CONFIG_H_
#define POOL_CONFIG_H_

#include "httpool.h"

/* Copies a struct of a caller whose header knew `from_size` bytes of it: what
 * it does not have is zero. UV_EINVAL: it has more than we know, and that is
 * not zero; or no size at all. */
int pool__sized_read(void *to, size_t to_size, const void *from,
                     size_t from_size);

/* Fills the struct of a caller who knows `to_size` bytes of it; what we do not
 * have is zero. */
void pool__sized_write(void *to, size_t to_size, const void *from,
                       size_t from_size);

/* The settings with every default in its place. `from` may be NULL. UV_EINVAL:
 * one is out of range. */
int pool__config_read(pool_config_t *config, const pool_config_t *from,
                      size_t from_size);

#endif
