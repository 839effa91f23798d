/* Both ends of a relay. A body is made at one and taken at the other; each
 * tells what went through its hands:
 *
 *   relay serve                 listens, says where ("port N"), and answers
 *                               GET /LENGTH with so long a body, and PUT with
 *                               nothing, when it is all there
 *   relay get -p PORT -n MIB    asks for a body
 *   relay put -p PORT -n MIB    sends one
 *   -r MIB                      takes no more than that in a second
 *   -z MS                       takes nothing for so long, after each tenth
 *
 * says "bytes N", "hash H" and "ms N" of each body. Sockets that block, one
 * connection at a time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "body.h"
#include "common.h"

#define MIB       1048576u
#define HEAD_ROOM 8192u
#define GIVE_UP_S 1800u

typedef struct {
  unsigned port;
  unsigned mib;
  unsigned mib_a_second; /* taken at most; 0: what comes */
  unsigned pause_ms;     /* after each tenth */
} options_t;

typedef struct {
  body_hash_t hash;
  uint64_t length;
  double begun_ms;
} report_t;

static double now_ms(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_ms(double ms) {
  struct timespec time;

  if (ms <= 0)
    return;
  time.tv_sec = (time_t)(ms / 1e3);
  time.tv_nsec = (long)((ms - (double)time.tv_sec * 1e3) * 1e6);
  while (nanosleep(&time, &time) != 0 && errno == EINTR)
    continue;
}

/* --- a body ----------------------------------------------------------------
 */

static void begin(report_t *report, uint64_t length) {
  body_hash_init(&report->hash);
  report->length = length;
  report->begun_ms = now_ms();
}

static void tell(const report_t *report) {
  printf("bytes %" PRIu64 "\nhash %016" PRIx64 "\nms %.0f\n", report->hash.len,
         body_hash_value(&report->hash), now_ms() - report->begun_ms);
  fflush(stdout);
}

/* 0 when the other end is gone. */
static int send_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

    if (n < 0)
      return 0;
    bytes += n;
    len -= (size_t)n;
  }
  return 1;
}

/* 0 when it was cut short. */
static int make_body(int fd, report_t *report, uint64_t length) {
  static char block[BODY_BLOCK];
  uint64_t number;

  begin(report, length);
  body_make(block);
  for (number = 0; report->hash.len < length; number++) {
    uint64_t left = length - report->hash.len;
    size_t len = left < BODY_BLOCK ? (size_t)left : BODY_BLOCK;

    body_stamp(block, number);
    if (!send_all(fd, block, len))
      return 0;
    body_hash_add(&report->hash, block, len);
  }
  return 1;
}

/* Waits as long as what was taken was taken too fast. */
static void keep_pace(const options_t *options, const report_t *report,
                      double *paused_ms, unsigned *tenth) {
  uint64_t len = report->hash.len;
  double due_ms = 0;

  if (len * 10 / report->length > *tenth && *tenth < 9) {
    *tenth += 1;
    *paused_ms += options->pause_ms;
    sleep_ms(options->pause_ms);
  }
  if (options->mib_a_second > 0)
    due_ms = (double)len * 1e3 / MIB / options->mib_a_second;
  due_ms += report->begun_ms + *paused_ms - now_ms();
  if (due_ms > 5)
    sleep_ms(due_ms);
}

/* A body of which `here` bytes have come with the head. */
static void take_body(int fd, const options_t *options, const char *bytes,
                      size_t here, uint64_t length) {
  static char block[BODY_BLOCK];
  double paused_ms = 0;
  unsigned tenth = 0;
  report_t report;

  begin(&report, length);
  body_hash_add(&report.hash, bytes, here);
  while (report.hash.len < length) {
    ssize_t n = recv(fd, block, sizeof block, 0);

    if (n <= 0)
      break;
    body_hash_add(&report.hash, block, (size_t)n);
    if (options->mib_a_second > 0 || options->pause_ms > 0)
      keep_pace(options, &report, &paused_ms, &tenth);
  }
  tell(&report);
}

/* --- heads -----------------------------------------------------------------
 */

/* A head, with a NUL behind it; *body: what came behind that, and *here how
 * much. 0 at the end. */
static int read_head(int fd, char *head, const char **body, size_t *here) {
  size_t len = 0;

  for (;;) { /* when there is no room left nothing comes */
    ssize_t n = recv(fd, head + len, HEAD_ROOM - 1 - len, 0);
    char *end;

    if (n <= 0)
      return 0;
    len += (size_t)n;
    head[len] = '\0';
    end = strstr(head, "\r\n\r\n");
    if (end == NULL)
      continue;
    end[2] = '\0';
    *body = end + 4;
    *here = len - (size_t)(*body - head);
    return 1;
  }
}

static uint64_t content_length(const char *head) {
  const char *at = strcasestr(head, "\r\nContent-Length:");

  if (at == NULL)
    bench_fail(head, "has no length");
  return strtoull(at + strlen("\r\nContent-Length:"), NULL, 10);
}

/* The last line of a head is its length. */
static int send_head(int fd, const char *lines, uint64_t length) {
  char head[256];
  int n = snprintf(head, sizeof head,
                   "%s\r\nContent-Length: %" PRIu64 "\r\n\r\n", lines, length);

  return send_all(fd, head, (size_t)n);
}

/* --- the ends --------------------------------------------------------------
 */

static struct sockaddr_in address_of(unsigned port) {
  struct sockaddr_in address;

  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)port);
  return address;
}

static void answer(int fd, const options_t *options) {
  static const char lines[] = "HTTP/1.1 200 OK\r\nConnection: close";
  char head[HEAD_ROOM];
  const char *body;
  report_t report;
  uint64_t length;
  size_t here;

  if (!read_head(fd, head, &body, &here))
    return;
  if (strncmp(head, "GET /", 5) == 0) {
    length = strtoull(head + 5, NULL, 10);
    send_head(fd, lines, length);
    make_body(fd, &report, length);
    tell(&report);
  } else {
    take_body(fd, options, body, here, content_length(head));
    send_head(fd, lines, 0);
  }
}

static void serve(const options_t *options) {
  struct sockaddr_in address = address_of(options->port);
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);

  if (bind(listener, (struct sockaddr *)&address, len) != 0 ||
      listen(listener, 16) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &len) != 0)
    bench_fail("serve", strerror(errno));
  printf("port %u\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
      bench_fail("accept", strerror(errno));
    answer(fd, options);
    close(fd);
  }
}

static int connect_to(unsigned port) {
  struct sockaddr_in address = address_of(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    bench_fail("connect", strerror(errno));
  return fd;
}

/* An answer has to be a 200. */
static uint64_t read_answer(int fd, char *head, const char **body,
                            size_t *here) {
  if (!read_head(fd, head, body, here))
    bench_fail("answer", "there is none");
  if (strncmp(head, "HTTP/1.1 200 ", 13) != 0)
    bench_fail("answer", head);
  return content_length(head);
}

static void get(const options_t *options) {
  int fd = connect_to(options->port);
  char lines[128];
  char head[HEAD_ROOM];
  const char *body;
  uint64_t length;
  size_t here;

  snprintf(lines, sizeof lines, "GET /%" PRIu64 " HTTP/1.1\r\nHost: relay",
           (uint64_t)options->mib * MIB);
  send_head(fd, lines, 0);
  length = read_answer(fd, head, &body, &here);
  take_body(fd, options, body, here, length);
  close(fd);
}

static void put(const options_t *options) {
  uint64_t length = (uint64_t)options->mib * MIB;
  int fd = connect_to(options->port);
  char head[HEAD_ROOM];
  const char *body;
  report_t report;
  size_t here;

  send_head(fd, "PUT /body HTTP/1.1\r\nHost: relay", length);
  if (!make_body(fd, &report, length))
    bench_fail("put", strerror(errno));
  read_answer(fd, head, &body, &here);
  tell(&report);
  close(fd);
}

/* --- options ---------------------------------------------------------------
 */

static options_t read_options(int argc, char **argv) {
  options_t options = {.mib = 1};
  int option;

  while ((option = getopt(argc, argv, "p:n:r:z:")) != -1) {
    if (option == 'p')
      options.port = bench_number(optarg);
    else if (option == 'n')
      options.mib = bench_number(optarg);
    else if (option == 'r')
      options.mib_a_second = bench_number(optarg);
    else if (option == 'z')
      options.pause_ms = bench_number(optarg);
    else
      exit(2);
  }
  return options;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  options_t options = read_options(argc - 1, argv + 1);

  alarm(GIVE_UP_S);
  if (strcmp(what, "serve") == 0)
    serve(&options);
  else if (strcmp(what, "get") == 0)
    get(&options);
  else if (strcmp(what, "put") == 0)
    put(&options);
  else
    bench_fail(what, "is neither serve nor get nor put");
  return 0;
}
