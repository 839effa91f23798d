/* Below the floor: epoll and nothing else. The answer is looked at with
 * strstr(), just enough to know where it ends; only bodies with a
 * Content-Length are read. */
#include "../common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS 1024

typedef struct {
  int fd;
  int status;
  size_t got;    /* bytes of this answer so far */
  size_t wanted; /* of the whole answer; 0 while the head is not read */
  size_t body_len;
  char *request;
  size_t request_len;
  uint64_t sent_ns;
} client_t;

static bench_options_t options;
static bench_run_t run;
static char buf[65536 + 1];

static void send_request(client_t *client) {
  client->sent_ns = bench_run_sent(&run);
  if (write(client->fd, client->request, client->request_len) !=
      (ssize_t)client->request_len)
    bench_fail("write", strerror(errno));
}

/* The head comes in one piece: it is short, and sent first. */
static void read_head(client_t *client) {
  const char *end = strstr(buf, "\r\n\r\n");
  const char *length = strstr(buf, "Content-Length: ");

  if (strncmp(buf, "HTTP/1.1 ", 9) != 0 || end == NULL || length == NULL ||
      length > end)
    bench_fail("answer", "not one that this client can read");
  client->status = atoi(buf + 9);
  client->body_len = (size_t)atol(length + 16);
  client->wanted = (size_t)(end + 4 - buf) + client->body_len;
}

static void on_readable(client_t *client) {
  ssize_t n = read(client->fd, buf, sizeof buf - 1);

  if (n <= 0)
    bench_fail("read", n < 0 ? strerror(errno) : "the server closed");
  if (client->wanted == 0) {
    buf[n] = '\0';
    read_head(client);
  }
  client->got += (size_t)n;
  if (client->got < client->wanted)
    return;
  bench_expect(&options, client->status,
               client->got - client->wanted + client->body_len);
  client->got = client->wanted = 0;
  if (bench_run_may_begin(&run))
    bench_run_begin(&run);
  if (bench_run_next(&run, client->sent_ns))
    send_request(client);
}

static void open_client(client_t *client, int epoll, unsigned endpoint) {
  struct epoll_event event = {EPOLLIN, {client}};
  struct sockaddr_in address;
  char host[32];
  int on = 1;

  bench_host(endpoint, host, sizeof host);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)options.port);
  inet_pton(AF_INET, host, &address.sin_addr);
  client->request = bench_request(&options, endpoint, &client->request_len);
  client->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (client->fd < 0 ||
      connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0)
    bench_fail("connect", strerror(errno));
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
}

int main(int argc, char **argv) {
  static struct epoll_event events[EVENTS];
  int epoll = epoll_create1(0), n, i;
  client_t *clients;

  bench_options(&options, argc, argv);
  bench_run_init(&run, &options);
  clients = calloc(options.connections, sizeof *clients);
  if (clients == NULL)
    bench_fail("clients", "no memory");
  for (i = 0; i < (int)options.connections; i++)
    open_client(&clients[i], epoll, (unsigned)i % options.endpoints);
  for (i = 0; i < (int)options.connections; i++)
    send_request(&clients[i]);
  while (!bench_run_is_over(&run)) {
    n = epoll_wait(epoll, events, EVENTS, -1);
    for (i = 0; i < n; i++)
      on_readable(events[i].data.ptr);
  }
  return 0;
}
