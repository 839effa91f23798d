/* Bodies that flow: what users do with them, and how they are told.
 *
 * What arrives goes from the connection's buffer to on_body piece by piece, and
 * after each the pool is looked at afresh: the callback may have ended the
 * call, or all of them. A consumer that pauses stops the reading; the bytes
 * that were read by then are kept, and told in a turn of their own. */
#ifndef POOL_STREAM_H_
#define POOL_STREAM_H_

#include "pool.h"

/* The call, or its connection, is not what it was: a callback saw to that. */
#define POOL__GONE 2

/* Tells what came on the connection of a call that flows. GOES_ON, GONE, or how
 * the attempt ended. Runs user code. */
int pool__stream_read(pool_t *pool, pool__conn_t *conn, const char *bytes,
                      size_t len);

/* Tells that there is room in an upload, if somebody waits for that. Runs user
 * code: the last act. */
void pool__stream_drain(pool_t *pool, pool__call_t *call);

/* Something was sent where nothing may be told: if somebody waits for room he
 * is told in a turn. */
void pool__stream_note_room(pool_t *pool, pool__flow_t *flow);

/* The turns of all flows that are due now. Runs user code. */
void pool__stream_turns(pool_t *pool);

#endif
