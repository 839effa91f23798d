/* A pool and scripted servers on one loop, for scripts: each request and each
 * event writes down what it is told; the end, what pool and servers counted. */
#ifndef SIM_CONFORM_STAGE_H_
#define SIM_CONFORM_STAGE_H_

#include "conform.h"
#include "fixture.h"

#define STAGE_REQUESTS 64

typedef struct stage_s stage_t;

/* A request of a stage. */
typedef struct {
  stage_t *stage;
  const char *who; /* a literal */
  record_t *record;
  void (*then)(stage_t *stage); /* runs in its callback; or NULL */
} stage_request_t;

struct stage_s {
  conform_t *log;
  fixture_t *fx;
  stage_request_t requests[STAGE_REQUESTS];
  uint32_t count;
  pool_event_type_t on; /* when an event of this type is told, `then` runs; */
  void (*then)(stage_t *stage); /* or NULL */
};

/* A server, and a pool with that endpoint; `config` may be NULL. */
void stage_begin(stage_t *stage, conform_t *log, const pool_config_t *config);

/* The same without a pool: stage_pool() makes one. */
void stage_begin_bare(stage_t *stage, conform_t *log);
void stage_pool(stage_t *stage, const pool_config_t *config);

/* Writes down what was counted, and ends it. */
void stage_end(stage_t *stage);

/* Begins a request; a refusal is written down. */
stage_request_t *stage_get(stage_t *stage, const char *who);
stage_request_t *stage_send(stage_t *stage, const char *who, const char *method,
                            const char *body, size_t len);
stage_request_t *stage_request(stage_t *stage, const char *who,
                               const pool_request_t *request);

/* Ends one. */
void stage_cancel(stage_request_t *request);

/* Runs the loop until all requests are over. */
void stage_run(stage_t *stage);

/* Runs it until the pool's counter of that name, or the server's, says `n`. */
void stage_until_idle(stage_t *stage, uint32_t n);
void stage_until_seen(stage_t *stage, uint32_t n);

/* One GET, from a server that does these steps. */
void stage_one(conform_t *log, const server_step_t *steps);

/* The same of any method, with a body of so many bytes. */
void stage_one_with(conform_t *log, const pool_config_t *config,
                    const server_step_t *steps, const char *method, size_t len);

#endif
