/* What servers hear: heads and bodies of requests, held against what the users
 * made. */
#ifndef SIM_HEARD_H_
#define SIM_HEARD_H_

#include "world.h"

#define HEARD_HEAD_MAX 8192u

/* A body that is coming in. */
typedef struct {
  uint32_t id;     /* of its call */
  uint32_t left;   /* bytes, without framing */
  uint32_t chunk;  /* of them, in this chunk */
  uint32_t digits; /* of its size, so far */
  uint8_t at;      /* where in the framing: see heard.c */
  uint8_t owes;    /* it is not over */
} heard_body_t;

/* The head that the request of call `id` to that site has to be, to the byte.
 */
void heard_head(const site_t *site, uint32_t id, const char *head, size_t len);

/* A body begins, if the call has one. */
void heard_body_begin(heard_body_t *body, const world_t *world, uint32_t id);

/* Takes bytes of it; returns how many, all of them while it owes some. */
size_t heard_body(heard_body_t *body, world_t *world, const char *bytes,
                  size_t len);

#endif
