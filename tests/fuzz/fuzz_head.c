/* Fuzzes the writing of requests.
 *
 * The input is flags, then the method, the path, fields as "name:value", each
 * ended by a newline, an empty line, and the body. What is accepted has to be
 * one request, to a parser of requests: complete at its last byte, with the
 * method, the path and the body that were given, the fields in order, one Host,
 * and nothing else. What is plainly a good request has to be accepted. */
#include <llhttp.h>

#include "head_rules.h"

#include "fuzz.h"
#include "head.h"

#define FIELDS_MAX 64u
#define SEEN_MAX   (FIELDS_MAX + 8u)
#define HOST_LINE  "Host: 127.0.0.1:8080\r\n"
#define MAX_BYTES  4096u

typedef struct {
  span_t names[SEEN_MAX];
  span_t values[SEEN_MAX];
  unsigned fields;
  span_t url;
  span_t body;
  int whole;
  int in_value;
} seen_t;

/* All bytes are in one piece, so spans only ever grow. */
static void add(span_t *span, const char *at, size_t len) {
  if (span->len == 0)
    span->at = at;
  span->len += len;
}

static int on_url(llhttp_t *parser, const char *at, size_t len) {
  seen_t *seen = parser->data;

  add(&seen->url, at, len);
  return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len) {
  seen_t *seen = parser->data;

  FUZZ_CHECK(seen->fields < SEEN_MAX);
  add(&seen->names[seen->fields], at, len);
  return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
  seen_t *seen = parser->data;

  add(&seen->values[seen->fields], at, len);
  return 0;
}

static int on_value_complete(llhttp_t *parser) {
  seen_t *seen = parser->data;

  seen->fields++;
  return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  seen_t *seen = parser->data;

  add(&seen->body, at, len);
  return 0;
}

static int on_message_complete(llhttp_t *parser) {
  seen_t *seen = parser->data;

  seen->whole++;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* The one Host is the caller's, or the endpoint's, and stands first. */
static void check_host(const seen_t *seen, const rules_wish_t *wish) {
  static const span_t endpoint = {"127.0.0.1:8080", 14};
  unsigned i;

  FUZZ_CHECK(seen->fields > 0 && span_is(seen->names[0], "host"));
  FUZZ_CHECK(
      span_same(seen->values[0], wish->hosts > 0 ? wish->host : endpoint));
  for (i = 1; i < seen->fields; i++)
    FUZZ_CHECK(!span_is(seen->names[i], "host"));
}

/* The caller's own fields, in their order. Returns how many fields those and
 * Host are. */
static unsigned check_fields(const seen_t *seen,
                             const pool_request_t *request) {
  unsigned next = 1;
  size_t i;

  for (i = 0; i < request->header_count; i++) {
    span_t name = rules_name(&request->headers[i]);

    FUZZ_CHECK(!rules_is_refused(name));
    if (rules_is_framing(name))
      continue;
    FUZZ_CHECK(next < seen->fields);
    FUZZ_CHECK(span_same(seen->names[next], name));
    FUZZ_CHECK(span_same(span_trim(seen->values[next]),
                         rules_value(&request->headers[i])));
    next++;
  }
  return next;
}

/* Behind them "Connection: close" and Content-Length, each if it has to be
 * there, and no other. */
static void check_framing(const seen_t *seen, unsigned next,
                          const rules_wish_t *wish) {
  char number[32];

  if (wish->close) {
    FUZZ_CHECK(next < seen->fields);
    FUZZ_CHECK(span_is(seen->names[next], "connection"));
    FUZZ_CHECK(span_is(seen->values[next], "close"));
    next++;
  }
  if (wish->has_length) {
    snprintf(number, sizeof number, "%zu", wish->length);
    FUZZ_CHECK(next < seen->fields);
    FUZZ_CHECK(span_is(seen->names[next], "content-length"));
    FUZZ_CHECK(span_is(seen->values[next], number));
    next++;
  }
  FUZZ_CHECK(next == seen->fields);
}

/* llhttp knows some methods only; any other stands for POST here. */
static size_t known_method(char *bytes, size_t len, const char *method) {
  static const char *const known[] = {"GET",   "PUT",     "HEAD", "DELETE",
                                      "PATCH", "OPTIONS", "POST", "TRACE"};
  size_t method_len = strlen(method);
  size_t i;

  for (i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(method, known[i]) == 0)
      return len;
  memmove(bytes + 4, bytes + method_len, len - method_len);
  memcpy(bytes, "POST", 4);
  return len - method_len + 4;
}

static void check_bytes(char *bytes, size_t len, const pool_request_t *request,
                        const rules_wish_t *wish) {
  seen_t seen;
  llhttp_t parser;
  llhttp_errno_t err;
  span_t path = {request->path, strlen(request->path)};
  span_t body = {request->body, request->body_len};
  const char *method = rules_method(request);
  size_t method_len = strlen(method);

  memset(&seen, 0, sizeof seen);
  FUZZ_CHECK(len > method_len && memcmp(bytes, method, method_len) == 0 &&
             bytes[method_len] == ' ');
  len = known_method(bytes, len, method);
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &seen;
  err = llhttp_execute(&parser, bytes, len);
  FUZZ_CHECK(err == HPE_PAUSED && seen.whole == 1);
  FUZZ_CHECK(llhttp_get_error_pos(&parser) == bytes + len);
  FUZZ_CHECK(span_same(seen.url, path));
  FUZZ_CHECK(span_same(seen.body, body));
  check_host(&seen, wish);
  check_framing(&seen, check_fields(&seen, request), wish);
}

static void check_head(const pool__head_t *head,
                       const pool_request_t *request) {
  uv_buf_t pieces[POOL__HEAD_PIECES];
  unsigned n = pool__head_pieces(head, HOST_LINE, sizeof HOST_LINE - 1, pieces);
  size_t len = 0;
  size_t room = 8;
  rules_wish_t wish;
  char *bytes;
  unsigned i;

  rules_wish(request, &wish);
  FUZZ_CHECK(!wish.is_bad);
  FUZZ_CHECK(head->wants_close == wish.close);
  FUZZ_CHECK(head->own_host == (wish.hosts > 0));
  FUZZ_CHECK(head->is_head == (strcmp(rules_method(request), "HEAD") == 0));
  FUZZ_CHECK(n > 0 && n <= POOL__HEAD_PIECES);
  for (i = 0; i < n; i++) {
    FUZZ_CHECK(pieces[i].len > 0);
    room += pieces[i].len;
  }
  FUZZ_CHECK(head->line_len + head->fields_len <= MAX_BYTES);
  bytes = malloc(room);
  FUZZ_CHECK(bytes != NULL);
  for (i = 0; i < n; i++) {
    memcpy(bytes + len, pieces[i].base, pieces[i].len);
    len += pieces[i].len;
  }
  check_bytes(bytes, len, request, &wish);
  free(bytes);
}

/* Cuts a line off; it is ended by a NUL in place of its newline. */
static char *take_line(char **rest, size_t *len) {
  char *line = *rest;
  char *end = memchr(line, '\n', *len);

  if (end == NULL)
    return NULL;
  *end = '\0';
  *len -= (size_t)(end + 1 - line);
  *rest = end + 1;
  return line;
}

static size_t take_fields(char **rest, size_t *len, pool_header_t *fields) {
  size_t n = 0;

  while (n < FIELDS_MAX) {
    char *before = *rest;
    char *line = take_line(rest, len);
    size_t line_len;
    char *colon;

    if (line == NULL)
      return n;
    line_len = (size_t)(*rest - before) - 1;
    if (line_len == 0)
      return n;
    colon = memchr(line, ':', line_len);
    if (colon == NULL)
      colon = line + line_len;
    fields[n].name = line;
    fields[n].name_len = (size_t)(colon - line);
    fields[n].value = colon < line + line_len ? colon + 1 : "";
    fields[n].value_len =
        colon < line + line_len ? line_len - fields[n].name_len - 1 : 0;
    /* A length of 0 means a NUL-ended string. */
    if (fields[n].name_len == 0)
      fields[n].name = "";
    n++;
  }
  return n;
}

static void run(char *text, size_t len) {
  static const pool_allocator_t standard;
  pool_header_t fields[FIELDS_MAX];
  pool_request_t request;
  pool__head_t head;
  pool__mem_t mem;
  int err;

  memset(&request, 0, sizeof request);
  memset(&head, 0, sizeof head);
  request.flags = (unsigned char)text[0] & (uint32_t)POOL_COPY_BODY;
  text++;
  len--;
  request.method = take_line(&text, &len);
  request.path = take_line(&text, &len);
  if (request.method != NULL && request.method[0] == '\0')
    request.method = NULL;
  request.headers = fields;
  request.header_count = take_fields(&text, &len, fields);
  request.body = len > 0 ? text : NULL;
  request.body_len = len;
  pool__mem_init(&mem, &standard);
  pool__head_init(&head, &mem);
  err = pool__head_write(&head, &request, MAX_BYTES);
  FUZZ_CHECK(err == 0 || err == UV_EINVAL);
  if (err == 0)
    check_head(&head, &request);
  else
    FUZZ_CHECK(!rules_is_plainly_good(&request, MAX_BYTES));
  pool__head_reset(&head);
  pool__head_clear(&head);
  FUZZ_CHECK(mem.bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy;

  if (size < 1)
    return 0;
  copy = malloc(size);
  FUZZ_CHECK(copy != NULL);
  memcpy(copy, data, size);
  run(copy, size);
  free(copy);
  return 0;
}
