#include "address.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define DEFAULT_PORT 80
#define LITERAL_MAX  64u /* an IPv6 literal with a zone, and a NUL */

/* A host name as RFC 952 and 1123 have it: good enough to tell "cannot do that
 * yet" from "is no address". */
static int is_name(const char *at, size_t len) {
  size_t i;
  int letters = 0;

  for (i = 0; i < len; i++) {
    unsigned char c = (unsigned char)at[i];
    int alpha = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

    if (!alpha && !(c >= '0' && c <= '9') && c != '-' && c != '.')
      return 0;
    letters |= alpha;
  }
  return letters;
}

static int read_port(const char *at, size_t len, int *port) {
  uint64_t number;

  if (pool__text_number(at, len, &number) != 0 || number == 0 || number > 65535)
    return UV_EINVAL;
  *port = (int)number;
  return 0;
}

/* What is behind the host: nothing, or a colon and a port. */
static int read_rest(const char *rest, int *port) {
  *port = DEFAULT_PORT;
  if (rest[0] == '\0')
    return 0;
  if (rest[0] != ':')
    return UV_EINVAL;
  return read_port(rest + 1, strlen(rest + 1), port);
}

static void write_host_line(pool__address_t *address, const char *literal,
                            int is_v6, int port) {
  char *line = address->host_line;
  size_t room = sizeof address->host_line;
  int len = snprintf(line, room, "Host: %s%s%s", is_v6 ? "[" : "", literal,
                     is_v6 ? "]" : "");

  if (port != DEFAULT_PORT)
    len += snprintf(line + len, room - (size_t)len, ":%d", port);
  len += snprintf(line + len, room - (size_t)len, "\r\n");
  address->host_line_len = (size_t)len;
}

/* The interface behind a "%" (RFC 4007 section 11), if there is one. Not left
 * to uv_ip6_addr(), which cuts a long literal with a zone short. */
static int read_zone(const char *zone, uint32_t *scope_id) {
  *scope_id = 0;
  if (*zone == '\0')
    return 0;
  *scope_id = if_nametoindex(zone + 1);
  return *scope_id == 0 ? UV_EINVAL : 0;
}

static int parse_v6(pool__address_t *address, const char *text) {
  const char *end = strchr(text, ']');
  char literal[LITERAL_MAX];
  char *zone;
  size_t len;
  uint32_t scope_id;
  int port;

  if (end == NULL || (size_t)(end - text) - 1 >= sizeof literal)
    return UV_EINVAL;
  len = (size_t)(end - text) - 1;
  memcpy(literal, text + 1, len);
  literal[len] = '\0';
  zone = literal + strcspn(literal, "%");
  if (read_rest(end + 1, &port) != 0 || read_zone(zone, &scope_id) != 0)
    return UV_EINVAL;
  *zone = '\0';
  if (uv_ip6_addr(literal, port, &address->socket.v6) != 0)
    return UV_EINVAL;
  address->socket.v6.sin6_scope_id = scope_id;
  write_host_line(address, literal, 1, port);
  return 0;
}

static int parse_v4(pool__address_t *address, const char *text) {
  char literal[LITERAL_MAX];
  size_t len = strcspn(text, ":");
  int port;

  if (read_rest(text + len, &port) != 0)
    return UV_EINVAL;
  if (len < sizeof literal) {
    memcpy(literal, text, len);
    literal[len] = '\0';
    if (uv_ip4_addr(literal, port, &address->socket.v4) == 0) {
      write_host_line(address, literal, 0, port);
      return 0;
    }
  }
  return is_name(text, len) ? UV_ENOTSUP : UV_EINVAL;
}

int pool__address_parse(pool__address_t *address, const char *text) {
  pool__address_t parsed;
  int err;

  if (strncmp(text, "https://", 8) == 0 || strncmp(text, "unix:", 5) == 0)
    return UV_ENOTSUP;
  if (strncmp(text, "http://", 7) == 0)
    text += 7;
  memset(&parsed, 0, sizeof parsed);
  err = text[0] == '[' ? parse_v6(&parsed, text) : parse_v4(&parsed, text);
  if (err == 0)
    *address = parsed;
  return err;
}

int pool__address_equal(const pool__address_t *a, const pool__address_t *b) {
  if (a->socket.any.sa_family != b->socket.any.sa_family)
    return 0;
  if (a->socket.any.sa_family == AF_INET)
    return a->socket.v4.sin_port == b->socket.v4.sin_port &&
           a->socket.v4.sin_addr.s_addr == b->socket.v4.sin_addr.s_addr;
  return a->socket.v6.sin6_port == b->socket.v6.sin6_port &&
         a->socket.v6.sin6_scope_id == b->socket.v6.sin6_scope_id &&
         memcmp(&a->socket.v6.sin6_addr, &b->socket.v6.sin6_addr,
                sizeof a->socket.v6.sin6_addr) == 0;
}
