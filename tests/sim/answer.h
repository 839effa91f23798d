/* The bytes of an answer, good or bad, and how they are sent. */
#ifndef SIM_ANSWER_H_
#define SIM_ANSWER_H_

#include "world.h"

/* What the server does behind the last byte. */
typedef enum {
  THEN_NOTHING, /* the connection serves on */
  THEN_WAIT,    /* nothing, ever */
  THEN_CLOSE,
  THEN_RESET,
  THEN_SHUTDOWN /* FIN, and it goes on reading */
} then_t;

typedef struct {
  char *bytes;
  size_t len;
  size_t room;
  size_t piece;      /* bytes sent at once; 0: all */
  uint32_t gap_us;   /* between pieces */
  uint32_t delay_us; /* before the first */
  then_t then;
  uint32_t then_us; /* after the last byte */
  int is_last;      /* no other request may come on this connection */
  int is_whole;     /* it is a valid answer */
} answer_t;

/* Whether a kind can be done to that request. */
int answer_suits(kind_t kind, const call_t *call);

/* Makes the answer to a call, of `call->kind`; the memory of a former answer
 * is used again. Notes in the call how it should look to the user. */
void answer_make(answer_t *answer, world_t *world, uint32_t id);

void answer_clear(answer_t *answer);

#endif
