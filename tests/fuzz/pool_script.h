/* The input of fuzz_pool: settings, then the steps of what happens.
 *
 *   SETTINGS bytes | step | step | ...
 *   step: track and op in one byte, two operands; RAW: that many bytes more
 *
 * Each kind of decision takes its steps from a track of its own, in the order
 * of the input: so a change to what a server sends leaves alone what the users
 * do, and steps can be cut out and copied. */
#ifndef POOL_SCRIPT_H_
#define POOL_SCRIPT_H_

#include <stddef.h>
#include <stdint.h>

#define SCRIPT_SETTINGS  10u
#define SCRIPT_STEPS_MAX 160u
#define SCRIPT_RAW       31u /* the op that brings `a` bytes */

typedef enum {
  SCRIPT_USER,     /* what the user does between waits */
  SCRIPT_CALLBACK, /* what callbacks do, one step each */
  SCRIPT_SERVER,   /* what servers do when they have got a request */
  SCRIPT_CONNECT,  /* what becomes of connects */
  SCRIPT_FAULT,    /* which system calls fail */
  SCRIPT_TRACKS
} script_track_t;

typedef struct {
  uint8_t op; /* 0 to 31; each track has its own */
  uint8_t a;
  uint8_t b;
  uint8_t raw_len;    /* of RAW: as many of the `a` bytes as there are */
  const uint8_t *raw; /* in the input */
  uint32_t next;      /* step of the same track, or steps_max for none */
} script_step_t;

typedef struct {
  const uint8_t *settings; /* [SCRIPT_SETTINGS] */
  uint32_t first[SCRIPT_TRACKS];
  uint32_t next[SCRIPT_TRACKS];
  unsigned cycles; /* a bit for each track that starts over at its end */
  uint32_t count;
  script_step_t steps[SCRIPT_STEPS_MAX];
} script_t;

/* Reads an input of at least SCRIPT_SETTINGS bytes, which has to stay. */
void script_init(script_t *script, const uint8_t *data, size_t size);

/* Takes the next step of a track; NULL at its end. */
const script_step_t *script_next(script_t *script, script_track_t track);

#endif
