#include "heard.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- heads -----------------------------------------------------------------
 */

typedef struct {
  char text[HEARD_HEAD_MAX];
  size_t len;
} wanted_t;

__attribute__((format(printf, 2, 3))) static void
want(wanted_t *wanted, const char *format, ...) {
  va_list args;

  va_start(args, format);
  wanted->len +=
      (size_t)vsnprintf(wanted->text + wanted->len,
                        sizeof wanted->text - wanted->len, format, args);
  va_end(args);
}

void heard_head(const site_t *site, uint32_t id, const char *head, size_t len) {
  const call_t *call = &site->world->calls[id];
  wanted_t wanted;

  wanted.len = 0;
  want(&wanted, "%s /%u HTTP/1.1\r\nHost: %s\r\n", world_methods[call->method],
       id, site->address);
  if (call->field > 0)
    want(&wanted, "X-Long: %.*s\r\n", (int)call->field, world_pattern(id));
  if (call->says_last)
    want(&wanted, "Connection: close\r\n");
  if (call->chunked)
    want(&wanted, "Transfer-Encoding: chunked\r\n");
  else if (call->method > METHOD_HEAD)
    want(&wanted, "Content-Length: %u\r\n", call->sent);
  if (call->expects)
    want(&wanted, "Expect: 100-continue\r\n");
  want(&wanted, "\r\n");
  if (wanted.len != len || memcmp(wanted.text, head, len) != 0)
    trace_fail("request %u came as\n%.*s\nbut should be\n%s", id, (int)len,
               head, wanted.text);
}

/* --- bodies ----------------------------------------------------------------
 */

/* Where in a chunked body (RFC 9112 7.1), just as the pool writes it: no
 * extensions, no trailers, no zeroes in front. */
enum { IN_DATA, IN_SIZE, SIZE_LF, DATA_CR, DATA_LF, LAST_CR, LAST_LF };

void heard_body_begin(heard_body_t *body, const world_t *world, uint32_t id) {
  const call_t *call = &world->calls[id];

  body->id = id;
  body->left = call->sent;
  body->chunk = body->digits = 0;
  body->at = call->chunked ? IN_SIZE : IN_DATA;
  body->owes = call->sent > 0 || call->chunked;
}

static size_t take_data(heard_body_t *body, const world_t *world,
                        const char *bytes, size_t len) {
  uint32_t at = world->calls[body->id].sent - body->left;

  if (memcmp(bytes, world_pattern((uint64_t)body->id + at), len) != 0)
    trace_fail("the body of request %u differs in %zu bytes at %u", body->id,
               len, at);
  body->left -= (uint32_t)len;
  return len;
}

static void framing_is_wrong(const heard_body_t *body, char byte) {
  trace_fail("the chunks of request %u have a %02x with %u bytes left",
             body->id, (unsigned char)byte, body->left);
}

static void take_digit(heard_body_t *body, char byte) {
  static const char digits[] = "0123456789abcdef";
  const char *digit = byte == '\0' ? NULL : strchr(digits, byte);

  if (digit == NULL || (body->chunk == 0 && body->digits > 0))
    framing_is_wrong(body, byte);
  else
    body->chunk = body->chunk * 16 + (uint32_t)(digit - digits);
  body->digits++;
  if (body->chunk > body->left)
    framing_is_wrong(body, byte);
}

/* One byte that is not data. */
static void take_framing(heard_body_t *body, char byte) {
  static const char wanted[] = {0, 0, '\n', '\r', '\n', '\r', '\n'};

  if (body->at == IN_SIZE && (byte != '\r' || body->digits == 0)) {
    take_digit(body, byte);
    return;
  }
  if (body->at != IN_SIZE && byte != wanted[body->at])
    framing_is_wrong(body, byte);
  switch (body->at) {
  case IN_SIZE:
    body->at = SIZE_LF;
    break;
  case SIZE_LF:
    body->at = body->chunk > 0 ? IN_DATA : LAST_CR;
    body->digits = 0;
    break;
  case DATA_CR:
    body->at = DATA_LF;
    break;
  case DATA_LF:
    body->at = IN_SIZE;
    break;
  case LAST_CR:
    body->at = LAST_LF;
    break;
  default:
    if (body->left > 0)
      framing_is_wrong(body, byte);
    body->owes = 0;
    break;
  }
}

static size_t take_chunked(heard_body_t *body, const world_t *world,
                           const char *bytes, size_t len) {
  if (body->at != IN_DATA) {
    take_framing(body, *bytes);
    return 1;
  }
  if (len > body->chunk)
    len = body->chunk;
  body->chunk -= (uint32_t)len;
  if (body->chunk == 0)
    body->at = DATA_CR;
  return take_data(body, world, bytes, len);
}

size_t heard_body(heard_body_t *body, world_t *world, const char *bytes,
                  size_t len) {
  call_t *call = &world->calls[body->id];
  size_t took = 0;

  call->flowed |= call->uploads && len > 0;
  if (!call->chunked) {
    if (len > body->left)
      len = body->left;
    took = take_data(body, world, bytes, len);
    body->owes = body->left > 0;
    return took;
  }
  while (took < len && body->owes)
    took += take_chunked(body, world, bytes + took, len - took);
  return took;
}
