/* Chance that a seed decides: splitmix64 (Steele, Lea, Flood: Fast splittable
 * pseudorandom number generators, 2014). The same everywhere. */
#ifndef SIM_RANDOM_H_
#define SIM_RANDOM_H_

#include <stdint.h>

typedef struct {
  uint64_t state;
} random_t;

static inline uint64_t random_next(random_t *random) {
  uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 to n - 1; 0 when n is 0. */
static inline uint32_t random_below(random_t *random, uint32_t n) {
  return (uint32_t)(((random_next(random) >> 32) * n) >> 32);
}

/* min to max, both included. */
static inline uint32_t random_from(random_t *random, uint32_t min,
                                   uint32_t max) {
  return min + random_below(random, max - min + 1);
}

/* Yes, `n` times out of 10,000. */
static inline int random_chance(random_t *random, uint32_t n) {
  return n > 0 && random_below(random, 10000) < n;
}

#endif
