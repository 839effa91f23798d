/* What the files of the demo share. */
#ifndef DEMO_DEMO_H_
#define DEMO_DEMO_H_

#include "child.h"
#include "load.h"

#define DEMO_ORIGINS     3
#define DEMO_CALLERS     100
#define DEMO_CALLS       200000 /* in one loop, in the last act */
#define DEMO_MAX_PENDING 1000
#define DEMO_MAX_CONNS   20 /* per endpoint */
#define DEMO_HEAD_MS     500

#define DEMO_GETS 20000 /* at least, while all are restarted */

typedef enum { NORMAL, KILLED, ROLLED, STUCK, FLOOD, ACTS } act_t;

/* What the pool did in one act. */
typedef struct {
  uint64_t opened; /* connections */
  uint64_t retries;
  uint64_t replays; /* of them */
  uint64_t denied;  /* retries that were more than the pool allows */
} deeds_t;

/* What the last act measured. */
typedef struct {
  uint64_t accept_ns;    /* all accepted calls */
  uint64_t refuse_ns;    /* all refused calls */
  uint64_t bytes_before; /* of the pool's memory: at the start, */
  uint64_t bytes_full;   /* at the first refusal */
  uint64_t bytes_after;  /* and at the last one */
  size_t rss_before;     /* of the process */
  size_t rss_after;
  uint64_t rss_peak;   /* ever */
  unsigned sockets;    /* TCP handles on the loop after the loop of calls */
  uint32_t pending;    /* then */
  uint32_t endpoints;  /* then */
  uint32_t drained_ms; /* until all that was accepted had ended */
} flood_t;

typedef struct {
  uv_loop_t *loop;
  pool_t *pool;
  child_t origins[DEMO_ORIGINS];
  child_t stuck; /* an origin that never answers */
  load_t load;
  act_t act;
  tally_t tallies[ACTS];
  deeds_t deeds[ACTS];
  uint64_t back_ms; /* KILLED: restarted -> it answers again */
  uint64_t ok_while_down;
  const child_t *restarted;       /* the latest, */
  uint64_t before_restart;        /* and how many answers it had given before */
  uint32_t stops;                 /* ROLLED: restarts by SIGTERM */
  uint32_t kills;                 /* ROLLED: restarts by SIGKILL */
  pool_endpoint_stats_t at_stuck; /* STUCK: of the origin that is stuck */
  flood_t flood;
  int is_terminal;
  unsigned ticks;
  uint64_t started_at;
} demo_t;

extern const char *const demo_titles[ACTS];
extern const char *const demo_origin_options[]; /* of those that are well */

/* acts.c: runs an act, until all its requests have ended. 0, or an error of
 * libuv when there is no way to go on. */
int demo_run(demo_t *demo, act_t act);

/* report.c */
void report_live(demo_t *demo);                  /* now and then: how it goes */
void report_say(demo_t *demo, const char *text); /* a line: what is done now */
void report_table(const demo_t *demo);
int report_verdict(const demo_t *demo); /* how many expectations failed */

#endif
