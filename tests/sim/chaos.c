/* What befalls whole servers, the network, the clock and the memory. Planned
 * on the timeline, so it comes in the middle of system calls: nothing here may
 * call the pool. */
#include "world.h"

#define EVERY_MIN_MS 100u
#define EVERY_MAX_MS 3000u

static uint32_t from(world_t *world, uint32_t min, uint32_t max) {
  return random_from(&world->chance, min, max);
}

static site_t *any_site(world_t *world) {
  return &world->sites[from(world, 0, world->endpoints - 1)];
}

static void on_up(void *arg, uint64_t a, uint64_t b) {
  site_t *site = arg;

  (void)a;
  (void)b;
  site->is_down = 0;
}

static void take_down(site_t *site, uint32_t min_ms, uint32_t max_ms,
                      int reset) {
  site->is_down = 1;
  origin_crash(site, reset);
  timeline_after(from(site->world, min_ms, max_ms) * 1000ull, on_up, site, 0,
                 0);
}

static void freeze(site_t *site) {
  tcp_hold(site->port, site->v6,
           timeline_now() + from(site->world, 10, 3000) * 1000ull);
}

static void on_memory(void *arg, uint64_t a, uint64_t b) {
  world_t *world = arg;

  (void)a;
  (void)b;
  heap_fail(&world->heap, 0, 0);
}

/* The next allocation fails, or the tenth, or all for a while. */
static void take_memory(world_t *world) {
  int for_a_while = random_chance(&world->chance, 3000);

  heap_fail(&world->heap, from(world, 1, 10), for_a_while);
  timeline_after(for_a_while ? 30000 : 2000000, on_memory, world, 0, 0);
}

static void strike_sites(world_t *world) {
  uint32_t i;

  if (world_strikes(world, KIND_CRASH))
    take_down(any_site(world), 50, 3000, 1);
  if (world_strikes(world, KIND_RESTART))
    take_down(any_site(world), 10, 500, 0);
  if (world_strikes(world, KIND_FREEZE))
    freeze(any_site(world));
  if (world_strikes(world, KIND_ALL_DOWN))
    for (i = 0; i < world->endpoints; i++)
      take_down(&world->sites[i], 100, 2000, 1);
}

static void on_chaos(void *arg, uint64_t a, uint64_t b) {
  world_t *world = arg;

  (void)a;
  (void)b;
  if (world->phase > PHASE_CHAOS)
    return;
  strike_sites(world);
  if (world_strikes(world, KIND_CLOCK_JUMP))
    world->jump_us += from(world, 50, 20000) * 1000ull;
  if (world_strikes(world, KIND_NO_MEMORY))
    take_memory(world);
  timeline_after(from(world, EVERY_MIN_MS, EVERY_MAX_MS) * 1000ull, on_chaos,
                 world, 0, 0);
}

void chaos_begin(world_t *world) {
  timeline_after(EVERY_MIN_MS * 1000ull, on_chaos, world, 0, 0);
}

static void heal_path(tcp_end_t *server, void *arg) {
  const world_t *world = arg;
  tcp_path_t path = {.latency_us = world->latency_us,
                     .jitter_us = world->jitter_us};

  server->conn->path = path;
}

void chaos_stop(world_t *world) {
  uint32_t i;

  world->jump_us = 0;
  heap_fail(&world->heap, 0, 0);
  for (i = 0; i < world->endpoints; i++) {
    world->sites[i].is_down = 0;
    tcp_hold(world->sites[i].port, world->sites[i].v6, 0);
    tcp_each_server(world->sites[i].port, world->sites[i].v6, heal_path, world);
  }
}
