/* What a test of the pool needs: a loop, a server, a heap, a pool, records of
 * what the callbacks were told, and a guard against hanging.
 *
 *   static void a_get_is_answered(void **state) {
 *     fixture_t *fx = *state;
 *     fixture_pool(fx, NULL);
 *     record_t *got = fixture_get(fx, "/a");
 *     fixture_run(fx);
 *     assert_int_equal(got->calls, 1);
 *     assert_string_equal(got->body, "/a");
 *   }
 *   ...
 *   cmocka_unit_test_setup_teardown(a_get_is_answered, fixture_setup,
 *                                   fixture_teardown)   or FIXTURE_TEST(name)
 *
 * The teardown closes what is open and fails the test when the loop does not
 * close, a callback ran twice or never, or memory is left. All memory of a
 * record is the fixture's, so a test may fail at any point. */
#ifndef FIXTURE_H_
#define FIXTURE_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap.h"
#include "httpool.h"
#include "server.h"

#define FIXTURE_GUARD_MS 60000u /* no run of the loop lasts longer */
#define FIXTURE_EVENTS   1024u
#define FIXTURE_SERVERS  8u

typedef struct fixture_s fixture_t;
typedef struct record_s record_t;

/* What a request was told. */
struct record_s {
  fixture_t *fx;
  record_t *next;
  int rc;           /* of pool_request() */
  pool_call_t call; /* its id when rc is 0 */
  uint32_t calls;   /* times the callback ran */
  uint32_t order;   /* 1 for the first callback of the fixture, and so on */
  int in_call;      /* it ran inside a pool_*() call: never */
  int error;        /* from here on: copies of the pool_result_t */
  pool_phase_t phase;
  int status;
  pool_header_t *headers;
  size_t header_count;
  char *body; /* a NUL follows */
  size_t body_len;
  char endpoint[64]; /* "" when it was NULL */
  uint32_t attempts;
  int reused;
  uint32_t waited_ms;
  uint32_t first_byte_ms;
  uint32_t total_ms;
  int first_error;
  int last_error;
  uint64_t started_hr; /* uv_hrtime() of the request and of the callback */
  uint64_t ended_hr;
  pool_stats_t stats;             /* as the callback saw them */
  void (*then)(record_t *record); /* runs last in the callback; or NULL */
  void *then_data;
};

typedef struct {
  pool_event_type_t type;
  int error;
  char endpoint[64]; /* "" when it was NULL */
  uint64_t lost;
  pool_event_t all; /* with an endpoint that is gone */
} fixture_event_t;

struct fixture_s {
  uv_loop_t loop;
  heap_t heap;
  pool_t *pool;     /* NULL before fixture_pool() and when it is closed */
  uint32_t closed;  /* times the callback of pool_close() ran */
  server_t *server; /* the first of the servers; listens from the start */
  server_t *servers[FIXTURE_SERVERS];
  uint32_t server_count;
  record_t *records;
  uint32_t callbacks; /* done callbacks so far */
  int in_call;        /* set by a test around pool_*() calls */
  fixture_event_t events[FIXTURE_EVENTS];
  uint32_t event_count;
  /* Runs in on_event, after the event was recorded; or NULL. */
  void (*on_event)(fixture_t *fx, const pool_event_t *event);
  uv_timer_t guard;
  int hung;          /* the guard went off */
  const char *wrong; /* what a callback found to be so; NULL */
  uv_timer_t timer;
  int timer_fired;
  void *data; /* for the test */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The set-up in parts, for who makes them fail: the fixture itself, without a
 * loop or a server; then the loop. 0, or the error of uv_loop_init(), and then
 * it may be tried again. */
fixture_t *fixture_new(void);
int fixture_open(fixture_t *fx);

#define FIXTURE_TEST(name)                                                     \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Makes the pool, with the fixture's heap and event recorder in place of the
 * config's, and adds the first server. `config` may be NULL. Where it does not
 * say otherwise there is one attempt, so that what happens to it is told; no
 * endpoint is taken out; and chance is always the same. */
void fixture_pool(fixture_t *fx, const pool_config_t *config);

/* As above without any endpoint. */
void fixture_pool_bare(fixture_t *fx, const pool_config_t *config);

/* As above without any assert: what pool_create() says. */
int fixture_try_pool(fixture_t *fx, const pool_config_t *config);

/* One more server; asserts that it opens. */
server_t *fixture_server(fixture_t *fx);

/* A record for a request that the test makes itself, with fixture_done and the
 * record as its data. */
record_t *fixture_record(fixture_t *fx);
void fixture_done(const pool_result_t *result, void *record);

/* Makes requests; look at ->rc for the answer of pool_request(). */
record_t *fixture_get(fixture_t *fx, const char *path);
record_t *fixture_send(fixture_t *fx, const char *method, const char *path,
                       const char *body, size_t len);
record_t *fixture_request(fixture_t *fx, const pool_request_t *request);

/* For callbacks, which must not leave uv_run() by an assert: the test fails in
 * the end if the fact was not one. */
#define FIXTURE_CHECK(fx, fact)                                                \
  do {                                                                         \
    if (!(fact) && (fx)->wrong == NULL)                                        \
      (fx)->wrong = #fact;                                                     \
  } while (0)

/* The value of a header of a record (exact name), or NULL. */
const char *record_header(const record_t *record, const char *name);

/* Runs the loop until it has nothing to do, that is: no request is pending and
 * no step of a server is under way. Fails the test when that takes too long. */
void fixture_run(fixture_t *fx);

/* Runs it until `test` says so, or the record is told. */
void fixture_run_until(fixture_t *fx, int (*test)(fixture_t *fx, void *arg),
                       void *arg);
void fixture_run_record(fixture_t *fx, const record_t *record);

/* Runs it for so long; for what must not happen. */
void fixture_run_ms(fixture_t *fx, uint32_t ms);

/* Runs n turns that do not block. */
void fixture_turns(fixture_t *fx, uint32_t n);

/* Keeps the thread busy for so long, as user code that blocks would. */
void fixture_block(uint32_t ms);

/* Closes the pool, runs the loop until it is gone, and asserts that nothing of
 * it is left. The teardown does it too. */
void fixture_close_pool(fixture_t *fx);

/* Only begins it: ->pool is NULL when the pool is gone. */
void fixture_start_close(fixture_t *fx);

pool_stats_t fixture_stats(const fixture_t *fx);
pool_endpoint_stats_t fixture_endpoint_stats(const fixture_t *fx,
                                             const server_t *server);

/* How many events of that type were told; the n-th of them, from 0, or NULL. */
uint32_t fixture_events(const fixture_t *fx, pool_event_type_t type);
const fixture_event_t *fixture_event(const fixture_t *fx,
                                     pool_event_type_t type, uint32_t n);

#endif
