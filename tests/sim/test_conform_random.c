/* Two ends of a connection, and anything that programs do with them, in an
 * order that chance decides: a seed is a script. CONFORM_SEED in the
 * environment is the first one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conform_client.h"
#include "random.h"

#define SCRIPTS 300
#define STEPS   24
#define CLIENTS 4

/* An end whose buffer was full once: when it takes how much again, and is
 * ready for it, is for the real kernel to know. */
typedef struct {
  plain_t socket;
  int filled;
} end_t;

typedef struct {
  end_t ends[2]; /* "a", "b" */
  random_t chance;
} pair_t;

static void look(const end_t *end) {
  if (end->socket.fd >= 0)
    plain_look(&end->socket, end->filled ? EPOLLOUT : 0);
}

static void end_socket(random_t *chance, plain_t *p) {
  int reset = random_below(chance, 2) == 0;

  conform_log(p->log, p->name, reset ? "reset" : "close");
  if (reset)
    plain_reset(p);
  else
    plain_close(p);
}

static const char *name_of(ssize_t n) {
  return n < 0 ? uv_err_name(uv_translate_sys_error(errno)) : "0";
}

/* Writes until that ends. */
static void fill(const plain_t *p) {
  static char bytes[65536];
  ssize_t n;

  memset(bytes, 'z', sizeof bytes);
  do
    n = write(p->fd, bytes, sizeof bytes);
  while (n > 0);
  conform_log(p->log, p->name, "fill %s", name_of(n));
}

/* Reads all that the other side has written, also what its kernel still has. */
static void drain(const plain_t *p, const plain_t *other) {
  static char bytes[65536];
  uint64_t until = uv_hrtime() + CONFORM_WAIT_MS * 1000000ull;
  ssize_t n;
  int in_vain;
  int more;

  do {
    more = other->fd < 0 || plain_unsent(other) > 0;
    n = read(p->fd, bytes, sizeof bytes);
  } while (n > 0 || (n < 0 && errno == EAGAIN && more && uv_hrtime() < until));
  in_vain = n < 0 && errno == EAGAIN && more;
  conform_log(p->log, p->name, "drain %s", name_of(n));
  if (in_vain)
    conform_fail(p->log, p->name, "waits in vain");
}

static void act_bytes(pair_t *pair, end_t *end) {
  const plain_t *other = &pair->ends[end == pair->ends].socket;
  const plain_t *p = &end->socket;

  switch (random_below(&pair->chance, 7)) {
  case 0:
  case 1:
    if (!end->filled)
      plain_write(p, "abc");
    break;
  case 2:
    if (pair->ends[0].filled || pair->ends[1].filled)
      break;
    fill(p);
    end->filled = 1;
    break;
  case 3:
    plain_read(p, 2);
    break;
  case 4:
    plain_read(p, 60);
    break;
  case 5:
    drain(p, other);
    break;
  case 6:
    plain_peek(p, 60);
    break;
  }
}

static void act(pair_t *pair, end_t *end) {
  uint32_t what = random_below(&pair->chance, 36);

  if (what < 22)
    act_bytes(pair, end);
  else if (what < 25)
    plain_shutdown(&end->socket);
  else if (what < 28)
    plain_take_error(&end->socket);
  else if (what < 31)
    plain_name_peer(&end->socket);
  else if (what < 33)
    end_socket(&pair->chance, &end->socket);
}

static void run_seed(conform_t *c, uint64_t seed) {
  pair_t pair = {.chance = {seed}};
  int i;

  conform_log(c, "", "seed %d", (int)seed);
  plain_pair(c, &pair.ends[0].socket, &pair.ends[1].socket);
  for (i = 0; i < STEPS; i++) {
    end_t *end = &pair.ends[random_below(&pair.chance, 2)];

    if (end->socket.fd >= 0)
      act(&pair, end);
    look(&pair.ends[0]);
    look(&pair.ends[1]);
  }
  plain_close(&pair.ends[0].socket);
  plain_close(&pair.ends[1].socket);
}

static uint64_t first_seed(void) {
  const char *given = getenv("CONFORM_SEED");

  return given == NULL ? 1 : strtoull(given, NULL, 10);
}

static void whatever_two_ends_do(conform_t *c) {
  uint64_t seed = first_seed();
  int i;

  for (i = 0; i < SCRIPTS; i++)
    run_seed(c, seed++);
}

/* --- libuv's clients ------------------------------------------------------ */

typedef struct {
  uv_loop_t loop;
  client_t clients[CLIENTS];
  plain_t peers[CLIENTS];
  random_t chance;
} crowd_t;

static void act_peer(crowd_t *crowd, plain_t *peer) {
  switch (random_below(&crowd->chance, 6)) {
  case 0:
  case 1:
  case 2:
    plain_write(peer, "abc");
    break;
  case 3:
    plain_shutdown(peer);
    break;
  case 4:
    plain_read(peer, 4);
    break;
  case 5:
    if (random_below(&crowd->chance, 3) == 0)
      end_socket(&crowd->chance, peer);
    break;
  }
}

static void act_client(crowd_t *crowd, client_t *client) {
  switch (random_below(&crowd->chance, 8)) {
  case 0:
  case 1:
    client_try(client, "xy");
    break;
  case 2:
    if (client->write_count < CLIENT_WRITES)
      client_write(client, "z");
    break;
  case 3:
    uv_read_stop((uv_stream_t *)&client->tcp);
    break;
  case 4:
  case 5:
    client_read(client);
    break;
  case 6:
    if (client->shutdowns == 0 && random_below(&crowd->chance, 3) == 0)
      client_shutdown(client);
    break;
  case 7:
    if (random_below(&crowd->chance, 6) == 0)
      client_close(client);
    break;
  }
}

static void act_any(crowd_t *crowd) {
  uint32_t i = random_below(&crowd->chance, CLIENTS);
  uint32_t who = random_below(&crowd->chance, 3);

  if (who == 0 && crowd->peers[i].fd >= 0)
    act_peer(crowd, &crowd->peers[i]);
  else if (who == 1 && !uv_is_closing((uv_handle_t *)&crowd->clients[i].tcp))
    act_client(crowd, &crowd->clients[i]);
  else if (who == 2)
    client_turns(&crowd->loop, 1);
}

static void run_crowd(conform_t *c, uint64_t seed) {
  static const char *const names[] = {"a0", "a1", "a2", "a3"};
  static const char *const peers[] = {"b0", "b1", "b2", "b3"};
  crowd_t crowd;
  int i;

  conform_log(c, "", "seed %d", (int)seed);
  crowd.chance.state = seed;
  client_loop(&crowd.loop, c);
  for (i = 0; i < CLIENTS; i++)
    client_pair(&crowd.clients[i], &crowd.loop, names[i], &crowd.peers[i],
                peers[i]);
  for (i = 0; i < 4 * STEPS; i++)
    act_any(&crowd);
  for (i = 0; i < CLIENTS; i++) {
    if (!uv_is_closing((uv_handle_t *)&crowd.clients[i].tcp))
      client_close(&crowd.clients[i]);
    plain_close(&crowd.peers[i]);
  }
  client_loop_end(&crowd.loop);
}

static void whatever_some_clients_do(conform_t *c) {
  uint64_t seed = first_seed();
  int i;

  for (i = 0; i < SCRIPTS; i++)
    run_crowd(c, seed++);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFORM(whatever_two_ends_do),
      CONFORM(whatever_some_clients_do),
  };

  return cmocka_run_group_tests(tests, NULL, conform_end);
}
