/* Judges the lines of a response head, or of a trailer section, and tells
 * where it ends.
 *
 * The parser behind it accepts, depending on its version, line ends, names and
 * framing fields that RFC 9112 does not; what it accepts and another reader of
 * the same bytes does not is how answers get out of step with requests. So
 * every line is judged here first, strictly and in the same way everywhere:
 *
 *  - HTTP/1.0 or HTTP/1.1, one SP, three digits from 100, nothing or SP reason
 *  - token ":" OWS value OWS, no folding, no control but HTAB
 *  - each line ended by CR LF, none bare
 *  - at most one Content-Length, digits only; Transfer-Encoding at most once
 *
 * A head whose framing is told by its status and Content-Length alone, as that
 * of most, needs no other reader. Of any other the parser needs to see only
 * what frames the message. The guard notes those lines as runs of bytes: for
 *
 *   HTTP/1.1 200 OK | Server: x | Content-Length: 5 | Connection: close | empty
 *
 * they are the first line, and all from Content-Length on. */
#ifndef POOL_GUARD_H_
#define POOL_GUARD_H_

#include "mem.h"

#define POOL__GUARD_RUNS   4u
#define POOL__GUARD_FIELDS 256u /* in one section; more is POOL_ETOOLARGE */

/* A field by offsets while its bytes may still move, then as users see it. */
typedef union {
  struct {
    uint32_t name, name_len, value, value_len;
  } span;
  pool_header_t header;
} pool__field_t;

/* Users see an array of these as one of headers. */
_Static_assert(sizeof(pool__field_t) == sizeof(pool_header_t),
               "a field is as large as a header");

typedef struct {
  pool__mem_t *mem;
  pool__field_t *fields; /* [field_count], room for field_room */
  uint32_t field_count;
  uint32_t field_room;
  uint32_t line;   /* offset of the line that is not whole yet */
  uint32_t looked; /* offset up to which that line is judged */
  uint32_t colon;  /* offset of its colon, 0 while that is not found */
  /* The lines that a parser of the framing has to see: the status line, some
   * fields, the empty line. Adjoining ones are one run; when there are too
   * many runs, the last one takes in what is between. */
  struct {
    uint32_t from, to;
  } runs[POOL__GUARD_RUNS];
  uint32_t run_count;
  /* What the lines said. */
  uint64_t length;         /* Content-Length, if has_length */
  uint32_t keep_alive_ms;  /* Keep-Alive: timeout, less a margin; or POOL_OFF */
  uint16_t status;         /* 0 before the status line and in trailers */
  uint8_t minor;           /* of the HTTP version */
  unsigned is_trailer : 1; /* no status line; framing fields mean nothing */
  unsigned has_length : 1;
  unsigned has_coding : 1; /* a Transfer-Encoding field */
  unsigned is_chunked : 1; /* ... which was just "chunked" */
  unsigned coding_twice : 1;
  unsigned is_odd : 1; /* a field that only a parser knows what to do about */
  unsigned says_close : 1; /* Connection: close, or Keep-Alive: timeout=0 */
  unsigned says_keep : 1;  /* Connection: keep-alive */
} pool__guard_t;

void pool__guard_init(pool__guard_t *guard, pool__mem_t *mem);
void pool__guard_clear(pool__guard_t *guard);

/* Ready for a new section. */
void pool__guard_reset(pool__guard_t *guard, int is_trailer);

/* Looks at the section's first `len` bytes; call it again with more of the
 * same bytes, at whatever address. Returns the section's length, its empty
 * line included, once that is there; 0 while it is not; POOL_EPARSE,
 * POOL_ETOOLARGE (too many fields), UV_ENOMEM. `len` is below 2^32. */
int64_t pool__guard_scan(pool__guard_t *guard, const char *bytes, size_t len);

/* Makes headers of the fields of a whole section that is at `bytes`, and puts
 * a NUL behind each name and value. */
void pool__guard_finish(pool__guard_t *guard, char *bytes);

#endif
