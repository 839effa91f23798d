#include "child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_closed(uv_handle_t *handle) {
  child_t *child = handle->data;

  child->handles--;
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal_no) {
  child_t *child = process->data;

  (void)status;
  (void)signal_no;
  child->running = 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  child_t *child = handle->data;

  (void)suggested;
  *buf = uv_buf_init(child->line + child->line_len,
                     (unsigned)(sizeof child->line - 1 - child->line_len));
}

static void on_output(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  child_t *child = stream->data;

  (void)buf;
  if (nread < 0) {
    uv_read_stop(stream);
    return;
  }
  child->line_len += (size_t)nread;
  child->line[child->line_len] = '\0';
  if (strchr(child->line, '\n') != NULL)
    child->port = atoi(child->line);
}

/* The server is beside this program. */
static int server_path(char *path, size_t size) {
  static const char name[] = "origin";
  size_t len = size - sizeof name;
  int err = uv_exepath(path, &len);
  char *slash;

  if (err != 0)
    return err;
  slash = strrchr(path, '/');
  if (slash == NULL)
    return UV_ENOENT;
  memcpy(slash + 1, name, sizeof name);
  return 0;
}

static void init_handles(child_t *child) {
  child->process.data = child->lifeline.data = child->output.data = child;
  uv_pipe_init(child->loop, &child->lifeline, 0);
  uv_pipe_init(child->loop, &child->output, 0);
  child->handles = 3;
}

static void close_handles(child_t *child) {
  uv_close((uv_handle_t *)&child->process, on_closed);
  uv_close((uv_handle_t *)&child->lifeline, on_closed);
  uv_close((uv_handle_t *)&child->output, on_closed);
  while (child->handles > 0)
    uv_run(child->loop, UV_RUN_ONCE);
}

static int spawn(child_t *child, char **args) {
  uv_stdio_container_t stdio[3];
  uv_process_options_t options;

  memset(&options, 0, sizeof options);
  stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
  stdio[0].data.stream = (uv_stream_t *)&child->lifeline;
  stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  stdio[1].data.stream = (uv_stream_t *)&child->output;
  stdio[2].flags = UV_INHERIT_FD;
  stdio[2].data.fd = 2;
  options.stdio = stdio;
  options.stdio_count = 3;
  options.exit_cb = on_exit_of;
  options.file = args[0];
  options.args = args;
  return uv_spawn(child->loop, &child->process, &options);
}

static int wait_for_port(child_t *child) {
  int err = uv_read_start((uv_stream_t *)&child->output, on_alloc, on_output);

  if (err != 0)
    return err;
  while (child->running && child->port == 0)
    uv_run(child->loop, UV_RUN_ONCE);
  return child->port > 0 ? 0 : UV_EOF;
}

int child_start(child_t *child, uv_loop_t *loop, int port,
                const char *const *options) {
  char path[4096], listen[32];
  char *args[CHILD_ARGS] = {path, "--until-eof", "--listen", listen};
  size_t count = 4;
  int err = server_path(path, sizeof path);

  if (err != 0)
    return err;
  snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
  while (*options != NULL && count < CHILD_ARGS - 1)
    args[count++] = (char *)(uintptr_t)*options++; /* execvp() changes none */
  memset(child, 0, sizeof *child);
  child->loop = loop;
  init_handles(child);
  err = spawn(child, args);
  child->running = err == 0;
  if (err == 0)
    err = wait_for_port(child);
  if (err != 0) {
    child_end(child, SIGKILL);
    return err;
  }
  snprintf(child->address, sizeof child->address, "127.0.0.1:%d", child->port);
  return 0;
}

void child_end(child_t *child, int signal_number) {
  if (child->handles == 0)
    return;
  if (child->running)
    uv_process_kill(&child->process, signal_number);
  while (child->running)
    uv_run(child->loop, UV_RUN_ONCE);
  close_handles(child);
}

void child_abandon(child_t *child) {
  if (child->handles > 0 && child->running)
    uv_process_kill(&child->process, SIGKILL);
}
