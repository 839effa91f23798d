/* Requests of clients, from bytes to events. Knows no socket and no pool.
 *
 *   HEAD -> BODY... -> END -> HEAD
 *
 * llhttp parses; what it lets pass and another server might read differently is
 * refused here: two lengths, a length beside a coding, a coding but chunked,
 * folded lines, no Host or two of them (RFC 9112 3.2, 5.2, 6.1, 6.3). A head is
 * bounded in bytes and in fields. */
#ifndef GATEWAY_INBOUND_H_
#define GATEWAY_INBOUND_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <llhttp.h>

#include "stash.h"
#include "target.h"

#define INBOUND_HEAD_BYTES 16384u /* path, names and values, with NULs */
#define INBOUND_FIELDS     100u

typedef enum {
  INBOUND_MORE, /* all bytes are used, nothing to tell */
  INBOUND_HEAD, /* method, path and fields are here */
  INBOUND_BODY, /* a piece is */
  INBOUND_END,  /* the request is over */
  INBOUND_BAD   /* `status` says how to refuse it; nothing more is parsed */
} inbound_event_t;

/* By offsets into the head; NUL-terminated. */
typedef struct {
  uint16_t name, name_len, value, value_len;
} inbound_field_t;

typedef struct {
  char bytes[INBOUND_HEAD_BYTES];
  inbound_field_t fields[INBOUND_FIELDS];
} inbound_head_t;

typedef struct {
  llhttp_t parser;
  stash_t *heads;
  inbound_head_t *head; /* from its first byte until it was told; or NULL */
  size_t head_len;
  uint32_t field_count;
  size_t path_len;
  target_t target;   /* in the head */
  const char *piece; /* in the bytes that were fed */
  size_t piece_len;
  inbound_event_t event; /* that the parser came to, or MORE */
  int status;            /* of a refusal; 0 */
  uint8_t in_field;      /* a field is open */
  uint8_t in_value;      /* and its value */
  uint8_t in_body;       /* the head is over */
  uint8_t line_ended;    /* the byte before was a line end of the head */
  uint8_t resumes;       /* the parser has to run, without bytes too */
  uint8_t keeps_alive;   /* the client would like to go on */
  uint8_t is_http_1_0;
  uint8_t expects; /* a 100 (Continue) */
  uint8_t has_body;
} inbound_t;

/* `heads`: a stash of inbound_head_t. */
void inbound_init(inbound_t *in, stash_t *heads);
void inbound_clear(inbound_t *in);

/* Parses up to the next event; *took: how many bytes are used. A piece is valid
 * as long as the bytes, a head until the next call. */
inbound_event_t inbound_feed(inbound_t *in, const char *bytes, size_t len,
                             size_t *took);

static inline const char *inbound_path(const inbound_t *in) {
  return in->target.path;
}

static inline const char *inbound_method(const inbound_t *in) {
  return llhttp_method_name((llhttp_method_t)in->parser.method);
}

static inline const char *inbound_name(const inbound_t *in, uint32_t i) {
  return in->head->bytes + in->head->fields[i].name;
}

static inline const char *inbound_value(const inbound_t *in, uint32_t i) {
  return in->head->bytes + in->head->fields[i].value;
}

/* Whether a field is one of that name, which is in small letters. */
static inline int inbound_is(const inbound_t *in, uint32_t i,
                             const char *name) {
  return in->head->fields[i].name_len == strlen(name) &&
         strcasecmp(inbound_name(in, i), name) == 0;
}

#endif
