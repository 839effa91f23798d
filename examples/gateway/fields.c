#include "fields.h"

#include <string.h>
#include <strings.h>

/* Whether it is that name, which is in small letters. */
static inline int is(const char *name, size_t len, const char *other) {
  return len == strlen(other) && strncasecmp(name, other, len) == 0;
}

/* RFC 9110 7.6.1, and what the library frames itself. Most names differ from
 * all of these in their length. */
static int is_hop(const char *name, size_t len) {
  switch (len) {
  case 2:
    return is(name, len, "te");
  case 6:
    return is(name, len, "expect");
  case 7:
    return is(name, len, "trailer") || is(name, len, "upgrade");
  case 10:
    return is(name, len, "connection") || is(name, len, "keep-alive");
  case 14:
    return is(name, len, "http2-settings");
  case 16:
    return is(name, len, "proxy-connection");
  case 17:
    return is(name, len, "transfer-encoding");
  case 18:
    return is(name, len, "proxy-authenticate");
  default:
    return 0;
  }
}

/* Whether a list such as that of Connection names the field. */
static int names(const char *list, const char *name, size_t len) {
  while (*list != '\0') {
    size_t token;

    list += strspn(list, " \t,");
    token = strcspn(list, " \t,");
    if (token == len && strncasecmp(list, name, len) == 0)
      return 1;
    list += token;
  }
  return 0;
}

/* --- to the server ---------------------------------------------------------
 */

static int is_named_by_client(const inbound_t *in, const char *name,
                              size_t len) {
  uint32_t i;

  for (i = 0; i < in->field_count; i++)
    if (inbound_is(in, i, "connection") &&
        names(inbound_value(in, i), name, len))
      return 1;
  return 0;
}

/* A length is what frames the body, whatever Connection says of it. */
static int is_for_server(const inbound_t *in, const char *name, size_t len) {
  if (is_hop(name, len))
    return 0;
  return !is_named_by_client(in, name, len) || is(name, len, "host") ||
         is(name, len, "content-length");
}

static void add(fields_t *fields, const char *name, size_t name_len,
                const char *value, size_t value_len) {
  pool_header_t *header = &fields->list[fields->count++];

  header->name = name;
  header->value = value;
  header->name_len = name_len;
  header->value_len = value_len;
}

/* X-Forwarded-For: what there is of it, and the client behind. */
static int forward_for(fields_t *fields, const char *who, size_t len) {
  size_t used = fields->forwarded_len;
  size_t comma = used > 0 ? 2 : 0;

  if (len == 0)
    return 0;
  if (len + comma > sizeof fields->forwarded - used)
    return 431;
  memcpy(fields->forwarded + used, ", ", comma);
  memcpy(fields->forwarded + used + comma, who, len);
  fields->forwarded_len = used + comma + len;
  return 0;
}

static int pass_on(fields_t *fields, const inbound_t *in, uint32_t i) {
  const char *name = inbound_name(in, i);
  size_t name_len = in->head->fields[i].name_len;
  const char *value = inbound_value(in, i);
  size_t value_len = in->head->fields[i].value_len;

  if (is(name, name_len, "x-forwarded-for"))
    return forward_for(fields, value, value_len);
  if (in->target.authority != NULL && is(name, name_len, "host"))
    return 0; /* RFC 9112 3.2.2: it is the target that counts */
  if (is_for_server(in, name, name_len))
    add(fields, name, name_len, value, value_len);
  return 0;
}

int fields_for_server(fields_t *fields, const inbound_t *in, const char *peer) {
  const char *via = in->is_http_1_0 ? "1.0 httpool" : "1.1 httpool";
  uint32_t i;
  int err;

  fields->count = fields->forwarded_len = 0;
  if (in->target.authority != NULL)
    add(fields, "Host", 4, in->target.authority, strlen(in->target.authority));
  for (i = 0; i < in->field_count; i++) {
    err = pass_on(fields, in, i);
    if (err != 0)
      return err;
  }
  err = forward_for(fields, peer, strlen(peer));
  if (err != 0)
    return err;
  add(fields, "X-Forwarded-For", 15, fields->forwarded, fields->forwarded_len);
  add(fields, "Via", 3, via, 11);
  return 0;
}

/* --- to the client ---------------------------------------------------------
 */

int fields_is_for_client(const pool_result_t *result,
                         const pool_header_t *header) {
  size_t i;

  if (is_hop(header->name, header->name_len) ||
      is(header->name, header->name_len, "content-length"))
    return 0;
  for (i = 0; i < result->header_count; i++) {
    const pool_header_t *other = &result->headers[i];

    if (is(other->name, other->name_len, "connection") &&
        names(other->value, header->name, header->name_len))
      return 0;
  }
  return 1;
}

const pool_header_t *fields_length(const pool_result_t *result) {
  const pool_header_t *length = NULL;
  size_t i;

  if (result->status == 204)
    return NULL; /* RFC 9110 8.6: it must not have one */
  for (i = 0; i < result->header_count; i++) {
    const pool_header_t *header = &result->headers[i];

    if (is(header->name, header->name_len, "transfer-encoding"))
      return NULL;
    if (is(header->name, header->name_len, "content-length"))
      length = header;
  }
  return length;
}
