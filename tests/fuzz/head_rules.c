#include "head_rules.h"

#include <stdio.h>
#include <string.h>

/* --- spans ---------------------------------------------------------------- */

int span_same(span_t a, span_t b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int span_is(span_t span, const char *word) {
  size_t i;

  if (span.len != strlen(word))
    return 0;
  for (i = 0; i < span.len; i++) {
    char c = span.at[i];

    if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i])
      return 0;
  }
  return 1;
}

static int is_any(span_t span, const char *const *words, size_t count) {
  size_t i;

  for (i = 0; i < count; i++)
    if (span_is(span, words[i]))
      return 1;
  return 0;
}

static int is_blank(char c) {
  return c == ' ' || c == '\t';
}

span_t span_trim(span_t span) {
  while (span.len > 0 && is_blank(span.at[0])) {
    span.at++;
    span.len--;
  }
  while (span.len > 0 && is_blank(span.at[span.len - 1]))
    span.len--;
  return span;
}

/* --- what is asked for ---------------------------------------------------- */

const char *rules_method(const pool_request_t *request) {
  return request->method == NULL ? "GET" : request->method;
}

span_t rules_name(const pool_header_t *header) {
  span_t name = {header->name, header->name_len};

  return name;
}

span_t rules_value(const pool_header_t *header) {
  span_t value = {header->value, header->value_len};

  return span_trim(value);
}

int rules_is_framing(span_t name) {
  static const char *const words[] = {"host", "connection", "content-length"};

  return is_any(name, words, sizeof words / sizeof words[0]);
}

int rules_is_refused(span_t name) {
  static const char *const words[] = {
      "transfer-encoding", "keep-alive",    "te",
      "trailer",           "upgrade",       "expect",
      "proxy-connection",  "http2-settings"};

  return is_any(name, words, sizeof words / sizeof words[0]);
}

/* One list of options (RFC 9110 5.6.1): empty elements count for nothing. */
static void wish_connection(rules_wish_t *wish, span_t value) {
  size_t from = 0;
  size_t i;

  for (i = 0; i <= value.len; i++) {
    span_t option = {value.at + from, i - from};

    if (i < value.len && value.at[i] != ',')
      continue;
    option = span_trim(option);
    if (span_is(option, "close"))
      wish->close = 1;
    else if (option.len > 0 && !span_is(option, "keep-alive"))
      wish->is_bad = 1;
    from = i + 1;
  }
}

/* Digits that are the body's length. */
static int is_true_length(span_t value, size_t body_len) {
  char number[32];

  while (value.len > 1 && value.at[0] == '0') {
    value.at++;
    value.len--;
  }
  snprintf(number, sizeof number, "%zu", body_len);
  return span_is(value, number);
}

static int is_bad_method(const pool_request_t *request) {
  const char *method = rules_method(request);

  return strcmp(method, "CONNECT") == 0 ||
         (strcmp(method, "TRACE") == 0 && request->body_len > 0);
}

void rules_wish(const pool_request_t *request, rules_wish_t *wish) {
  const char *method = rules_method(request);
  size_t i;

  memset(wish, 0, sizeof *wish);
  wish->length = request->body_len;
  wish->has_length = request->body_len > 0 || strcmp(method, "POST") == 0 ||
                     strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
  for (i = 0; i < request->header_count; i++) {
    span_t name = rules_name(&request->headers[i]);
    span_t value = rules_value(&request->headers[i]);

    if (span_is(name, "host")) {
      wish->hosts++;
      wish->host = value;
    } else if (span_is(name, "content-length")) {
      wish->lengths++;
      wish->has_length = 1;
      wish->is_bad |= !is_true_length(value, request->body_len);
    } else if (span_is(name, "connection")) {
      wish_connection(wish, value);
    }
  }
  wish->is_bad |=
      wish->hosts > 1 || wish->lengths > 1 || is_bad_method(request);
}

/* --- what must not be refused --------------------------------------------- */

static int is_good_method(const pool_request_t *request) {
  static const char *const known[] = {"GET",   "PUT",     "HEAD", "DELETE",
                                      "PATCH", "OPTIONS", "POST", "TRACE",
                                      "PURGE", "PROPFIND"};
  const char *method = rules_method(request);
  size_t i;

  for (i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(method, known[i]) == 0)
      return 1;
  return 0;
}

static int is_good_path(const char *path) {
  size_t i;

  if (path == NULL || path[0] != '/')
    return 0;
  for (i = 0; path[i] != '\0'; i++)
    if (path[i] < '!' || path[i] > '~' || path[i] == '#')
      return 0;
  return 1;
}

static int is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_good_host(span_t value) {
  size_t i;

  for (i = 0; i < value.len; i++)
    if (!is_letter(value.at[i]) && value.at[i] != '.')
      return 0;
  return value.len > 0;
}

/* Of the library's own fields a plain Host, the options of Connection, and a
 * Content-Length, which rules_wish() judges. */
static int is_good_field(const pool_header_t *header) {
  span_t name = rules_name(header);
  span_t value = rules_value(header);
  size_t i;

  for (i = 0; i < name.len; i++)
    if (!is_letter(name.at[i]) && name.at[i] != '-')
      return 0;
  for (i = 0; i < value.len; i++)
    if (value.at[i] < ' ' || value.at[i] > '~')
      return 0;
  if (span_is(name, "host"))
    return is_good_host(value);
  if (span_is(name, "connection"))
    return span_is(value, "close") || span_is(value, "keep-alive");
  return name.len > 0 && !rules_is_refused(name);
}

#define OWN_BYTES 128u /* at most, of what the library adds */

int rules_is_plainly_good(const pool_request_t *request, size_t max_bytes) {
  rules_wish_t wish;
  size_t len = OWN_BYTES;
  size_t i;

  if (!is_good_method(request) || !is_good_path(request->path))
    return 0;
  len += strlen(rules_method(request)) + strlen(request->path);
  for (i = 0; i < request->header_count; i++) {
    if (!is_good_field(&request->headers[i]))
      return 0;
    len += request->headers[i].name_len + request->headers[i].value_len + 4;
  }
  rules_wish(request, &wish);
  return !wish.is_bad && len <= max_bytes;
}
