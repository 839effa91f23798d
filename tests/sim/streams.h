/* Users whose bodies flow: a consumer that is told of its answer piece by
 * piece, and pauses; a producer that writes its request's body as it gets it.
 *
 * A stream lives from the acceptance of its call to its callback. */
#ifndef SIM_STREAMS_H_
#define SIM_STREAMS_H_

#include "world.h"

typedef struct stream_s stream_t;

/* Decides whether bodies of the call flow, and how. */
void stream_choose(world_t *world, call_t *call);

/* Puts that into the request. */
void stream_prepare(const call_t *call, pool_request_t *request);

/* The call was accepted: it may be written to, and paused, right away. */
void stream_begin(world_t *world, uint32_t id);

/* Whoever is told an answer pauses, now and then. */
void stream_pause_any(world_t *world);

/* Its callback has come, and is judged: nothing more happens to it. */
void stream_end(world_t *world, uint32_t id);

/* Whether its consumer never resumes, or it was written to wrongly: then it
 * does not end well. */
int stream_is_forever(const call_t *call);
int stream_is_wrong(const call_t *call);

/* Whether its user took time. */
int stream_was_slow(const call_t *call);

/* Its end, which is a success: the whole answer was told before. */
void stream_judge(const call_t *call, uint32_t id, const pool_result_t *result);

/* What has to hold between two polls: of whoever has paused nothing is read. */
void streams_check(const world_t *world);

#endif
