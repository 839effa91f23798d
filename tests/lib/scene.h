/* Scenes for torture: short pieces of a pool's life, played again and again
 * while one thing or another fails.
 *
 *   scene_open()     servers, and what else must not fail
 *   scene_pool()     the pool
 *   scene_play()     the piece itself
 *   scene_check()    each request was told once, and nothing unheard of
 *   scene_recover()  nothing fails any more: ten requests are answered
 *   scene_close()    what scene_open() opened besides servers
 *
 * The fixture is the caller's, before and after. */
#ifndef SCENE_H_
#define SCENE_H_

#include "fixture.h"

#define SCENE_REQUESTS 32
#define SCENE_ERRORS   4
#define SCENE_MARKS    64u

typedef struct scene_s scene_t;

/* What a scene is like. */
typedef struct {
  const char *name;
  const server_step_t *script; /* of the first server; NULL: the default one */
  pool_config_t config;
  int errors[SCENE_ERRORS]; /* that it brings about itself; 0 ends them */
  int bare;                 /* the pool has no endpoint at first */
  void (*prepare)(scene_t *scene); /* at the end of scene_open(); or NULL */
  void (*act)(scene_t *scene);
} scenario_t;

struct scene_s {
  const scenario_t *scenario;
  fixture_t *fx;
  server_t *second; /* answers as any server; an endpoint if an act makes it */
  hole_t hole;
  int has_hole;
  record_t *made[SCENE_REQUESTS];
  int count;
  int rc;   /* the first failure of what is not a request; 0: none */
  int told; /* for an act */
};

/* All of them. */
const scenario_t *scenarios(size_t *count);

/* The fixture has a loop and no server yet. */
void scene_open(scene_t *scene, const scenario_t *scenario, fixture_t *fx);

/* What pool_create() or pool_add_endpoint() said. */
int scene_pool(scene_t *scene);

/* Plays it, until the loop has nothing to do. */
void scene_play(scene_t *scene);

/* Asserts that its requests were told once or refused, with no errors but the
 * scene's own and those of the list, which a 0 ends. */
void scene_check(const scene_t *scene, const int *errors);

/* Whether anybody was told one of those errors: a request, the caller of a
 * function, or on_event. */
int scene_told(const scene_t *scene, const int *errors);

/* What went over the wire, as a set of numbers: one for each request that a
 * server saw, but for its Host, and one for each answer that was told. */
typedef struct {
  uint64_t marks[SCENE_MARKS];
  uint32_t count;
} scene_marks_t;

void scene_mark(const scene_t *scene, scene_marks_t *marks);

/* Asserts that nothing did but what had when nothing failed. */
void scene_compare(const scene_marks_t *marks, const scene_marks_t *good);

/* With a new pool if the old one takes no more requests, or there is none. */
void scene_recover(scene_t *scene);

void scene_close(scene_t *scene);

#endif
