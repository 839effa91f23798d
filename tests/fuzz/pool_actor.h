/* The servers of fuzz_pool: each connection's other end is an actor of the
 * simulated kernel, and takes what it does from the server's track.
 *
 *   RESTS -> ACTS <-> WAITS       any of them -> HANGS, or closed
 *
 * An actor rests until a whole request is there (or, if it was told to, the
 * first byte of one). Then it takes steps: pieces follow each other until a
 * step ends the round. At the end of the track it answers as a good server
 * does, or no more.
 *
 * An actor is clean as long as all that it sent is one answer of ours to each
 * request: what a call is told is then known in advance. And all that it sent
 * is kept: when a connection is used again, what the client has taken from it
 * must be whole answers to the requests before, each good for keeping the
 * connection, and not a byte more. */
#ifndef POOL_ACTOR_H_
#define POOL_ACTOR_H_

#include "pool_world.h"

/* Opens the places. */
void actors_begin(world_t *world);
void actors_end(void);

/* Closes all connections of a place from its side; `reset`: with a reset. */
void actors_hang_up(place_t *place, int reset);

int actor_is_clean(const actor_t *actor);

/* The first byte of one more request is about to be written to a connection
 * on which so many were before. */
void actor_check_reuse(const tcp_end_t *client, uint32_t requests, int to_head);

#endif
