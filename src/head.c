/* Judging and serialising a request.
 *
 * Two passes over the caller's fields: the first judges each, notes what it
 * means for the framing and adds up the length; the second writes. Nothing is
 * allocated for a request that is refused. */
#include "head.h"

#include <assert.h>
#include <string.h>

#include "hint.h"
#include "text.h"

typedef enum {
  FIELD_PLAIN,
  FIELD_HOST,
  FIELD_LENGTH,
  FIELD_CONNECTION,
  FIELD_REFUSED
} field_kind_t;

/* What the first pass found out. */
typedef struct {
  pool__text_t method;
  pool__text_t path;
  pool__text_t host;    /* the caller's, len 0 when there is none */
  size_t fields_len;    /* of the plain fields, with their line ends */
  unsigned has_length;  /* the caller gave a Content-Length */
  unsigned send_length; /* we send one */
  unsigned flows;       /* the body comes in pieces, or is held back */
  unsigned send_expect; /* and we wait for a 100 (Continue) */
  unsigned wants_close;
  unsigned has_key; /* an Idempotency-Key */
  uint64_t length;  /* of the body */
} plan_t;

typedef struct {
  pool__text_t name;
  pool__text_t value; /* trimmed */
} field_t;

static const char version_line[] = " HTTP/1.1\r\n";
static const char host_name[] = "Host: ";
static const char length_name[] = "Content-Length: ";
static const char close_field[] = "Connection: close\r\n";
static const char chunked_field[] = "Transfer-Encoding: chunked\r\n";
static const char expect_field[] = "Expect: 100-continue\r\n";
#define LEN(literal) (sizeof(literal) - 1)

/* Hop-by-hop fields and those that would change the framing or the protocol
 * are the library's (RFC 9110 7.6.1, 10.1.1; RFC 9112 6.1). */
static int is_refused(pool__text_t name) {
  return pool__text_is(name.at, name.len, "transfer-encoding") ||
         pool__text_is(name.at, name.len, "keep-alive") ||
         pool__text_is(name.at, name.len, "te") ||
         pool__text_is(name.at, name.len, "trailer") ||
         pool__text_is(name.at, name.len, "upgrade") ||
         pool__text_is(name.at, name.len, "expect") ||
         pool__text_is(name.at, name.len, "proxy-connection") ||
         pool__text_is(name.at, name.len, "http2-settings");
}

static int is_key(pool__text_t name) {
  return pool__text_is(name.at, name.len, "idempotency-key");
}

static field_kind_t kind_of(pool__text_t name) {
  if (pool__text_is(name.at, name.len, "host"))
    return FIELD_HOST;
  if (pool__text_is(name.at, name.len, "content-length"))
    return FIELD_LENGTH;
  if (pool__text_is(name.at, name.len, "connection"))
    return FIELD_CONNECTION;
  return is_refused(name) ? FIELD_REFUSED : FIELD_PLAIN;
}

static int read_field(const pool_header_t *header, field_t *field) {
  const char *value = header->value == NULL ? "" : header->value;
  size_t value_len = header->value_len;

  if (header->name == NULL || (header->value == NULL && value_len > 0))
    return UV_EINVAL;
  if (value_len == 0)
    value_len = strlen(value);
  field->name.at = header->name;
  field->name.len =
      header->name_len > 0 ? header->name_len : strlen(header->name);
  field->value = pool__text_trim(value, value_len);
  if (!pool__text_is_token(field->name.at, field->name.len) ||
      !pool__text_is_value(field->value.at, field->value.len))
    return UV_EINVAL;
  return 0;
}

/* Host may be any uri-host with a port (RFC 9112 3.2): visible, and none of
 * the characters that end an authority or start another one. */
static int judge_host(plan_t *plan, pool__text_t value) {
  size_t i;

  if (plan->host.len > 0 || value.len == 0 ||
      !pool__text_is_visible(value.at, value.len))
    return UV_EINVAL;
  for (i = 0; i < value.len; i++)
    if (strchr("/?#@,\\\"<>^`{|}", value.at[i]) != NULL)
      return UV_EINVAL;
  plan->host = value;
  return 0;
}

/* It has to be true; of a body that is streamed it is the promise. */
static int judge_length(plan_t *plan, pool__text_t value,
                        const pool_request_t *request) {
  uint64_t number;

  if (plan->has_length ||
      pool__text_number(value.at, value.len, &number) != 0 ||
      number == POOL__UPLOAD_UNKNOWN)
    return UV_EINVAL;
  if (number != request->body_len &&
      ((request->flags & POOL_STREAM) == 0 || request->body_len > 0))
    return UV_EINVAL;
  plan->has_length = 1;
  plan->length = number;
  return 0;
}

static int judge_connection(plan_t *plan, pool__text_t value) {
  pool__text_t token;

  while (pool__text_next_element(&value, &token)) {
    if (pool__text_is(token.at, token.len, "close"))
      plan->wants_close = 1;
    else if (!pool__text_is(token.at, token.len, "keep-alive"))
      return UV_EINVAL;
  }
  return 0;
}

static int judge_field(plan_t *plan, const field_t *field,
                       const pool_request_t *request) {
  switch (kind_of(field->name)) {
  case FIELD_HOST:
    return judge_host(plan, field->value);
  case FIELD_LENGTH:
    return judge_length(plan, field->value, request);
  case FIELD_CONNECTION:
    return judge_connection(plan, field->value);
  case FIELD_REFUSED:
    return UV_EINVAL;
  case FIELD_PLAIN:
    break;
  }
  if (is_key(field->name))
    plan->has_key = 1;
  plan->fields_len += field->name.len + field->value.len + LEN(": \r\n");
  return 0;
}

/* `name` is a literal: the compiler makes it a comparison of words. */
#define method_is(plan, name)                                                  \
  ((plan)->method.len == LEN(name) &&                                          \
   memcmp((plan)->method.at, (name), LEN(name)) == 0)

/* RFC 9110 9.2.2. What is unknown is not. */
static int is_idempotent(const plan_t *plan) {
  return method_is(plan, "GET") || method_is(plan, "HEAD") ||
         method_is(plan, "PUT") || method_is(plan, "DELETE") ||
         method_is(plan, "OPTIONS") || method_is(plan, "TRACE");
}

static int judge_method(plan_t *plan, const char *method) {
  plan->method.at = "GET";
  plan->method.len = LEN("GET");
  if (method == NULL)
    return 0;
  plan->method.at = method;
  plan->method.len = pool__text_token_len(method);
  if (plan->method.len == 0 || plan->method.at[plan->method.len] != '\0')
    return UV_EINVAL;
  return method_is(plan, "CONNECT") ? UV_EINVAL : 0;
}

/* Origin form, or "*" for OPTIONS (RFC 9112 3.2.1, 3.2.4); a fragment is not
 * sent (RFC 9110 7.1). */
static int judge_path(plan_t *plan, const char *path) {
  size_t len = 0;

  if (path == NULL)
    return UV_EINVAL;
  while (path[len] > 0x20 && path[len] < 0x7f && path[len] != '#')
    len++;
  if (path[len] != '\0')
    return UV_EINVAL;
  plan->path.at = path;
  plan->path.len = len;
  if (path[0] == '/')
    return 0;
  return strcmp(path, "*") == 0 && method_is(plan, "OPTIONS") ? 0 : UV_EINVAL;
}

/* A body that comes in pieces has the length that was declared, or chunks. */
static RARE int judge_stream(plan_t *plan, const pool_request_t *request) {
  if (request->body != NULL || method_is(plan, "TRACE"))
    return UV_EINVAL;
  if (request->body_len > 0)
    plan->length = request->body_len;
  else if (!plan->has_length)
    plan->length = POOL__UPLOAD_UNKNOWN;
  plan->send_length = plan->length != POOL__UPLOAD_UNKNOWN;
  plan->flows = 1;
  plan->send_expect = (request->flags & POOL_EXPECT) != 0 && plan->length > 0;
  return 0;
}

static char *put(char *at, const char *bytes, size_t len) {
  memcpy(at, bytes, len);
  return at + len;
}

static RARE char *put_flow_fields(char *at, const plan_t *plan) {
  if (!plan->send_length)
    at = put(at, chunked_field, LEN(chunked_field));
  if (plan->send_expect)
    at = put(at, expect_field, LEN(expect_field));
  return at;
}

static size_t flow_fields_len(const plan_t *plan) {
  return (plan->send_length ? 0 : LEN(chunked_field)) +
         (plan->send_expect ? LEN(expect_field) : 0);
}

/* RFC 9110 8.6: these say how long it is even when it is empty. */
static int anticipates_content(const plan_t *plan) {
  return method_is(plan, "POST") || method_is(plan, "PUT") ||
         method_is(plan, "PATCH");
}

/* RFC 9110 9.3.8: TRACE must have no content; 10.1.1: without content there is
 * nothing to expect a 100 (Continue) for. */
static int judge_body(plan_t *plan, const pool_request_t *request) {
  if ((request->flags & POOL_STREAM) != 0)
    return judge_stream(plan, request);
  if (request->body_len == 0) { /* the most of them */
    plan->send_length = plan->has_length || anticipates_content(plan);
    return 0;
  }
  if (request->body == NULL || method_is(plan, "TRACE"))
    return UV_EINVAL;
  plan->length = request->body_len;
  if ((request->flags & POOL_EXPECT) != 0)
    plan->flows = plan->send_expect = 1;
  plan->send_length = 1;
  return 0;
}

static int make_plan(plan_t *plan, const pool_request_t *request) {
  size_t i;

  memset(plan, 0, sizeof *plan);
  if ((request->flags & ~(uint32_t)(POOL_COPY_BODY | POOL_IDEMPOTENT |
                                    POOL_STREAM | POOL_EXPECT)) != 0)
    return UV_EINVAL;
  if (request->headers == NULL && request->header_count > 0)
    return UV_EINVAL;
  if (judge_method(plan, request->method) != 0 ||
      judge_path(plan, request->path) != 0)
    return UV_EINVAL;
  for (i = 0; i < request->header_count; i++) {
    field_t field;

    if (read_field(&request->headers[i], &field) != 0 ||
        judge_field(plan, &field, request) != 0)
      return UV_EINVAL;
  }
  return judge_body(plan, request);
}

static size_t digits_of(uint64_t number) {
  size_t digits = 1;

  while (number >= 10) {
    number /= 10;
    digits++;
  }
  return digits;
}

static char *put_number(char *at, uint64_t number) {
  char *end = at + digits_of(number);
  char *digit = end;

  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  return end;
}

static char *put_line(char *at, const plan_t *plan) {
  at = put(at, plan->method.at, plan->method.len);
  *at++ = ' ';
  at = put(at, plan->path.at, plan->path.len);
  at = put(at, version_line, LEN(version_line));
  if (plan->host.len > 0) {
    at = put(at, host_name, LEN(host_name));
    at = put(at, plan->host.at, plan->host.len);
    at = put(at, "\r\n", 2);
  }
  return at;
}

static char *put_fields(char *at, const plan_t *plan,
                        const pool_request_t *request) {
  size_t i;

  for (i = 0; i < request->header_count; i++) {
    field_t field;
    int err = read_field(&request->headers[i], &field);

    assert(err == 0); /* it was judged above */
    if (err != 0 || kind_of(field.name) != FIELD_PLAIN)
      continue;
    at = put(at, field.name.at, field.name.len);
    at = put(at, ": ", 2);
    at = put(at, field.value.at, field.value.len);
    at = put(at, "\r\n", 2);
  }
  if (plan->wants_close)
    at = put(at, close_field, LEN(close_field));
  if (plan->send_length) {
    at = put(at, length_name, LEN(length_name));
    at = put_number(at, plan->length);
    at = put(at, "\r\n", 2);
  }
  if (plan->flows)
    at = put_flow_fields(at, plan);
  return put(at, "\r\n", 2);
}

static size_t length_of(const plan_t *plan) {
  size_t len = plan->method.len + 1 + plan->path.len + LEN(version_line);

  if (plan->host.len > 0)
    len += LEN(host_name) + plan->host.len + 2;
  len += plan->fields_len;
  if (plan->wants_close)
    len += LEN(close_field);
  if (plan->send_length)
    len += LEN(length_name) + digits_of(plan->length) + 2;
  if (plan->flows)
    len += flow_fields_len(plan);
  return len + 2;
}

static int make_room(pool__head_t *head, size_t need) {
  char *bytes;

  if (need <= (head->room > 0 ? head->room : sizeof head->own))
    return 0;
  bytes = pool__mem_resize(head->mem, head->room > 0 ? head->bytes : NULL,
                           head->room, need);
  if (bytes == NULL)
    return UV_ENOMEM;
  head->bytes = bytes;
  head->room = need;
  return 0;
}

void pool__head_init(pool__head_t *head, pool__mem_t *mem) {
  head->mem = mem;
  head->bytes = head->own;
}

void pool__head_reset(pool__head_t *head) {
  if (head->room > POOL__HEAD_KEEP)
    pool__head_clear(head);
  head->body = NULL;
  head->body_len = 0;
}

void pool__head_clear(pool__head_t *head) {
  if (head->room > 0)
    pool__mem_give(head->mem, head->bytes, head->room);
  head->bytes = head->own;
  head->room = 0;
}

int pool__head_write(pool__head_t *head, const pool_request_t *request,
                     size_t max_bytes) {
  size_t copied =
      (request->flags & POOL_COPY_BODY) != 0 && request->body != NULL
          ? request->body_len
          : 0;
  plan_t plan;
  size_t len;
  char *at;

  if (make_plan(&plan, request) != 0)
    return UV_EINVAL;
  len = length_of(&plan);
  if (len > max_bytes)
    return UV_EINVAL;
  if (copied > SIZE_MAX / 2 || make_room(head, len + copied) != 0)
    return UV_ENOMEM;
  at = put_line(head->bytes, &plan);
  head->line_len = (size_t)(at - head->bytes);
  at = put_fields(at, &plan, request);
  head->fields_len = (size_t)(at - head->bytes) - head->line_len;
  assert(head->line_len + head->fields_len == len);
  head->body = request->body;
  head->body_len = request->body_len;
  if (copied > 0) {
    memcpy(at, request->body, copied);
    head->body = at;
  }
  head->length = plan.length;
  head->is_streamed = plan.flows ? 1 : 0;
  head->own_host = plan.host.len > 0 ? 1 : 0;
  head->wants_close = plan.wants_close ? 1 : 0;
  head->is_head = method_is(&plan, "HEAD") ? 1 : 0;
  head->repeatable = is_idempotent(&plan) || plan.has_key ||
                             (request->flags & POOL_IDEMPOTENT) != 0
                         ? 1
                         : 0;
  return 0;
}

/* libuv's buffers are not const, but what is written is not changed. */
static void set_piece(uv_buf_t *piece, const char *bytes, size_t len) {
  piece->base = (char *)(uintptr_t)bytes;
  piece->len = len;
}

unsigned pool__head_pieces(const pool__head_t *head, const char *host_line,
                           size_t host_line_len, uv_buf_t *pieces) {
  unsigned count = 0;

  if (head->own_host) {
    set_piece(&pieces[count++], head->bytes, head->line_len + head->fields_len);
  } else {
    set_piece(&pieces[count++], head->bytes, head->line_len);
    set_piece(&pieces[count++], host_line, host_line_len);
    set_piece(&pieces[count++], head->bytes + head->line_len, head->fields_len);
  }
  if (head->body_len > 0 && !head->is_streamed)
    set_piece(&pieces[count++], head->body, head->body_len);
  return count;
}
