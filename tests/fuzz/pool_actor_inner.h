/* What the files of the actors know of one. */
#ifndef POOL_ACTOR_INNER_H_
#define POOL_ACTOR_INNER_H_

#include "pool_actor.h"

#define HEAD_ROOM 8192u
#define LOG_ROOM  4096u

typedef enum { RESTS, ACTS, WAITS, HANGS } mood_t;

struct actor_s {
  place_t *place;
  tcp_end_t *end; /* NULL once it is closed */
  mood_t mood;
  uint32_t steps; /* that it took */
  /* What it reads. */
  size_t head_len;   /* of the request that is coming; 0 in a body */
  size_t body_left;  /* of that request */
  call_t *call;      /* of the latest request whose head is here */
  uint32_t requests; /* that are whole */
  uint32_t seen_to;  /* of them */
  /* What it sends: log[sent to log_len]. */
  size_t log_len;
  size_t sent;
  size_t split;      /* at most so many bytes at once; 0: all */
  uint32_t pieces;   /* that may be split off still */
  uint32_t delay_us; /* between them */
  unsigned is_unclean : 1;
  unsigned is_unlogged : 1; /* the log does not have everything */
  unsigned is_early : 1;    /* acts on the first byte of a request */
  unsigned is_deaf : 1;     /* reads no more */
  unsigned ends : 1;        /* FIN comes behind what is to be sent */
  unsigned has_reset : 1;
  /* What is checked of it already. */
  size_t checked;     /* bytes of the log */
  uint32_t answers;   /* in them */
  uint64_t to_heads;  /* a bit for each request that is a HEAD */
  char log[LOG_ROOM]; /* from here on not cleared */
  char head[HEAD_ROOM];
};

/* What an answer looks like. */
typedef enum {
  SHAPE_LENGTH,
  SHAPE_CHUNKED,
  SHAPE_CHUNKS, /* of one byte */
  SHAPE_CLOSED, /* the end of the connection is its end */
  SHAPE_EMPTY,  /* 204 */
  SHAPE_LAST,   /* Connection: close */
  SHAPE_INTERIM,
  SHAPE_HINT, /* Keep-Alive */
  SHAPES
} shape_t;

/* What its body is made of. */
static inline char actor_letter_of(const call_t *call) {
  return (char)('A' + call->index % 26);
}

/* From now on it says what no good server says, or may have said. */
void actor_soil(actor_t *actor);

/* More to send. When the log is full that is the end of it. */
void actor_append(actor_t *actor, const char *bytes, size_t len);

/* Appends an answer to the latest request: a good one, of the shape and length
 * that `a` names. Whoever gets an answer to a part of a request, or a second
 * one, cannot be sure of anything. */
void actor_answer(actor_t *actor, unsigned a);

#endif
