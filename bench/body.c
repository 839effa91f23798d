#include "body.h"

#include <string.h>

#define FIRST  0x9e3779b97f4a7c15u
#define SECOND 0xc2b2ae3d27d4eb4fu
#define STRIPE (8 * BODY_LANES)

static uint64_t mix(uint64_t lane, uint64_t word) {
  lane += word * SECOND;
  lane = lane << 31 | lane >> 33;
  return lane * FIRST;
}

void body_make(char *block) {
  uint64_t word = 1;
  size_t i;

  for (i = 0; i < BODY_BLOCK; i += sizeof word) {
    word = mix(word, i);
    memcpy(block + i, &word, sizeof word);
  }
}

void body_stamp(char *block, uint64_t number) {
  memcpy(block, &number, sizeof number);
}

void body_hash_init(body_hash_t *hash) {
  size_t i;

  memset(hash, 0, sizeof *hash);
  for (i = 0; i < BODY_LANES; i++)
    hash->lanes[i] = FIRST * (i + 1);
}

static void add_stripes(body_hash_t *hash, const char *bytes, size_t count) {
  uint64_t lanes[BODY_LANES];
  uint64_t words[BODY_LANES];
  size_t i;

  memcpy(lanes, hash->lanes, sizeof lanes);
  for (; count > 0; count--, bytes += STRIPE) {
    memcpy(words, bytes, sizeof words);
    for (i = 0; i < BODY_LANES; i++)
      lanes[i] = mix(lanes[i], words[i]);
  }
  memcpy(hash->lanes, lanes, sizeof lanes);
}

/* Completes the stripe that was begun; how many bytes it took. */
static size_t complete(body_hash_t *hash, const char *bytes, size_t len) {
  size_t took = STRIPE - hash->rest_len;

  if (hash->rest_len == 0)
    return 0;
  if (took > len)
    took = len;
  memcpy(hash->rest + hash->rest_len, bytes, took);
  hash->rest_len += took;
  if (hash->rest_len == STRIPE) {
    add_stripes(hash, hash->rest, 1);
    hash->rest_len = 0;
  }
  return took;
}

void body_hash_add(body_hash_t *hash, const char *bytes, size_t len) {
  size_t took = complete(hash, bytes, len);
  size_t left = len - took;

  hash->len += len;
  if (left == 0)
    return;
  add_stripes(hash, bytes + took, left / STRIPE);
  hash->rest_len = left % STRIPE;
  memcpy(hash->rest, bytes + len - hash->rest_len, hash->rest_len);
}

uint64_t body_hash_value(const body_hash_t *hash) {
  uint64_t value = mix(FIRST, hash->len);
  size_t i;

  for (i = 0; i < BODY_LANES; i++)
    value = mix(value, hash->lanes[i]);
  for (i = 0; i < hash->rest_len; i++)
    value = mix(value, (unsigned char)hash->rest[i]);
  return value ^ value >> 32;
}
