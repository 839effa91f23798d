/* Callers: each makes a request, waits for its end, and makes the next one. */
#ifndef DEMO_LOAD_H_
#define DEMO_LOAD_H_

#include <httpool.h>

#define TALLY_ERRORS 8
#define TALLY_MS     2000 /* longer ones are counted as this long */

/* What became of the requests of one act. */
typedef struct {
  uint64_t calls;    /* of pool_get() */
  uint64_t accepted; /* of them */
  uint64_t refused;  /* of them: POOL_EOVERLOADED */
  uint64_t ok;       /* of the accepted: answered */
  uint64_t failed;   /* of the accepted: ended with an error */
  uint32_t ms;       /* how long the act took */
  uint32_t slowest;  /* answer, in ms */
  struct {
    int code;
    uint64_t count;
  } errors[TALLY_ERRORS];
  uint32_t took[TALLY_MS + 1]; /* answers by how many ms they took */
} tally_t;

typedef struct {
  pool_t *pool;
  tally_t *tally;   /* where to count; a new one for each act */
  uint32_t wanted;  /* callers there should be */
  uint32_t callers; /* callers that wait for the end of a request */
} load_t;

/* A call of pool_get() has returned this. */
void tally_call(tally_t *tally, int err);

/* A request has ended. */
void tally_result(tally_t *tally, const pool_result_t *result);

/* How long, at most, so many percent of the answers took, in ms. */
uint32_t tally_percentile(const tally_t *tally, unsigned percent);

/* "3 ECONNRESET, 1 POOL_EHANGUP" */
void tally_errors(const tally_t *tally, char *text, size_t size);

/* Brings the callers up to the number that is wanted: those whose request was
 * not accepted try again. */
void load_top_up(load_t *load);

#endif
