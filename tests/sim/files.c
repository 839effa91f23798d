/* Descriptors, lowest first as in a real kernel, and epoll as Linux has it: a
 * file that may have become ready goes to the end of a list; a poll takes from
 * its front, asks again, and puts back what is reported (level-triggered). */
#include "files.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define FIRST_PORT 40000

struct file_s {
  int fd;
  int used;
  int v6;
  int port;       /* bound to; 0: none */
  tcp_end_t *end; /* of a connection; or NULL */
  int lingers;    /* SO_LINGER 0 */
  int told;       /* connect(), asked again, has said how it ended */
  int listens;
  int backlog;
  tcp_end_t *pending[BACKLOG_MAX]; /* connections to accept */
  int pending_count;
  int epfd;            /* registered with; -1 for none */
  uint32_t interest;   /* EPOLL* */
  uint64_t data;       /* of the registration */
  file_t *prev, *next; /* on the list of who may be ready */
  int listed;
};

static file_t *files[FILES_MAX];
static uint64_t free_bits[FILES_MAX / 64];
static int high; /* files below it exist */
static uint32_t open_count;
static int next_port;
static int shuffles;
static random_t chance;
static file_t *first_ready;
static file_t *last_ready;

void files_begin(uint64_t seed, int shuffle) {
  files_end();
  memset(free_bits, 0xff, sizeof free_bits);
  next_port = FIRST_PORT;
  shuffles = shuffle;
  chance.state = seed;
}

void files_end(void) {
  int i;

  for (i = 0; i < high; i++) {
    free(files[i]);
    files[i] = NULL;
  }
  high = 0;
  open_count = 0;
  first_ready = last_ready = NULL;
}

file_t *files_find(int fd) {
  file_t *file;

  if (fd < FILES_BASE || fd >= FILES_BASE + high)
    return NULL;
  file = files[fd - FILES_BASE];
  return file->used ? file : NULL;
}

tcp_end_t *files_end_of(const file_t *file) {
  return file->end;
}

uint32_t files_open(void) {
  return open_count;
}

/* --- readiness -------------------------------------------------------------
 */

static void unlist(file_t *file) {
  if (!file->listed)
    return;
  file->listed = 0;
  if (file->prev != NULL)
    file->prev->next = file->next;
  else
    first_ready = file->next;
  if (file->next != NULL)
    file->next->prev = file->prev;
  else
    last_ready = file->prev;
}

static void list(file_t *file) {
  if (file->listed)
    return;
  file->listed = 1;
  file->next = NULL;
  file->prev = last_ready;
  if (last_ready != NULL)
    last_ready->next = file;
  else
    first_ready = file;
  last_ready = file;
}

uint32_t files_events(const file_t *file) {
  if (file->listens)
    return file->pending_count > 0 ? EPOLLIN : 0;
  if (file->end != NULL)
    return tcp_poll(file->end);
  return EPOLLOUT | EPOLLHUP; /* of a socket that is nothing yet */
}

static uint32_t events_of(const file_t *file) {
  return files_events(file) & (file->interest | EPOLLERR | EPOLLHUP);
}

static void maybe_list(file_t *file) {
  if (file->epfd >= 0 && events_of(file) != 0)
    list(file);
}

static void on_changed(tcp_end_t *end) {
  maybe_list(end->owner);
}

int files_epoll_ctl(int epfd, int op, file_t *file,
                    const struct epoll_event *event) {
  if (op == EPOLL_CTL_ADD && file->epfd >= 0)
    return -EEXIST;
  if (op != EPOLL_CTL_ADD && file->epfd != epfd)
    return -ENOENT;
  if (op == EPOLL_CTL_DEL) {
    file->epfd = -1;
    unlist(file);
    return 0;
  }
  file->epfd = epfd;
  file->interest = event->events;
  file->data = event->data.u64;
  maybe_list(file);
  return 0;
}

int files_any_ready(int epfd) {
  const file_t *file = first_ready;

  while (file != NULL && (file->epfd != epfd || events_of(file) == 0))
    file = file->next;
  return file != NULL;
}

static void mix_up(struct epoll_event *events, int count) {
  int i;

  for (i = count - 1; i > 0; i--) {
    int j = (int)random_below(&chance, (uint32_t)i + 1);
    struct epoll_event event = events[i];

    events[i] = events[j];
    events[j] = event;
  }
}

int files_poll(int epfd, struct epoll_event *events, int max) {
  file_t *last = last_ready;
  file_t *file = first_ready;
  int count = 0;

  while (file != NULL && count < max) {
    file_t *next = file == last ? NULL : file->next;
    uint32_t now = events_of(file);

    if (file->epfd == epfd) {
      unlist(file);
      if (now != 0) {
        list(file);
        events[count].events = now;
        events[count++].data.u64 = file->data;
      }
    }
    file = next;
  }
  if (shuffles)
    mix_up(events, count);
  return count;
}

/* --- sockets ---------------------------------------------------------------
 */

static file_t *take_file(void) {
  int word = 0;
  int slot;

  while (word < FILES_MAX / 64 && free_bits[word] == 0)
    word++;
  if (word == FILES_MAX / 64)
    return NULL;
  slot = word * 64 + __builtin_ctzll(free_bits[word]);
  free_bits[word] &= free_bits[word] - 1;
  if (slot == high) {
    files[high] = malloc(sizeof **files);
    if (files[high] == NULL)
      abort();
    high++;
  }
  memset(files[slot], 0, offsetof(file_t, pending));
  memset(&files[slot]->pending_count, 0,
         sizeof **files - offsetof(file_t, pending_count));
  files[slot]->fd = FILES_BASE + slot;
  files[slot]->used = 1;
  files[slot]->epfd = -1;
  open_count++;
  return files[slot];
}

static void give_file(file_t *file) {
  int slot = file->fd - FILES_BASE;

  unlist(file);
  file->used = 0;
  free_bits[slot / 64] |= 1ull << (slot % 64);
  open_count--;
}

int files_socket(int family) {
  file_t *file;

  if (family != AF_INET && family != AF_INET6)
    return -EAFNOSUPPORT;
  file = take_file();
  if (file == NULL)
    return -EMFILE;
  file->v6 = family == AF_INET6;
  return file->fd;
}

int files_port_of(const struct sockaddr *address) {
  const void *any = address;

  if (address->sa_family == AF_INET6)
    return ntohs(((const struct sockaddr_in6 *)any)->sin6_port);
  return ntohs(((const struct sockaddr_in *)any)->sin_port);
}

int files_bind(file_t *file, const struct sockaddr *address) {
  int port = files_port_of(address);

  if (file->port != 0)
    return -EINVAL;
  if (port != 0 && tcp_listens(port, file->v6))
    return -EADDRINUSE;
  file->port = port != 0 ? port : next_port++;
  return 0;
}

static int on_syn(void *arg, tcp_end_t *server) {
  file_t *file = arg;

  /* Linux takes one more than was asked for. */
  if (file->pending_count > file->backlog || file->pending_count == BACKLOG_MAX)
    return 1;
  file->pending[file->pending_count++] = server;
  maybe_list(file);
  return 0;
}

int files_listen(file_t *file, int backlog) {
  tcp_listener_t listener = {on_syn, file};

  if (file->port == 0)
    file->port = next_port++;
  if (!file->listens && tcp_listens(file->port, file->v6))
    return -EADDRINUSE;
  file->listens = 1;
  file->backlog = backlog;
  tcp_listen(file->port, file->v6, &listener);
  return 0;
}

static void own(file_t *file, tcp_end_t *end) {
  file->end = end;
  end->lingers = file->lingers ? 1 : 0;
  end->owner = file;
  end->changed = on_changed;
}

int files_accept(file_t *file) {
  file_t *accepted;

  if (!file->listens)
    return -EINVAL;
  if (file->pending_count == 0)
    return -EAGAIN;
  accepted = take_file();
  if (accepted == NULL)
    return -EMFILE;
  accepted->v6 = file->v6;
  accepted->port = file->port;
  own(accepted, file->pending[0]);
  memmove(file->pending, file->pending + 1,
          (size_t)--file->pending_count * sizeof file->pending[0]);
  return accepted->fd;
}

/* A broadcast or multicast address: no connection goes there. */
static int is_of_many(const struct sockaddr *address) {
  const void *any = address;
  const struct sockaddr_in *in = any;
  uint32_t number = ntohl(in->sin_addr.s_addr);

  return address->sa_family == AF_INET &&
         (number == INADDR_BROADCAST || IN_MULTICAST(number));
}

/* The result of a connect, for who asks again: once. */
static int ask_again(file_t *file) {
  int error;

  if (file->end->state == TCP_CONNECTING)
    return -EALREADY;
  if (file->told)
    return -EISCONN;
  file->told = 1;
  if (file->end->state == TCP_OPEN)
    return 0;
  error = tcp_take_error(file->end);
  return error != 0 ? -error : -ECONNABORTED;
}

int files_connect(file_t *file, const struct sockaddr *address,
                  const tcp_path_t *path, int lost, int error) {
  if (file->end != NULL)
    return ask_again(file);
  if (is_of_many(address))
    return -ENETUNREACH;
  if (file->port == 0)
    file->port = next_port++;
  if (next_port > 65000)
    next_port = FIRST_PORT;
  own(file, tcp_connect(files_port_of(address), file->v6, path, lost, error));
  return -EINPROGRESS;
}

int files_close(file_t *file) {
  int i;

  if (file->listens) {
    tcp_listen(file->port, file->v6, NULL);
    for (i = 0; i < file->pending_count; i++)
      tcp_reset(file->pending[i]);
  }
  if (file->end != NULL)
    tcp_close(file->end);
  give_file(file);
  return 0;
}

void files_linger(file_t *file, int resets) {
  file->lingers = resets;
  if (file->end != NULL)
    file->end->lingers = resets ? 1 : 0;
}

int files_unsent(const file_t *file, int *bytes) {
  if (file->listens)
    return -EINVAL;
  *bytes = file->end == NULL ? 0 : (int)tcp_unacknowledged(file->end);
  return 0;
}

int files_connected(const file_t *file) {
  return file->end != NULL && file->end->state == TCP_OPEN &&
         !file->end->is_over;
}

void files_name(const file_t *file, struct sockaddr *address, socklen_t *len,
                int peer) {
  struct sockaddr_storage name;
  socklen_t size =
      file->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  int port = file->port;

  if (peer && file->end != NULL)
    port = file->end->conn->place->port;
  memset(&name, 0, sizeof name);
  if (file->v6) {
    struct sockaddr_in6 *in6 = (void *)&name;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    in6->sin6_addr = in6addr_loopback;
  } else {
    struct sockaddr_in *in = (void *)&name;

    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  memcpy(address, &name, *len < size ? *len : size);
  *len = size;
}
