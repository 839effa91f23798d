/* A body of any length that nobody keeps: its bytes by where they are in it,
 * and a hash of what comes, fast enough to be in the way of nothing. */
#ifndef BENCH_BODY_H_
#define BENCH_BODY_H_

#include <stddef.h>
#include <stdint.h>

#define BODY_BLOCK 131072u
#define BODY_LANES 4u

typedef struct {
  uint64_t lanes[BODY_LANES];
  uint64_t len;
  char rest[8 * BODY_LANES]; /* too few to be mixed in yet */
  size_t rest_len;
} body_hash_t;

/* Makes a block of a body; body_stamp() makes it the one of that number. */
void body_make(char *block);
void body_stamp(char *block, uint64_t number);

void body_hash_init(body_hash_t *hash);
void body_hash_add(body_hash_t *hash, const char *bytes, size_t len);

/* Of all that was added, however it was cut. */
uint64_t body_hash_value(const body_hash_t *hash);

#endif
