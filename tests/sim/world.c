#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STALL_MS 1000u /* where there is but one kind, or none */

const char *const world_methods[] = {"GET", "HEAD", "POST", "PUT"};

static char pattern[WORLD_PATTERN + WORLD_PERIOD];

static void make_pattern(void) {
  size_t i;

  if (pattern[0] != '\0')
    return;
  for (i = 0; i < sizeof pattern; i++)
    pattern[i] = (char)('a' + i % WORLD_PERIOD);
}

const char *world_pattern(uint64_t id) {
  return pattern + id % WORLD_PERIOD;
}

/* --- what a seed decides ---------------------------------------------------
 */

static uint32_t from(world_t *world, uint32_t min, uint32_t max) {
  return random_from(&world->chance, min, max);
}

static int one_in(world_t *world, uint32_t n) {
  return random_below(&world->chance, n) == 0;
}

static int is_request_kind(kind_t kind) {
  group_t group = kind_info(kind)->group;

  return group == GROUP_ANSWER || group == GROUP_BAD || group == GROUP_AFTER;
}

/* A swarm has each kind or has it not: faults that hide others, or need each
 * other's absence, get their chance too (Groce et al.: Swarm testing, 2012). */
static void choose_kinds(world_t *world) {
  int rich = one_in(world, 2);
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    if (world->mode == WORLD_SINGLE)
      world->on[kind] = kind == (int)world->single;
    else if (world->mode == WORLD_SWARM)
      world->on[kind] = (uint8_t)one_in(world, rich ? 2 : 6);
    if (world->on[kind] && is_request_kind((kind_t)kind))
      world->answers[world->answer_count++] = (kind_t)kind;
  }
}

static void choose_ending(world_t *world) {
  static const kind_t endings[] = {KIND_CLOSE_IN_CALLBACK, KIND_CLOSE_IN_EVENT,
                                   KIND_CLOSE_BUSY, KIND_DRAIN, KIND_NONE};

  world->ending = endings[from(world, 0, 4)];
  if (world->mode == WORLD_QUIET)
    world->ending = one_in(world, 2) ? KIND_DRAIN : KIND_NONE;
  if (world->mode == WORLD_SINGLE)
    world->ending = kind_info(world->single)->group == GROUP_ENDING
                        ? world->single
                        : KIND_NONE;
}

static void choose_network(world_t *world) {
  int is_wide = one_in(world, 3);

  world->endpoints =
      one_in(world, 4) ? from(world, 1, WORLD_ENDPOINTS) : from(world, 1, 4);
  if (world->mode == WORLD_SINGLE && world->endpoints < 2 &&
      kind_info(world->single)->group == GROUP_CONNECT)
    world->endpoints = 2;
  world->latency_us = from(world, 20, is_wide ? 4000 : 400);
  world->jitter_us = one_in(world, 2) ? 0 : from(world, 0, world->latency_us);
  world->service_us = from(world, 0, is_wide ? 6000 : 1000);
  world->chaos_ms = from(world, 20000, 100000);
}

static uint32_t maybe_off(world_t *world, uint32_t min, uint32_t max) {
  return one_in(world, 2) ? POOL_OFF : from(world, min, max);
}

/* Most worlds with one kind do without: how a call ends is plain then. */
static void choose_retries(world_t *world) {
  pool_config_t *config = &world->config;
  int some =
      world->mode == WORLD_QUIET ||
      (world->mode == WORLD_SINGLE ? one_in(world, 4) : !one_in(world, 3));

  config->seed = world->seed + 1;
  config->max_attempts = 1;
  config->eject_after = POOL_OFF;
  if (!some)
    return;
  config->max_attempts = from(world, 2, 4);
  config->retry_delay_ms = from(world, 1, 50);
  config->retry_ratio = from(world, 1, 100);
  config->attempt_timeout_ms = maybe_off(world, 500, 2000);
  config->eject_after = one_in(world, 4) ? POOL_OFF : from(world, 2, 8);
  config->eject_ms = from(world, 100, 1000);
  config->ping_path = one_in(world, 2) ? WORLD_PING : NULL;
  config->ping_timeout_ms = from(world, 100, 1000);
  world->judges = world->mode == WORLD_SWARM && one_in(world, 2);
}

/* Kinds that need bodies that flow. */
static int is_for_streams(kind_t kind) {
  switch (kind) {
  case KIND_PAUSE:
  case KIND_PAUSE_FIRST:
  case KIND_PAUSED_FOR_EVER:
  case KIND_SLOW_WRITER:
  case KIND_WRONG_LENGTH:
  case KIND_EXPECT_IGNORED:
  case KIND_EXPECT_FINAL:
    return 1;
  default:
    return 0;
  }
}

static void choose_streams(world_t *world) {
  pool_config_t *config = &world->config;

  world->streams = one_in(world, 2) ? 0 : from(world, 5, 60);
  if (world->mode == WORLD_SINGLE && is_for_streams(world->single))
    world->streams = 60;
  config->high_water_bytes = from(world, 1024, 65536);
  config->expect_timeout_ms = from(world, 50, 500);
  if (world->single == KIND_DRIP_FOR_EVER) {
    config->min_rate = 5000; /* faster than the drip */
    config->rate_window_ms = from(world, 100, 500);
  }
  if (world->mode != WORLD_SWARM || !one_in(world, 4))
    return;
  config->min_rate = from(world, 1, 200);
  config->rate_window_ms = from(world, 1000, 3000);
}

static void choose_config(world_t *world) {
  pool_config_t *config = &world->config;
  int is_swarm = world->mode == WORLD_SWARM;

  config->max_pending = is_swarm ? from(world, 12, 300) : 1000;
  config->max_connections =
      world->mode == WORLD_SINGLE ? from(world, 12, 20) : from(world, 1, 12);
  config->max_connecting = from(world, 1, 6);
  config->connect_timeout_ms = from(world, 300, 1000);
  config->timeout_ms = is_swarm ? from(world, 1500, 5000) : 4000;
  config->head_timeout_ms = is_swarm ? maybe_off(world, 1000, 4000) : 2500;
  config->stall_timeout_ms = is_swarm           ? maybe_off(world, 1000, 4000)
                             : one_in(world, 2) ? POOL_OFF
                                                : STALL_MS;
  config->idle_timeout_ms = from(world, 2000, 6000);
  config->max_requests = is_swarm ? maybe_off(world, 1, 200) : POOL_OFF;
  config->resolution_ms = from(world, 1, 20);
  config->max_head_bytes = from(world, 16384, 65536);
  config->max_body_bytes = WORLD_BODY_MAX;
  choose_retries(world);
  choose_streams(world);
}

/* Requests come no faster than a third of what the good servers can do, and so
 * that a sixth of those that may be pending are. */
static void choose_rate(world_t *world) {
  uint32_t slots = world->endpoints * world->config.max_connections;
  uint64_t each_us =
      2u * (world->latency_us + world->jitter_us) + world->service_us + 200 +
      world->streams * 150; /* those that are written take their time */
  uint64_t most;

  if (world->mode == WORLD_SINGLE)
    slots -= world->config.max_connections * (world->endpoints > 1 ? 1 : 0);
  if (slots > world->config.max_pending / 2)
    slots = world->config.max_pending / 2;
  most = (uint64_t)slots * 1000000 / each_us / 3;
  if (world->mode == WORLD_SINGLE)
    most = most < 80 ? most : 80; /* room for what is slow or stuck */
  world->rate = from(world, 40, one_in(world, 4) ? 600 : 250);
  if (world->rate > most)
    world->rate = (uint32_t)most + 1;
  world->batch = from(world, 1, 6);
}

static void make_sites(world_t *world) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++) {
    site_t *site = &world->sites[i];

    site->world = world;
    site->port = WORLD_FIRST_PORT + (int)i;
    site->v6 = one_in(world, 4);
    snprintf(site->address, sizeof site->address,
             site->v6 ? "[::1]:%d" : "127.0.0.1:%d", site->port);
  }
}

void world_make(world_t *world, uint64_t seed, int mode, kind_t only) {
  memset(world, 0, sizeof *world);
  make_pattern();
  world->seed = seed;
  world->chance.state = seed * 0x9e3779b97f4a7c15u;
  world->mode = seed % 4 == 0   ? WORLD_QUIET
                : seed % 4 == 1 ? WORLD_SINGLE
                                : WORLD_SWARM;
  world->single = (kind_t)(seed / 4 % KINDS);
  if (only != KIND_NONE) {
    world->mode = WORLD_SINGLE;
    world->single = only;
  } else if (mode >= 0) {
    world->mode = (world_mode_t)mode;
  }
  if (world->mode != WORLD_SINGLE)
    world->single = KIND_NONE;
  choose_network(world);
  choose_config(world);
  choose_kinds(world);
  choose_ending(world);
  choose_rate(world);
  make_sites(world);
}

static void print_setting(const char *name, uint32_t value) {
  if (value == POOL_OFF)
    printf(" %s=off", name);
  else
    printf(" %s=%u", name, value);
}

void world_print(const world_t *world) {
  static const char *const modes[] = {"quiet", "single", "swarm"};
  const pool_config_t *c = &world->config;
  int kind;

  printf("seed %" PRIu64 " %s endpoints=%u rate=%u batch=%u latency=%u+%uus "
         "service=%uus chaos=%ums ending=%s\n",
         world->seed, modes[world->mode], world->endpoints, world->rate,
         world->batch, world->latency_us, world->jitter_us, world->service_us,
         world->chaos_ms, kind_info(world->ending)->name);
  print_setting("max_pending", c->max_pending);
  print_setting("max_connections", c->max_connections);
  print_setting("max_connecting", c->max_connecting);
  print_setting("connect_timeout", c->connect_timeout_ms);
  print_setting("timeout", c->timeout_ms);
  print_setting("head_timeout", c->head_timeout_ms);
  print_setting("stall_timeout", c->stall_timeout_ms);
  print_setting("idle_timeout", c->idle_timeout_ms);
  print_setting("max_requests", c->max_requests);
  print_setting("resolution", c->resolution_ms);
  print_setting("max_head", c->max_head_bytes);
  print_setting("streams", world->streams);
  print_setting("high_water", c->high_water_bytes);
  print_setting("expect_timeout", c->expect_timeout_ms);
  print_setting("min_rate", c->min_rate);
  print_setting("max_attempts", c->max_attempts);
  if (c->max_attempts > 1) {
    print_setting("retry_ratio", c->retry_ratio);
    print_setting("attempt_timeout", c->attempt_timeout_ms);
    print_setting("eject_after", c->eject_after);
    print_setting("eject", c->eject_ms);
    printf("%s%s", c->ping_path != NULL ? " pings" : "",
           world->judges ? " judges" : "");
  }
  printf("\n kinds:");
  for (kind = 0; kind < KINDS; kind++)
    if (world->on[kind])
      printf(" %s", kind_info((kind_t)kind)->name);
  printf("\n");
}

int world_is_swift(const world_t *world) {
  return !world->on[KIND_FREEZE] && !world->on[KIND_CLOCK_JUMP] &&
         !world->on[KIND_BLOCKED_LOOP] && !world->on[KIND_SLOW_CONNECT];
}

/* --- kinds -----------------------------------------------------------------
 */

void world_hit(world_t *world, kind_t kind) {
  world->hits[kind]++;
  trace("strikes", (int64_t)kind, 0, 0);
}

int world_strikes(world_t *world, kind_t kind) {
  const kind_info_t *info = kind_info(kind);
  uint32_t chance = info->chance;

  if (!world->on[kind] || world->phase != PHASE_CHAOS)
    return 0;
  if (world->mode == WORLD_SINGLE && info->group == GROUP_CONNECT)
    chance = 10000; /* but only at one site: see host.c */
  if (!random_chance(&world->chance, chance))
    return 0;
  world_hit(world, kind);
  return 1;
}

/* Kinds that hold up a connection, or bring more than there is room for: with
 * one of them calls may wait too long for others. */
static int is_holdup(kind_t kind) {
  group_t group = kind_info(kind)->group;

  switch (kind) {
  case KIND_DRIP:
  case KIND_SLOW:
  case KIND_SLOW_READER:
  case KIND_STUCK:
  case KIND_STUCK_IN_HEAD:
  case KIND_STUCK_IN_BODY:
  case KIND_DRIP_FOR_EVER:
  case KIND_DEAF:
  case KIND_ENDLESS_BODY:
  case KIND_BURST:
  case KIND_PAUSE:
  case KIND_PAUSE_FIRST:
  case KIND_PAUSED_FOR_EVER:
  case KIND_SLOW_WRITER:
    return 1;
  default: /* an endpoint that cannot be reached rests for up to ten seconds */
    return group == GROUP_CONNECT || group == GROUP_PATH ||
           group == GROUP_CHAOS;
  }
}

/* A server hangs up when it said it would; the pool, away or cut off for long,
 * learns late that it is so. */
static int hint_is_missed(const world_t *world) {
  return world->on[KIND_KEEP_ALIVE_HINT] &&
         (world->on[KIND_CLOCK_JUMP] || world->on[KIND_BLOCKED_LOOP] ||
          world->on[KIND_FREEZE]);
}

uint32_t world_spill(const world_t *world) {
  uint32_t spill = hint_is_missed(world) ? END_RACE : END_OK;
  int kind;

  for (kind = 0; kind < KINDS; kind++)
    if (world->on[kind])
      spill |= kind_info((kind_t)kind)->spill |
               (world->mode == WORLD_SWARM && is_holdup((kind_t)kind) ? END_TIME
                                                                      : 0);
  return spill;
}
