#include "random.h"

#include <math.h>

/* splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
 * Generators", 2014). */
double random_part(uint64_t *seed) {
  uint64_t z = *seed += 0x9e3779b97f4a7c15u;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

double random_exponential(uint64_t *seed, double average) {
  return -log(random_part(seed)) * average;
}
