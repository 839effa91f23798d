#include "out.h"

#include <stdlib.h>
#include <string.h>

static void let_go(const out_t *out, char *bytes, size_t room) {
  if (room == OUT_FIRST_BYTES)
    stash_give(out->stash, bytes);
  else
    free(bytes);
}

static int reserve(out_t *out, size_t more) {
  size_t room = out->room > 0 ? out->room : OUT_FIRST_BYTES;
  char *bytes;

  if (out->len + more <= out->room)
    return 0;
  while (room < out->len + more)
    room *= 2;
  bytes = room == OUT_FIRST_BYTES ? stash_take(out->stash)
                                  : realloc(out->bytes, room);
  if (bytes == NULL)
    return UV_ENOMEM;
  out->bytes = bytes;
  out->room = room;
  return 0;
}

char *out_room(out_t *out, size_t len) {
  return reserve(out, len) == 0 ? out->bytes + out->len : NULL;
}

int out_put(out_t *out, const char *bytes, size_t len) {
  char *room = out_room(out, len);

  if (room == NULL)
    return len == 0 ? 0 : UV_ENOMEM;
  memcpy(room, bytes, len);
  out_took(out, len);
  return 0;
}

/* Writes what the kernel takes of the pieces; how much that is, or an error. */
static int try_write(out_t *out, uv_buf_t *pieces, unsigned count) {
  int n = uv_try_write(out->stream, pieces, count);

  return n == UV_EAGAIN ? 0 : n;
}

static void on_written(uv_write_t *req, int status) {
  out_t *out = req->data;

  let_go(out, out->flying, out->flying_room);
  out->flying = NULL;
  out->flying_len = 0;
  out->on_less(out, status);
}

/* Hands what is left of the gathered bytes to libuv. */
static int fly(out_t *out, size_t from) {
  uv_buf_t rest = uv_buf_init(out->bytes + from, (unsigned)(out->len - from));
  int err;

  out->req.data = out;
  err = uv_write(&out->req, out->stream, &rest, 1, on_written);
  if (err != 0)
    return err;
  out->flying = out->bytes;
  out->flying_len = out->len - from;
  out->flying_room = out->room;
  out->bytes = NULL;
  out->len = out->room = 0;
  return 0;
}

int out_flush(out_t *out) {
  uv_buf_t piece = uv_buf_init(out->bytes, (unsigned)out->len);
  int n;

  if (out->flying != NULL || out->len == 0)
    return 0;
  n = try_write(out, &piece, 1);
  if (n < 0)
    return n;
  if ((size_t)n == out->len) {
    out_clear(out);
    return 0;
  }
  return fly(out, (size_t)n);
}

int out_put_now(out_t *out, const char *bytes, size_t len) {
  uv_buf_t pieces[2];
  size_t had = out->len;
  size_t done;
  int n;

  if (out->flying != NULL)
    return out_put(out, bytes, len);
  pieces[0] = uv_buf_init(out->bytes, (unsigned)had);
  pieces[1] = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
  n = had > 0 ? try_write(out, pieces, 2) : try_write(out, pieces + 1, 1);
  if (n < 0)
    return n;
  done = (size_t)n;
  if (done < had) {
    memmove(out->bytes, out->bytes + done, had - done);
    out->len = had - done;
    done = had;
  } else {
    out_clear(out);
  }
  done -= had;
  if (done == len)
    return 0;
  n = out_put(out, bytes + done, len - done);
  return n != 0 ? n : fly(out, 0);
}

void out_clear(out_t *out) {
  let_go(out, out->bytes, out->room);
  out->bytes = NULL;
  out->len = out->room = 0;
}
