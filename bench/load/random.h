/* Random numbers that are the same for the same seed. */
#ifndef RANDOM_H_
#define RANDOM_H_

#include <stdint.h>

/* Above 0, below 1. `seed` is the state. */
double random_part(uint64_t *seed);

/* Above 0; exponentially distributed. */
double random_exponential(uint64_t *seed, double average);

#endif
