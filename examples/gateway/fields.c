#include "fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 9110 7.6.1, and what the library frames itself. */
static const char *const hops[] = {"connection",
                                   "keep-alive",
                                   "proxy-connection",
                                   "te",
                                   "trailer",
                                   "transfer-encoding",
                                   "upgrade",
                                   "expect",
                                   "http2-settings",
                                   "proxy-authenticate",
                                   NULL};

static int is_hop(const char *name) {
  int i;

  for (i = 0; hops[i] != NULL; i++)
    if (strcasecmp(name, hops[i]) == 0)
      return 1;
  return 0;
}

/* Whether a list such as that of Connection names the field. */
static int names(const char *list, const char *name) {
  size_t len = strlen(name);

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

static int is_named_by_client(const inbound_t *in, const char *name) {
  uint32_t i;

  for (i = 0; i < in->field_count; i++)
    if (strcasecmp(inbound_name(in, i), "connection") == 0 &&
        names(inbound_value(in, i), name))
      return 1;
  return 0;
}

static void add(fields_t *fields, const char *name, const char *value) {
  pool_header_t *header = &fields->list[fields->count++];

  memset(header, 0, sizeof *header);
  header->name = name;
  header->value = value;
}

/* What there is of it, and the client behind. */
static int forward_for(fields_t *fields, const char *had, const char *peer) {
  size_t used = strlen(fields->forwarded);
  size_t room = sizeof fields->forwarded - used;
  int n =
      snprintf(fields->forwarded + used, room, "%s%s%s", used > 0 ? ", " : "",
               had != NULL ? had : "", peer != NULL ? peer : "");

  return n < 0 || (size_t)n >= room ? 431 : 0;
}

int fields_for_server(fields_t *fields, const inbound_t *in, const char *peer) {
  uint32_t i;

  fields->count = 0;
  fields->forwarded[0] = '\0';
  for (i = 0; i < in->field_count; i++) {
    const char *name = inbound_name(in, i);

    if (strcasecmp(name, "x-forwarded-for") == 0) {
      if (forward_for(fields, inbound_value(in, i), NULL) != 0)
        return 431;
      continue;
    }
    /* A length is what frames the body, whatever Connection says of it. */
    if (is_hop(name) || (is_named_by_client(in, name) &&
                         strcasecmp(name, "content-length") != 0 &&
                         strcasecmp(name, "host") != 0))
      continue;
    add(fields, name, inbound_value(in, i));
  }
  if (forward_for(fields, NULL, peer) != 0)
    return 431;
  add(fields, "X-Forwarded-For", fields->forwarded);
  add(fields, "Via", in->is_http_1_0 ? "1.0 httpool" : "1.1 httpool");
  return 0;
}

int fields_is_for_client(const pool_result_t *result,
                         const pool_header_t *header) {
  size_t i;

  if (is_hop(header->name) || strcasecmp(header->name, "content-length") == 0)
    return 0;
  for (i = 0; i < result->header_count; i++)
    if (strcasecmp(result->headers[i].name, "connection") == 0 &&
        names(result->headers[i].value, header->name))
      return 0;
  return 1;
}

int fields_length(const pool_result_t *result, uint64_t *length) {
  const char *value = pool_result_header(result, "Content-Length");

  if (value == NULL || pool_result_header(result, "Transfer-Encoding") != NULL)
    return 0;
  *length = strtoull(value, NULL, 10);
  return 1;
}
