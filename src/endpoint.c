#include "endpoint.h"

#include <assert.h>
#include <string.h>

#define FIRST_ROOM 8u /* endpoints; doubled when it is too little */

void pool__endpoints_init(pool__endpoints_t *all, pool__mem_t *mem,
                          const pool__endpoint_limits_t *limits) {
  memset(all, 0, sizeof *all);
  all->mem = mem;
  all->limits = *limits;
  pool__list_init(&all->serving);
  pool__list_init(&all->leaving);
  pool__list_init(&all->ready);
  pool__list_init(&all->trials);
  pool__list_init(&all->resting);
}

void pool__endpoints_clear(pool__endpoints_t *all) {
  assert(pool__list_empty(&all->serving) && pool__list_empty(&all->leaving));
  pool__mem_give(all->mem, all->able,
                 all->able_room * sizeof(pool__endpoint_t *));
  all->able = NULL;
  all->able_room = 0;
}

/* --- what can be done with one ------------------------------------------- */

static int in_service(const pool__endpoint_t *endpoint) {
  return !endpoint->leaving && endpoint->health != POOL_OUT;
}

static int is_able(const pool__endpoint_t *endpoint) {
  if (!in_service(endpoint))
    return 0;
  if (endpoint->health == POOL_ON_TRIAL &&
      pool__endpoint_in_hand(endpoint) > endpoint->leftover)
    return 0;
  return endpoint->conns[POOL__CONN_IDLE].length > 0 || endpoint->can_open;
}

/* A connect that is not allowed yet may be for long; all else ends. */
static int is_usable(const pool__endpoint_t *endpoint) {
  return in_service(endpoint) && (!pool__endpoint_rests(endpoint) ||
                                  endpoint->conns[POOL__CONN_IDLE].length > 0 ||
                                  endpoint->conns[POOL__CONN_BUSY].length > 0);
}

static void make_able(pool__endpoint_t *endpoint) {
  pool__endpoints_t *all = endpoint->all;

  assert(all->able_count < all->able_room);
  endpoint->able = all->able_count;
  all->able[all->able_count++] = endpoint;
}

static void make_unable(pool__endpoint_t *endpoint) {
  pool__endpoints_t *all = endpoint->all;
  pool__endpoint_t *last = all->able[--all->able_count];

  all->able[endpoint->able] = last;
  last->able = endpoint->able;
  endpoint->able = POOL__ENDPOINT_UNABLE;
}

static void enlist(pool__list_t *list, pool__link_t *link, int listed) {
  if (listed)
    pool__list_prepend(list, link);
  else
    pool__list_remove(list, link);
}

static void set_able(pool__endpoint_t *endpoint, int able) {
  if (able == (endpoint->able != POOL__ENDPOINT_UNABLE))
    return;
  if (able)
    make_able(endpoint);
  else
    make_unable(endpoint);
}

static void set_ready(pool__endpoint_t *endpoint, int ready) {
  if (ready != pool__link_listed(&endpoint->ready))
    enlist(&endpoint->all->ready, &endpoint->ready, ready);
}

/* Something about it has changed. */
static void refresh(pool__endpoint_t *endpoint) {
  pool__endpoints_t *all = endpoint->all;
  int rests = pool__endpoint_rests(endpoint);
  uint8_t usable;
  int able, trial;

  if (endpoint->leftover > pool__endpoint_in_hand(endpoint))
    endpoint->leftover = pool__endpoint_in_hand(endpoint);
  endpoint->can_open = !rests && pool__endpoint_has_room(endpoint);
  endpoint->steady =
      !rests && in_service(endpoint) && endpoint->health != POOL_ON_TRIAL;
  able = is_able(endpoint);
  trial = able && endpoint->health == POOL_ON_TRIAL;
  usable = is_usable(endpoint) ? 1 : 0;
  set_able(endpoint, able);
  set_ready(endpoint, able && endpoint->conns[POOL__CONN_IDLE].length > 0);
  if (trial != pool__link_listed(&endpoint->trial))
    enlist(&all->trials, &endpoint->trial, trial);
  if (usable == endpoint->usable)
    return;
  all->usable += usable ? 1u : UINT32_MAX;
  endpoint->usable = usable;
}

/* A connection of it went from idle to busy, or back. What that changes is
 * little in steady state, and it happens twice for each request. */
static void refresh_idle(pool__endpoint_t *endpoint) {
  int idle = endpoint->conns[POOL__CONN_IDLE].length > 0;

  if (!endpoint->steady) {
    refresh(endpoint);
    return;
  }
  set_able(endpoint, idle || endpoint->can_open);
  set_ready(endpoint, idle);
}

void pool__endpoint_rest(pool__endpoint_t *endpoint) {
  assert(!endpoint->leaving);
  if (pool__endpoint_rests(endpoint))
    pool__list_remove(&endpoint->all->resting, &endpoint->rest);
  pool__list_append(&endpoint->all->resting, &endpoint->rest);
  refresh(endpoint);
}

void pool__endpoint_rise(pool__endpoint_t *endpoint) {
  if (!pool__endpoint_rests(endpoint))
    return;
  pool__list_remove(&endpoint->all->resting, &endpoint->rest);
  refresh(endpoint);
}

void pool__endpoint_set_health(pool__endpoint_t *endpoint,
                               pool_health_t health) {
  assert(!endpoint->leaving);
  endpoint->all->health[endpoint->health]--;
  endpoint->all->health[health]++;
  if (endpoint->health != health)
    endpoint->leftover = pool__endpoint_in_hand(endpoint);
  endpoint->health = health;
  refresh(endpoint);
}

/* --- their life ------------------------------------------------------------
 */

static pool__endpoint_t *find(const pool__endpoints_t *all,
                              const pool__address_t *address) {
  pool__link_t *link = pool__list_first(&all->serving);

  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (pool__address_equal(&endpoint->address, address))
      return endpoint;
  }
  return NULL;
}

int pool__endpoint_find(const pool__endpoints_t *all, const char *name,
                        pool__endpoint_t **endpoint) {
  pool__address_t address;
  int err = pool__address_parse(&address, name);

  if (err != 0)
    return UV_EINVAL;
  *endpoint = find(all, &address);
  return *endpoint == NULL ? UV_ENOENT : 0;
}

static pool__endpoint_t *make(pool__endpoints_t *all, const char *name) {
  pool__endpoint_t *endpoint = pool__mem_take(all->mem, 1, sizeof *endpoint);
  int i;

  if (endpoint == NULL)
    return NULL;
  endpoint->name = pool__mem_text(all->mem, name);
  if (endpoint->name == NULL) {
    pool__mem_give(all->mem, endpoint, sizeof *endpoint);
    return NULL;
  }
  endpoint->name_size = strlen(name) + 1;
  endpoint->all = all;
  endpoint->weight = 1;
  endpoint->able = POOL__ENDPOINT_UNABLE;
  for (i = 0; i < POOL__CONN_STATES; i++)
    pool__list_init(&endpoint->conns[i]);
  return endpoint;
}

/* Room among the able ones for one more. */
static int make_room(pool__endpoints_t *all) {
  uint32_t room = all->able_room > 0 ? all->able_room * 2 : FIRST_ROOM;
  pool__endpoint_t **able;

  if (all->serving.length < all->able_room)
    return 0;
  able = pool__mem_resize(all->mem, all->able,
                          all->able_room * sizeof(pool__endpoint_t *),
                          room * sizeof(pool__endpoint_t *));
  if (able == NULL)
    return UV_ENOMEM;
  all->able = able;
  all->able_room = room;
  return 0;
}

int pool__endpoint_add(pool__endpoints_t *all, const char *name,
                       pool__endpoint_t **endpoint) {
  pool__address_t address;
  int err = pool__address_parse(&address, name);
  pool__endpoint_t *made;

  if (err != 0)
    return err;
  if (find(all, &address) != NULL)
    return UV_EEXIST;
  if (make_room(all) != 0)
    return UV_ENOMEM;
  made = make(all, name);
  if (made == NULL)
    return UV_ENOMEM;
  made->address = address;
  made->id = ++all->last_id;
  pool__list_append(&all->serving, &made->link);
  all->health[POOL_HEALTHY]++;
  refresh(made);
  *endpoint = made;
  return 0;
}

void pool__endpoint_leave(pool__endpoint_t *endpoint) {
  assert(!endpoint->leaving);
  endpoint->leaving = 1;
  pool__list_remove(&endpoint->all->serving, &endpoint->link);
  pool__list_append(&endpoint->all->leaving, &endpoint->link);
  endpoint->all->health[endpoint->health]--;
  pool__endpoint_set_down(endpoint, 0);
  if (pool__endpoint_rests(endpoint))
    pool__list_remove(&endpoint->all->resting, &endpoint->rest);
  refresh(endpoint);
}

void pool__endpoint_destroy(pool__endpoint_t *endpoint) {
  pool__endpoints_t *all = endpoint->all;

  assert(endpoint->conn_count == 0);
  assert(!pool__timer_armed(&endpoint->backoff));
  assert(!pool__timer_armed(&endpoint->health_timer));
  if (!endpoint->leaving)
    pool__endpoint_leave(endpoint);
  pool__list_remove(&all->leaving, &endpoint->link);
  pool__mem_give(all->mem, endpoint->name, endpoint->name_size);
  pool__mem_give(all->mem, endpoint, sizeof *endpoint);
}

/* The first on the list of its state: for idle ones that is the reuse order,
 * for the others it does not matter. */
static void enter(pool__conn_t *conn, pool__conn_state_t state) {
  pool__endpoint_t *endpoint = conn->endpoint;

  conn->state = state;
  pool__list_prepend(&endpoint->conns[state], &conn->link);
  endpoint->all->conns[state]++;
}

static void exit_state(pool__conn_t *conn) {
  pool__endpoint_t *endpoint = conn->endpoint;

  pool__list_remove(&endpoint->conns[conn->state], &conn->link);
  endpoint->all->conns[conn->state]--;
}

static int is_open(pool__conn_state_t state) {
  return state == POOL__CONN_IDLE || state == POOL__CONN_BUSY;
}

void pool__endpoint_move(pool__conn_t *conn, pool__conn_state_t state) {
  pool__conn_state_t from = conn->state;

  assert(from != state);
  assert(from != POOL__CONN_CLOSING); /* there is no way back */
  exit_state(conn);
  enter(conn, state);
  if (is_open(from) && is_open(state))
    refresh_idle(conn->endpoint);
  else
    refresh(conn->endpoint);
}

int pool__endpoint_connect(pool__endpoint_t *endpoint, pool__conn_env_t *env,
                           pool__conn_t **out) {
  pool__conn_t *conn = pool__mem_take(endpoint->all->mem, 1, sizeof *conn);
  int err;

  if (conn == NULL)
    return UV_ENOMEM;
  conn->env = env;
  conn->endpoint = endpoint;
  err = pool__conn_open(conn, &endpoint->address.socket.any);
  endpoint->conn_count++;
  enter(conn, POOL__CONN_CONNECTING);
  refresh(endpoint);
  if (err != 0)
    pool__endpoint_close_conn(conn);
  else
    *out = conn;
  return err;
}

void pool__endpoint_close_conn(pool__conn_t *conn) {
  pool__endpoint_move(conn, POOL__CONN_CLOSING);
  pool__conn_close(conn);
}

void pool__endpoint_forget(pool__conn_t *conn) {
  assert(conn->state == POOL__CONN_CLOSING);
  exit_state(conn);
  conn->endpoint->conn_count--;
  refresh(conn->endpoint);
  pool__mem_give(conn->endpoint->all->mem, conn, sizeof *conn);
}
