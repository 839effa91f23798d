/* origin: the server of server.h as a program.
 *
 *   origin --listen 127.0.0.1:0 --delay 5
 *
 * prints the port it got on one line and serves until SIGTERM or SIGINT: then
 * it answers the requests in hand and ends. A second signal ends it at once. */
#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: origin [options]\n"
    "  --listen ADDR:PORT  where [127.0.0.1:0]; port 0: any that is free\n"
    "  --delay MS          answer each request so much later\n"
    "  --stall             accept and read, but never answer\n"
    "  --fail PERCENT      answer so many of the requests with 503\n"
    "  --close             close the connection after each answer\n"
    "  --close-after N     close it after N answers\n"
    "  --body BYTES        length of each answer's body [12]\n"
    "  --until-eof         stop, too, when standard input ends\n";

typedef struct {
  struct sockaddr_storage address;
  server_options_t server;
  int until_eof;
} options_t;

static server_t server;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "origin: %s: %s\n", what, why);
  exit(1);
}

/* --- options ------------------------------------------------------------- */

static uint32_t read_number(const char *option, const char *text,
                            uint32_t max) {
  char *end = NULL;
  unsigned long number = text == NULL ? 0 : strtoul(text, &end, 10);

  if (text == NULL || *text < '0' || *text > '9' || *end != '\0' ||
      number > max)
    fail(option, "a number is needed");
  return (uint32_t)number;
}

/* "127.0.0.1:80" or "[::1]:80". */
static void read_address(const char *text, struct sockaddr_storage *address) {
  const char *colon = text == NULL ? NULL : strrchr(text, ':');
  char host[64];
  int port;
  size_t len;

  if (colon == NULL || (size_t)(colon - text) >= sizeof host)
    fail("--listen", "ADDR:PORT is needed");
  port = (int)read_number("--listen", colon + 1, 65535);
  len = (size_t)(colon - text);
  if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  }
  memcpy(host, text, len);
  host[len] = '\0';
  if (uv_ip4_addr(host, port, (struct sockaddr_in *)address) != 0 &&
      uv_ip6_addr(host, port, (struct sockaddr_in6 *)address) != 0)
    fail("--listen", "not an IP address");
}

/* An option without a value; whether it is one. */
static int read_flag(const char *name, options_t *options) {
  if (strcmp(name, "--stall") == 0)
    options->server.stall = 1;
  else if (strcmp(name, "--close") == 0)
    options->server.close_after = 1;
  else if (strcmp(name, "--until-eof") == 0)
    options->until_eof = 1;
  else
    return 0;
  return 1;
}

/* An option with one; whether it is one. */
static int read_setting(const char *name, const char *value,
                        options_t *options) {
  if (strcmp(name, "--listen") == 0)
    read_address(value, &options->address);
  else if (strcmp(name, "--delay") == 0)
    options->server.delay_ms = read_number(name, value, 3600000);
  else if (strcmp(name, "--fail") == 0)
    options->server.fail_percent = read_number(name, value, 100);
  else if (strcmp(name, "--close-after") == 0)
    options->server.close_after = read_number(name, value, UINT32_MAX);
  else if (strcmp(name, "--body") == 0)
    options->server.body_bytes = read_number(name, value, 1u << 30);
  else
    return 0;
  return 1;
}

static void read_options(int argc, char **argv, options_t *options) {
  int i = 1;

  memset(options, 0, sizeof *options);
  read_address("127.0.0.1:0", &options->address);
  options->server.body_bytes = 12;
  while (i < argc) {
    if (read_flag(argv[i], options)) {
      i++;
    } else if (read_setting(argv[i], argv[i + 1], options)) {
      i += 2;
    } else {
      fputs(usage, stderr);
      exit(2);
    }
  }
}

/* --- the end ------------------------------------------------------------- */

static void stop(void) {
  if (server.stopping)
    server_abort(&server);
  else
    server_stop(&server);
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)handle;
  (void)number;
  stop();
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  static char ignored[256];

  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(ignored, sizeof ignored);
}

static void on_stdin(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  (void)buf;
  if (nread >= 0)
    return;
  uv_read_stop(stream);
  stop();
}

/* None of these handles keeps the loop alive: the server does, until it has
 * stopped. */
static void watch(uv_loop_t *loop, uv_signal_t *handle, int number) {
  uv_signal_init(loop, handle);
  uv_signal_start(handle, on_signal, number);
  uv_unref((uv_handle_t *)handle);
}

static void watch_stdin(uv_loop_t *loop, uv_pipe_t *pipe, int wanted) {
  uv_pipe_init(loop, pipe, 0);
  uv_unref((uv_handle_t *)pipe);
  if (!wanted)
    return;
  if (uv_pipe_open(pipe, 0) != 0 ||
      uv_read_start((uv_stream_t *)pipe, on_alloc, on_stdin) != 0)
    fail("--until-eof", "standard input is not a pipe");
}

int main(int argc, char **argv) {
  uv_loop_t *loop = uv_default_loop();
  uv_signal_t signals[2];
  uv_pipe_t input;
  options_t options;
  int err;

  read_options(argc, argv, &options);
  signal(SIGPIPE, SIG_IGN); /* a client that went away is an error code */
  err = server_start(&server, loop, &options.server,
                     (const struct sockaddr *)&options.address);
  if (err != 0)
    fail("listen", uv_strerror(err));
  watch(loop, &signals[0], SIGTERM);
  watch(loop, &signals[1], SIGINT);
  watch_stdin(loop, &input, options.until_eof);
  printf("%d\n", server_port(&server));
  fflush(stdout);

  uv_run(loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&signals[0], NULL);
  uv_close((uv_handle_t *)&signals[1], NULL);
  uv_close((uv_handle_t *)&input, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  server_clear(&server);
  return uv_loop_close(loop) == 0 ? 0 : 1;
}
