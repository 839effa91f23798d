/* What connections tell, and what follows from it. */
#ifndef POOL_HEAR_H_
#define POOL_HEAR_H_

#include "pool.h"

/* An attempt has ended, with an answer (0) or an error. Runs user code: the
 * last act. */
void pool__hear_conclude(pool_t *pool, pool__attempt_t *attempt, int error);

#endif
