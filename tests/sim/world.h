/* One universe: what a seed decides, and what its parts know of each other.
 *
 *   world.c     the seed's choices; which kinds strike, and how often
 *   host.c      system calls that fail, connects and their paths
 *   origin.c    the servers: requests in, answers out
 *   heard.c     what requests have to be
 *   answer.c    the bytes of answers
 *   chaos.c     servers that crash, networks that freeze, clocks that jump
 *   user.c      who has the pool, and what they do to it
 *   asks.c      the requests that they make
 *   streams.c   bodies that flow
 *   judge.c     how they may end
 *   oracle.c    what has to hold after every poll
 *   universe.c  the phases, from warm-up to the closed loop
 *
 * The user's table of calls is shared: a server notes there what it did to a
 * call, so that the user knows how it has to end. */
#ifndef SIM_WORLD_H_
#define SIM_WORLD_H_

#include "heap.h"
#include "httpool.h"
#include "kernel.h"
#include "kinds.h"

#define WORLD_ENDPOINTS  16u
#define WORLD_FIRST_PORT 9000
#define WORLD_PATTERN    (1u << 20) /* bytes of the pattern, and some more */
#define WORLD_PERIOD     23u
#define WORLD_BODY_MAX   (1u << 18) /* what servers send, at most, if good */

/* A quarter of all universes is quiet, a quarter knows one kind. */
typedef enum { WORLD_QUIET, WORLD_SINGLE, WORLD_SWARM } world_mode_t;

typedef enum {
  PHASE_WARM_UP,
  PHASE_CHAOS,  /* kinds strike */
  PHASE_SETTLE, /* none does any more; what it left behind may hurt */
  PHASE_LIVE,   /* all has to be well */
  PHASE_ENDING, /* no new requests */
  PHASE_OVER    /* the pool is closed */
} phase_t;

/* One request that was made. */
typedef struct {
  uint8_t done;      /* its callback ran; or it was not accepted */
  uint8_t method;    /* index into world_methods */
  uint8_t phase;     /* when it was made */
  uint8_t cancelled; /* pool_cancel() returned 0 */
  uint8_t seen;      /* by servers: its request line */
  uint8_t answered;  /* by a server: the whole of it is on its way */
  uint16_t status;   /* of that answer */
  int16_t kind;      /* what the last server did; KIND_NONE when plain */
  uint8_t repeats;   /* it may be sent more than once */
  uint32_t ends;     /* how servers had it end, all attempts together */
  uint64_t latest;   /* the connection of its last attempt */
  uint8_t says_last; /* it has Connection: close */
  uint8_t tells;     /* its answer is told piece by piece */
  uint8_t uploads;   /* its body is written piece by piece */
  uint8_t chunked;   /* and has no declared length */
  uint8_t expects;   /* it has Expect: 100-continue */
  uint8_t told;      /* its user, of a head */
  uint8_t flowed;    /* a byte of its upload came to a server */
  uint16_t field;    /* bytes of a long field; 0: none */
  uint32_t sent;     /* bytes of its body */
  uint32_t copied;   /* by the pool, of them */
  uint32_t body;     /* bytes of the answer's body */
  uint32_t timeout_ms;
  uint32_t stuck_ms; /* it has to be found stuck within that; 0: whenever */
  pool_call_t call;
  uint64_t accepted_ms;           /* uv_now() */
  uint64_t lost_us;               /* world->lost_us at that time */
  uint64_t started_ms;            /* 0 when it was not */
  struct stream_s *stream;        /* while it is under way, if it is one */
  const struct tcp_end_s *client; /* of its last attempt's connection */
} call_t;

/* A server; its connections are in origin.c. */
typedef struct {
  struct world_s *world;
  int port;
  int v6;
  int is_down;      /* refuses connects */
  int in_pool;      /* it is one of the pool's endpoints */
  uint64_t back_ms; /* uv_now() when it is to be one again */
  char address[32];
  uint64_t connects; /* to it, by the pool */
  uint64_t served;   /* requests */
  uint64_t pinged;
  uint64_t out_since_ms; /* events say that it is out; 0: it is not */
  uint64_t out_until_ms; /* by then that has to change */
  struct peer_s *peers;  /* its connections */
} site_t;

typedef struct world_s {
  uint64_t seed;
  random_t chance;
  world_mode_t mode;
  kind_t single; /* of a universe with one kind */
  /* What the seed decided. */
  uint32_t endpoints;
  uint32_t rate;       /* requests a second */
  uint32_t batch;      /* made at once */
  uint32_t latency_us; /* one way */
  uint32_t jitter_us;
  uint32_t service_us; /* a server thinks about a request, at most */
  uint32_t chaos_ms;
  uint8_t on[KINDS];     /* may strike in this universe */
  kind_t answers[KINDS]; /* those that strike requests */
  uint32_t answer_count;
  int judges;       /* on_retry rejects 503 */
  uint32_t streams; /* of a hundred requests, those whose bodies flow */
  kind_t ending;    /* how it ends; KIND_NONE: idle, then close */
  pool_config_t config;
  /* The state. */
  phase_t phase;
  uv_loop_t loop;
  heap_t heap;
  pool_t *pool;
  int closed; /* the callback of pool_close() ran */
  int drained;
  uint32_t removals; /* of endpoints, and how many events told of one */
  uint32_t farewells;
  int in_call;          /* a pool_*() call is on the stack */
  int close_next;       /* the next callback closes the pool */
  int close_on_event;   /* the next event does */
  uv_timer_t tick;      /* the users' */
  uv_timer_t stage;     /* the phases' */
  uint32_t max_pending; /* the limit now */
  site_t sites[WORLD_ENDPOINTS];
  call_t *calls;
  uint32_t call_count;
  uint32_t call_room;
  uint32_t pending;
  uint32_t telling;   /* of them: their answers are told in pieces */
  uint32_t uploading; /* of them: their bodies are written */
  struct stream_s *stream_list;
  uint64_t copied;  /* bytes of bodies of pending calls */
  uint64_t lost_us; /* time that the process was not there */
  uint64_t jump_us; /* before the next poll it is not */
  pool_stats_t last_stats;
  /* What came of it. */
  uint64_t hits[KINDS];
  uint64_t accepted;
  uint64_t refused;
  uint64_t succeeded;
  uint64_t failed;     /* cancelled ones too */
  uint64_t cancelled;  /* of them */
  uint64_t bystanders; /* of them: failed on account of what struck others */
  uint64_t given_up;   /* of them: after an attempt that failed before */
  uint64_t opened;     /* connections, as events told */
  uint64_t hung_up;
  uint64_t checks;
  uint64_t max_late_ms;  /* callbacks behind their deadline */
  uint64_t live_refused; /* refusals before the live phase */
  uint64_t simulated_us;
  uint64_t calls_of_system;
  uint64_t hash;
} world_t;

extern const char *const world_methods[];
#define WORLD_METHODS 4u
#define METHOD_GET    0u
#define METHOD_HEAD   1u
#define METHOD_POST   2u
#define WORLD_PING    "/ping"

/* Decides everything that a seed decides. `only`: KIND_NONE, or the universe
 * has that single kind. */
void world_make(world_t *world, uint64_t seed, int mode, kind_t only);

/* Prints the configuration. */
void world_print(const world_t *world);

/* Whether a kind is to strike now; then it is counted. */
int world_strikes(world_t *world, kind_t kind);

/* Nothing holds up the process or a packet for long. */
int world_is_swift(const world_t *world);

/* Counts a strike that somebody else decided. */
void world_hit(world_t *world, kind_t kind);

/* The union of what calls may come to on others' account. */
uint32_t world_spill(const world_t *world);

/* The bytes of bodies: from any offset below WORLD_PERIOD on, WORLD_PATTERN
 * bytes. What a call's body is starts at its id modulo the period. */
const char *world_pattern(uint64_t id);

/* Begins and ends to use the virtual kernel, with this world behind it. */
void host_begin(world_t *world, int print);

/* Servers. */
void origin_begin(world_t *world);
void origin_end(world_t *world);
void origin_crash(site_t *site, int reset);   /* all its connections */
void origin_check_rest(const world_t *world); /* none is of no use any more */

/* Chaos plans its deeds on the timeline. */
void chaos_begin(world_t *world);
void chaos_stop(world_t *world); /* and all is healed */

/* Users: they make the pool, and requests at the world's rate until they are
 * stopped. */
void user_begin(world_t *world);
void user_heal(world_t *world); /* limits and endpoints as they were at first */
void user_stop(world_t *world);
void user_request(world_t *world);
void user_ask_badly(world_t *world); /* for what cannot be sent */

/* What users do in the middle of a callback. */
void user_acts_in_callback(world_t *world);
void user_drain(world_t *world);
void user_close(world_t *world);
void user_end(world_t *world);

/* A server will never end its answer to a call, whose head takes so long: notes
 * by when that has to be found. */
void judge_expect_stuck(const world_t *world, call_t *call, uint32_t head_ms);

/* Holds the end of a call against what the world did to it. */
void judge_call(world_t *world, uint32_t id, const pool_result_t *result);

/* Judges everything that can be judged between two polls. */
void oracle_check(world_t *world);

/* What has to be true when all that went wrong has been over for long, when a
 * quiet pool is at rest, and when the loop is closed. */
void oracle_settled(world_t *world);
void oracle_at_rest(world_t *world);
void oracle_end(world_t *world);

/* The world that is being lived through: for callbacks. */
world_t *universe_now(void);

/* Lives through a universe; aborts where a promise is broken. */
void universe_run(world_t *world, int print);

#endif
