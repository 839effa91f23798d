/* What the fuzz targets share. */
#ifndef FUZZ_H_
#define FUZZ_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target; it aborts when a promise is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): fuzzers check in every kind of build. */
#define FUZZ_CHECK(fact)                                                       \
  do {                                                                         \
    if (!(fact)) {                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);       \
      abort();                                                                 \
    }                                                                          \
  } while (0)

#endif
