#include "endpoint.h"

#include <assert.h>
#include <string.h>

void pool__endpoints_init(pool__endpoints_t *all, pool__mem_t *mem) {
  memset(all, 0, sizeof *all);
  all->mem = mem;
  pool__list_init(&all->serving);
  pool__list_init(&all->leaving);
  pool__list_init(&all->ready);
}

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
  for (i = 0; i < POOL__CONN_STATES; i++)
    pool__list_init(&endpoint->conns[i]);
  return endpoint;
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
  made = make(all, name);
  if (made == NULL)
    return UV_ENOMEM;
  made->address = address;
  pool__list_append(&all->serving, &made->link);
  *endpoint = made;
  return 0;
}

void pool__endpoint_leave(pool__endpoint_t *endpoint) {
  assert(!endpoint->leaving);
  endpoint->leaving = 1;
  pool__list_remove(&endpoint->all->serving, &endpoint->link);
  pool__list_append(&endpoint->all->leaving, &endpoint->link);
  if (pool__link_listed(&endpoint->ready))
    pool__list_remove(&endpoint->all->ready, &endpoint->ready);
}

void pool__endpoint_destroy(pool__endpoint_t *endpoint) {
  pool__endpoints_t *all = endpoint->all;

  assert(pool__endpoint_conns(endpoint) == 0);
  assert(!pool__timer_armed(&endpoint->backoff));
  pool__list_remove(endpoint->leaving ? &all->leaving : &all->serving,
                    &endpoint->link);
  pool__mem_give(all->mem, endpoint->name, endpoint->name_size);
  pool__mem_give(all->mem, endpoint, sizeof *endpoint);
}

uint32_t pool__endpoint_conns(const pool__endpoint_t *endpoint) {
  uint32_t sum = 0;
  int i;

  for (i = 0; i < POOL__CONN_STATES; i++)
    sum += endpoint->conns[i].length;
  return sum;
}

/* The first on the list of its state: for idle ones that is the reuse order,
 * for the others it does not matter. */
static void enter(pool__conn_t *conn, pool__conn_state_t state) {
  pool__endpoint_t *endpoint = conn->endpoint;
  pool__endpoints_t *all = endpoint->all;

  conn->state = state;
  pool__list_prepend(&endpoint->conns[state], &conn->link);
  all->conns[state]++;
  if (state != POOL__CONN_IDLE || endpoint->leaving)
    return;
  if (!pool__link_listed(&endpoint->ready))
    pool__list_prepend(&all->ready, &endpoint->ready);
}

static void exit_state(pool__conn_t *conn) {
  pool__endpoint_t *endpoint = conn->endpoint;
  pool__list_t *list = &endpoint->conns[conn->state];

  pool__list_remove(list, &conn->link);
  endpoint->all->conns[conn->state]--;
  if (conn->state == POOL__CONN_IDLE && pool__list_empty(list) &&
      pool__link_listed(&endpoint->ready))
    pool__list_remove(&endpoint->all->ready, &endpoint->ready);
}

void pool__endpoint_move(pool__conn_t *conn, pool__conn_state_t state) {
  assert(conn->state != state);
  assert(conn->state != POOL__CONN_CLOSING); /* there is no way back */
  exit_state(conn);
  enter(conn, state);
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
  enter(conn, POOL__CONN_CONNECTING);
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
  pool__mem_give(conn->endpoint->all->mem, conn, sizeof *conn);
}
