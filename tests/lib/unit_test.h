/* What every unit test includes first. */
#ifndef UNIT_TEST_H_
#define UNIT_TEST_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit_mem.h"

#endif
