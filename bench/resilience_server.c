/* The servers of bench/resilience.sh: several endpoints in one process, each on
 * a loopback address of its own, that can be slow, fail, and break down all at
 * once (resilience_plan.h).
 *
 *   bench_resilience_server -p PORT [-s SEED] [-o OUTAGE] ANSWER...
 *
 * One ANSWER for each endpoint. Prints "listening" when it is, and when it is
 * told to end (SIGTERM) what came:
 *
 *   outage FROM TO                    when it was, if there was one
 *   request TIME ENDPOINT TIME_TO_ANSWER
 *   ping TIME ENDPOINT TIME_TO_ANSWER   of /ping
 *
 * TIME, FROM and TO are in us of the clock that uv_hrtime() reads, which is the
 * same in every process. Requests have no bodies, and the next one is not sent
 * before the answer. */
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "resilience_plan.h"

#define MAX_ENDPOINTS 32u
#define MAX_HEAD      2048u /* of a request */
#define MAX_ANSWER    256u
#define BACKLOG       1024
#define FAIL_MS       1u /* until the answer, in an outage of that kind */
#define GIVE_UP_S     300

typedef struct endpoint_s endpoint_t;

typedef struct client_s {
  uv_tcp_t tcp;
  uv_timer_t timer; /* until the answer */
  endpoint_t *endpoint;
  struct client_s *next; /* in the endpoint's list, doubly linked */
  struct client_s **link;
  unsigned open;   /* handles that are not closed yet */
  unsigned status; /* of the answer that is due */
  size_t len;      /* of what is in `head` */
  char head[MAX_HEAD];
} client_t;

struct endpoint_s {
  uv_tcp_t listener;
  unsigned number;
  plan_answer_t answer;
  uint64_t seed;
  client_t *clients;
};

typedef struct {
  uint64_t at_us;
  uint32_t endpoint;
  uint16_t took_ms; /* as it was planned, at most that much */
  uint16_t is_ping;
} arrival_t;

static endpoint_t endpoints[MAX_ENDPOINTS];
static unsigned endpoint_count;
static unsigned port;
static plan_outage_t outage;
static plan_mode_t mode;
static uint64_t outage_from_us, outage_to_us;
static uv_timer_t outage_timer;
static arrival_t *arrivals;
static size_t arrival_count, arrival_room;

static uint64_t now_us(void) {
  return uv_hrtime() / 1000;
}

static void check(const char *what, int err) {
  if (err != 0)
    bench_fail(what, uv_strerror(err));
}

/* --- connections -----------------------------------------------------------
 */

static void on_closed(uv_handle_t *handle) {
  client_t *client = handle->data;

  if (--client->open == 0)
    free(client);
}

static void drop(client_t *client) {
  if (uv_is_closing((uv_handle_t *)&client->tcp))
    return;
  *client->link = client->next;
  if (client->next != NULL)
    client->next->link = client->link;
  uv_close((uv_handle_t *)&client->tcp, on_closed);
  uv_close((uv_handle_t *)&client->timer, on_closed);
}

static void on_answer_due(uv_timer_t *timer) {
  client_t *client = timer->data;
  char answer[MAX_ANSWER];
  int len =
      snprintf(answer, sizeof answer,
               "HTTP/1.1 %u %s\r\nContent-Length: 12\r\n\r\nhello world\n",
               client->status, client->status < 400 ? "OK" : "Bad");
  uv_buf_t piece = uv_buf_init(answer, (unsigned)len);

  client->len = 0;
  if (uv_try_write((uv_stream_t *)&client->tcp, &piece, 1) != len)
    drop(client);
}

static void answer_in(client_t *client, uint64_t ms, unsigned status) {
  client->status = status;
  uv_timer_start(&client->timer, on_answer_due, ms, 0);
}

/* --- the outage ------------------------------------------------------------
 */

static void listen_on(endpoint_t *endpoint);

static void close_all(void) {
  unsigned i;

  for (i = 0; i < endpoint_count; i++) {
    uv_close((uv_handle_t *)&endpoints[i].listener, NULL);
    while (endpoints[i].clients != NULL)
      drop(endpoints[i].clients);
  }
}

static void on_outage_ends(uv_timer_t *timer) {
  unsigned i;

  (void)timer;
  for (i = 0; mode == PLAN_REFUSE && i < endpoint_count; i++)
    listen_on(&endpoints[i]);
  mode = PLAN_WELL;
  outage_to_us = now_us();
}

static void on_outage_begins(uv_timer_t *timer) {
  mode = outage.mode;
  outage_from_us = now_us();
  if (mode == PLAN_REFUSE)
    close_all();
  uv_timer_start(timer, on_outage_ends, outage.to_ms - outage.from_ms, 0);
}

/* --- requests --------------------------------------------------------------
 */

static void note(const client_t *client, uint64_t took_ms, int is_ping) {
  arrival_t *arrival;

  if (arrival_count == 0 && outage.mode != PLAN_WELL)
    uv_timer_start(&outage_timer, on_outage_begins, outage.from_ms, 0);
  if (arrival_count == arrival_room) {
    arrival_room = arrival_room == 0 ? 4096 : 2 * arrival_room;
    arrivals = realloc(arrivals, arrival_room * sizeof *arrivals);
    if (arrivals == NULL)
      bench_fail("arrivals", "no memory");
  }
  arrival = &arrivals[arrival_count++];
  arrival->at_us = now_us();
  arrival->endpoint = client->endpoint->number;
  arrival->took_ms = (uint16_t)(took_ms < UINT16_MAX ? took_ms : UINT16_MAX);
  arrival->is_ping = is_ping ? 1 : 0;
}

static void on_request(client_t *client) {
  endpoint_t *endpoint = client->endpoint;
  int is_ping = strncmp(client->head, "GET /ping ", 10) == 0;
  uint64_t ms = FAIL_MS;

  if (mode == PLAN_WELL)
    ms = plan_next_ms(&endpoint->answer, &endpoint->seed);
  note(client, ms, is_ping);
  if (mode == PLAN_HANGUP)
    drop(client);
  else
    answer_in(client, ms, mode == PLAN_FAIL ? 503 : endpoint->answer.status);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  client_t *client = handle->data;

  (void)size;
  *buf = uv_buf_init(client->head + client->len,
                     (unsigned)(MAX_HEAD - 1 - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  client_t *client = stream->data;

  (void)buf;
  if (nread < 0) {
    drop(client);
    return;
  }
  client->len += (size_t)nread;
  client->head[client->len] = '\0';
  if (client->len >= 4 &&
      strcmp(client->head + client->len - 4, "\r\n\r\n") == 0)
    on_request(client);
}

static void on_connection(uv_stream_t *listener, int status) {
  client_t *client = calloc(1, sizeof *client);

  if (client == NULL)
    bench_fail("connection", "no memory");
  check("connection", status);
  client->endpoint = listener->data;
  client->open = 2;
  client->tcp.data = client->timer.data = client;
  client->next = client->endpoint->clients;
  client->link = &client->endpoint->clients;
  if (client->next != NULL)
    client->next->link = &client->next;
  client->endpoint->clients = client;
  uv_timer_init(listener->loop, &client->timer);
  uv_tcp_init(listener->loop, &client->tcp);
  check("accept", uv_accept(listener, (uv_stream_t *)&client->tcp));
  uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

static void listen_on(endpoint_t *endpoint) {
  uv_stream_t *listener = (uv_stream_t *)&endpoint->listener;
  struct sockaddr_in address;
  char host[32];

  bench_host(endpoint->number, host, sizeof host);
  check(host, uv_ip4_addr(host, (int)port, &address));
  check(host, uv_tcp_init(uv_default_loop(), &endpoint->listener));
  listener->data = endpoint;
  check(host,
        uv_tcp_bind(&endpoint->listener, (const struct sockaddr *)&address, 0));
  check(host, uv_listen(listener, BACKLOG, on_connection));
}

/* --- beginning and end -----------------------------------------------------
 */

static void report(uv_signal_t *handle, int number) {
  size_t i;

  (void)handle;
  (void)number;
  if (outage_to_us == 0)
    outage_to_us = now_us();
  if (outage_from_us != 0)
    printf("outage %llu %llu\n", (unsigned long long)outage_from_us,
           (unsigned long long)outage_to_us);
  for (i = 0; i < arrival_count; i++)
    printf("%s %llu %u %u\n", arrivals[i].is_ping ? "ping" : "request",
           (unsigned long long)arrivals[i].at_us, arrivals[i].endpoint,
           arrivals[i].took_ms);
  exit(fflush(stdout) == 0 ? 0 : 1);
}

static void read_arguments(int argc, char **argv) {
  uint64_t seed = 1;
  int option;

  while ((option = getopt(argc, argv, "p:s:o:")) != -1) {
    if (option == 'p')
      port = bench_number(optarg);
    else if (option == 's')
      seed = bench_number(optarg);
    else if (option == 'o')
      plan_outage(&outage, optarg);
    else
      exit(2);
  }
  for (; optind < argc; optind++) {
    if (endpoint_count == MAX_ENDPOINTS)
      bench_fail(argv[optind], "too many endpoints");
    endpoints[endpoint_count].number = endpoint_count;
    endpoints[endpoint_count].seed = seed * MAX_ENDPOINTS + endpoint_count;
    plan_answer(&endpoints[endpoint_count++].answer, argv[optind]);
  }
}

int main(int argc, char **argv) {
  uv_signal_t ends;
  unsigned i;

  signal(SIGPIPE, SIG_IGN);
  alarm(GIVE_UP_S);
  read_arguments(argc, argv);
  for (i = 0; i < endpoint_count; i++)
    listen_on(&endpoints[i]);
  check("timer", uv_timer_init(uv_default_loop(), &outage_timer));
  check("signal", uv_signal_init(uv_default_loop(), &ends));
  check("signal", uv_signal_start(&ends, report, SIGTERM));
  printf("listening\n");
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
