/* What the endpoints of resilience_server do: how long an answer takes and what
 * it says, as short texts on the command line.
 *
 *   20         200 after 20 ms
 *   20-50      200 after 20 to 50 ms, each as likely as the others
 *   ~20        200 after 20 ms on average, exponentially distributed
 *   1@503      503 after 1 ms; any of the above can have a status
 *
 * And an outage of all of them: what they do instead, from and to when, in ms
 * since the first request.
 *
 *   hangup:3000:23000   take connections, read the request, hang up
 *   refuse:3000:23000   close everything, listen no more
 *   fail:3000:23000     503 at once */
#ifndef RESILIENCE_PLAN_H_
#define RESILIENCE_PLAN_H_

#include <stdint.h>

typedef struct {
  double least_ms;
  double most_ms;    /* the same when it is fixed */
  double average_ms; /* of an exponential one; 0: it is not */
  unsigned status;
} plan_answer_t;

typedef enum { PLAN_WELL, PLAN_HANGUP, PLAN_REFUSE, PLAN_FAIL } plan_mode_t;

typedef struct {
  plan_mode_t mode; /* PLAN_WELL: there is no outage */
  uint64_t from_ms;
  uint64_t to_ms;
} plan_outage_t;

/* Both exit when the text is none of the above. */
void plan_answer(plan_answer_t *answer, const char *text);
void plan_outage(plan_outage_t *outage, const char *text);

/* How long the next answer takes; whole ms, rounded. `seed` is the state of the
 * random choices: the same seed, the same times. */
uint64_t plan_next_ms(const plan_answer_t *answer, uint64_t *seed);

#endif
