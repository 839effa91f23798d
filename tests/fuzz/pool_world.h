/* One run of fuzz_pool: a pool on a simulated kernel, its users, its servers,
 * and what has to be true of them.
 *
 *   fuzz_pool.c       the run, from settings to the end of everything
 *   pool_script.c     the input as steps
 *   pool_user.c       what users do, and what they must be told
 *   pool_stream.c     the same of bodies that flow
 *   pool_actor.c      servers: what they send, and what they may be sent
 *   pool_words.c      the words they know
 *   pool_trouble.c    connects and system calls that fail */
#ifndef POOL_WORLD_H_
#define POOL_WORLD_H_

#include "fuzz.h"
#include "heap.h"
#include "kernel.h"
#include "pool.h"
#include "pool_script.h"

#define WORLD_PLACES 4u
#define WORLD_CALLS  24u
#define WORLD_ACTORS 112u
#define WORLD_SPARE  64u /* actors that are left for the end */
#define WORLD_MARGIN_US                                                        \
  5000u /* how late a callback may be over the rounding                        \
         */

typedef struct world_s world_t;
typedef struct actor_s actor_t;

/* What a place does with who knocks. */
typedef enum { PLACE_ACCEPTS, PLACE_REFUSES, PLACE_DROPS } place_mode_t;

/* An endpoint. */
typedef struct {
  world_t *world;
  int port;
  int v6;
  char name[24]; /* as the pool knows it */
  place_mode_t mode;
  unsigned serves : 1;       /* it is in the pool */
  unsigned speaks_first : 1; /* as no HTTP server does */
} place_t;

/* A request that the pool accepted. */
typedef struct {
  world_t *world;
  uint32_t index; /* it is in the request, as X-Id */
  pool_call_t id;
  const char *method;
  char *body; /* borrowed by the pool, or NULL */
  size_t body_len;
  uint64_t due_us;    /* the deadline; UINT64_MAX for none */
  uint64_t jumped_us; /* world_t's, when it was accepted */
  uint64_t behind_us; /* by how much the loop's time was late then */
  actor_t *actor;     /* who has seen its head, of its last attempt */
  uint32_t seen;      /* how often that happened */
  size_t answer_len;  /* bytes of body in the answer, if it is answered */
  int error;          /* how it ended */
  unsigned to_head : 1;
  unsigned answered : 1; /* by that actor, and in whole */
  unsigned cancelled : 1;
  unsigned ended : 1;
  size_t written;           /* of a body that is written in pieces */
  size_t told;              /* of an answer that is told in pieces */
  unsigned uploads : 1;     /* the body is written in pieces */
  unsigned upload_over : 1; /* it was ended */
  unsigned full : 1;        /* pool_write() refused, on_drain is to come */
  unsigned is_wrong : 1;    /* its length is not as declared: it ends so */
  unsigned streams : 1;     /* the answer is told in pieces */
  unsigned head_told : 1;
  unsigned soiled : 1;    /* a piece had a byte that is not the call's */
  unsigned paused : 1;    /* nothing may be told */
  unsigned body_seen : 1; /* a server has got some of an upload */
} call_t;

struct world_s {
  script_t script;
  uv_loop_t *loop;
  uv_timer_t driver; /* what the user does next */
  uv_timer_t limit;  /* the end of a phase */
  uv_check_t turn;   /* looks after each poll whether that comes now */
  heap_t heap;
  pool_t *pool; /* NULL before it is made and when it is gone */
  pool_config_t config;
  place_t places[WORLD_PLACES];
  uint32_t place_count;
  call_t calls[WORLD_CALLS]; /* [call_count] */
  uint32_t call_count;
  /* What the pool's numbers have to be. */
  uint32_t max_pending;
  uint32_t pending;
  uint64_t refused;
  uint64_t succeeded;
  uint64_t failed;
  uint64_t cancelled;
  uint64_t jumped_us;   /* by how much the clock was made to jump, in all */
  uint32_t actors;      /* that were made */
  size_t bulk;          /* bytes that servers sent in bulk */
  uint64_t work_max;    /* then the phase ends */
  int in_call;          /* a pool_*() function runs */
  int over;             /* the phase was ended by a limit */
  unsigned polite : 1;  /* servers are, once their track is at its end */
  unsigned talks : 1;   /* events are told, and users act on them */
  unsigned asks : 1;    /* one request more when all is well */
  unsigned is_long : 1; /* the script may do much */
  unsigned heals : 1;   /* everything works from now on */
  unsigned lost : 1;    /* a connect was lost and knows no timeout */
  unsigned drains : 1;  /* pool_drain() was called */
  unsigned drained : 1;
  unsigned closes : 1; /* pool_close() was called */
  unsigned closed : 1; /* its callback has run */
  const script_step_t *fault;
  uint32_t fault_left; /* calls until it */
  /* What failures come from, so far. */
  uint32_t faults;      /* system calls that failed */
  uint32_t turned_away; /* connects: refused, lost, or failed in another way */
  uint32_t soiled;      /* texts that no good server sends */
  uint32_t bare;        /* times that no endpoint was left */
  uint32_t cuts;        /* connections that a server closed or reset */
};

#endif
