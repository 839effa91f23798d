/* Random numbers that a seed decides: splitmix64 (Steele, Lea and Flood, "Fast
 * Splittable Pseudorandom Number Generators", 2014). Good enough to spread
 * load and retries; no secret may depend on them. */
#ifndef POOL_RANDOM_H_
#define POOL_RANDOM_H_

#include <stdint.h>

typedef struct {
  uint64_t state;
} pool__random_t;

static inline uint64_t pool__random(pool__random_t *random) {
  uint64_t z = random->state += 0x9e3779b97f4a7c15u;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* 0 to n - 1, for n > 0. */
static inline uint32_t pool__random_below(pool__random_t *random, uint32_t n) {
  return (uint32_t)((pool__random(random) >> 32) * n >> 32);
}

#endif
