#include "guard.h"

#include <assert.h>
#include <string.h>

#include "hint.h"
#include "text.h"

#define KEEP_ALIVE_MARGIN_S 1u /* a request on its way takes time too */

static const char version_start[] = "HTTP/1.";
#define VERSION_LEN (sizeof version_start - 1)
#define STATUS_LEN  12 /* "HTTP/1.1 200" */

void pool__guard_init(pool__guard_t *guard, pool__mem_t *mem) {
  memset(guard, 0, sizeof *guard);
  guard->mem = mem;
  guard->keep_alive_ms = POOL_OFF;
}

void pool__guard_clear(pool__guard_t *guard) {
  pool__mem_give(guard->mem, guard->fields,
                 guard->field_room * sizeof *guard->fields);
  pool__guard_init(guard, guard->mem);
}

void pool__guard_reset(pool__guard_t *guard, int is_trailer) {
  pool__field_t *fields = guard->fields;
  uint32_t room = guard->field_room;

  pool__guard_init(guard, guard->mem);
  guard->fields = fields;
  guard->field_room = room;
  guard->is_trailer = is_trailer ? 1 : 0;
}

static RARE int grow(pool__guard_t *guard) {
  uint32_t room = guard->field_room == 0 ? 16 : guard->field_room * 2;
  pool__field_t *fields;

  if (guard->field_count == POOL__GUARD_FIELDS)
    return POOL_ETOOLARGE;
  fields = pool__mem_resize(guard->mem, guard->fields,
                            guard->field_room * sizeof *fields,
                            room * sizeof *fields);
  if (fields == NULL)
    return UV_ENOMEM;
  guard->fields = fields;
  guard->field_room = room;
  return 0;
}

static int is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Whether it is "HTTP/1.0 200" or the like: RFC 9112 section 4, but for
 * versions 1.0 and 1.1 only. */
static int is_status(const char *at) {
  const char *minor = at + VERSION_LEN;
  const char *code = minor + 2;

  return memcmp(at, version_start, VERSION_LEN) == 0 &&
         (*minor == '0' || *minor == '1') && minor[1] == ' ' &&
         code[0] != '0' && is_digit(code[0]) && is_digit(code[1]) &&
         is_digit(code[2]);
}

static void take_status(pool__guard_t *guard, const char *at) {
  const char *code = at + VERSION_LEN + 2;

  guard->minor = (uint8_t)(at[VERSION_LEN] - '0');
  guard->status = (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 +
                             (code[2] - '0'));
}

/* RFC 9110 8.6. A repeated field, or a list, is refused even when its values
 * agree, as the parser does; on blanks behind it parsers differ. */
static int judge_length(pool__guard_t *guard, pool__text_t value) {
  if (guard->has_length ||
      pool__text_number(value.at, value.len, &guard->length) != 0)
    return POOL_EPARSE;
  guard->has_length = 1;
  guard->is_odd |= value.at[value.len] != '\r';
  return 1;
}

static void judge_coding(pool__guard_t *guard, pool__text_t value) {
  if (guard->has_coding)
    guard->coding_twice = 1;
  guard->has_coding = 1;
  guard->is_chunked = pool__text_is(value.at, value.len, "chunked") ? 1 : 0;
}

static RARE void judge_connection_list(pool__guard_t *guard,
                                       pool__text_t value) {
  pool__text_t token;

  while (pool__text_next_element(&value, &token)) {
    if (pool__text_is(token.at, token.len, "close"))
      guard->says_close = 1;
    else if (pool__text_is(token.at, token.len, "keep-alive"))
      guard->says_keep = 1;
  }
}

/* Whether a parser has to see it: not the usual "keep-alive", which is what an
 * HTTP/1.1 connection is anyway. */
static int judge_connection(pool__guard_t *guard, pool__text_t value) {
  if (pool__text_is(value.at, value.len, "keep-alive")) {
    guard->says_keep = 1;
    guard->is_odd |= guard->minor == 0;
    return guard->minor == 0;
  }
  judge_connection_list(guard, value);
  guard->is_odd = 1;
  return 1;
}

/* One "name=number" of a Keep-Alive field (RFC 2068 19.7.1.1). What cannot be
 * read is passed over: the field is only a hint. */
static void judge_keep_alive_element(pool__guard_t *guard,
                                     pool__text_t element) {
  const char *equals = memchr(element.at, '=', element.len);
  pool__text_t name, value;
  uint64_t number;

  if (equals == NULL)
    return;
  name = pool__text_trim(element.at, (size_t)(equals - element.at));
  value = pool__text_trim(equals + 1,
                          element.len - (size_t)(equals + 1 - element.at));
  if (pool__text_number(value.at, value.len, &number) != 0)
    return;
  if (pool__text_is(name.at, name.len, "max") && number == 0)
    guard->says_close = 1;
  if (!pool__text_is(name.at, name.len, "timeout"))
    return;
  if (number <= KEEP_ALIVE_MARGIN_S)
    guard->says_close = 1; /* gone before it could be used again */
  else if (number - KEEP_ALIVE_MARGIN_S < guard->keep_alive_ms / 1000)
    guard->keep_alive_ms = ((uint32_t)number - KEEP_ALIVE_MARGIN_S) * 1000;
}

static RARE void judge_keep_alive(pool__guard_t *guard, pool__text_t value) {
  pool__text_t element;

  while (pool__text_next_element(&value, &element))
    judge_keep_alive_element(guard, element);
}

/* A field of which a parser may make what it likes, if it is one. */
static int judge_other(pool__guard_t *guard, int is_one) {
  guard->is_odd |= is_one ? 1 : 0;
  return is_one;
}

static void add_run(pool__guard_t *guard, uint32_t from, uint32_t to) {
  uint32_t last = guard->run_count - 1;

  if (guard->run_count > 0 &&
      (guard->runs[last].to == from || guard->run_count == POOL__GUARD_RUNS)) {
    guard->runs[last].to = to;
    return;
  }
  guard->runs[guard->run_count].from = from;
  guard->runs[guard->run_count++].to = to;
}

/* What a field means to us; most names differ in length from all of ours. 1: a
 * parser of the framing has to see it; 0: it need not. */
static int judge_meaning(pool__guard_t *guard, pool__text_t name,
                         pool__text_t value) {
  switch (name.len) {
  case 7:
    return judge_other(guard, pool__text_is(name.at, name.len, "upgrade"));
  case 16:
    return judge_other(guard,
                       pool__text_is(name.at, name.len, "proxy-connection"));
  case 10:
    if (pool__text_is(name.at, name.len, "connection"))
      return judge_connection(guard, value);
    if (pool__text_is(name.at, name.len, "keep-alive"))
      judge_keep_alive(guard, value);
    return 0;
  case 14:
    if (!pool__text_is(name.at, name.len, "content-length"))
      return 0;
    return guard->is_trailer ? 1 : judge_length(guard, value);
  case 17:
    if (!pool__text_is(name.at, name.len, "transfer-encoding"))
      return 0;
    if (!guard->is_trailer)
      judge_coding(guard, value);
    return 1;
  default:
    return 0;
  }
}

/* Errors, or as of judge_meaning(). */
static int add_field(pool__guard_t *guard, const char *bytes, pool__text_t name,
                     pool__text_t value) {
  pool__field_t *field;
  int err;

  if (guard->field_count == guard->field_room) {
    err = grow(guard);
    if (err != 0)
      return err;
  }
  field = &guard->fields[guard->field_count++];
  field->span.name = (uint32_t)(name.at - bytes);
  field->span.name_len = (uint32_t)name.len;
  field->span.value = (uint32_t)(value.at - bytes);
  field->span.value_len = (uint32_t)value.len;
  return judge_meaning(guard, name, value);
}

/* The line readers return how long the line is, its end included; NOT_YET when
 * what is there is good but not all of it; or an error. */
#define NOT_YET 0

/* The length of a line whose CR LF has to be at `cr`. */
static int64_t end_line(const char *at, const char *cr, const char *end) {
  if (end - cr >= 2)
    return cr[0] == '\r' && cr[1] == '\n' ? cr + 2 - at : POOL_EPARSE;
  return cr == end || *cr == '\r' ? NOT_YET : POOL_EPARSE;
}

/* What can be known of a status line that is not whole: another protocol is
 * found out by its first bytes, not by a timer. */
static int judge_start(const char *at, size_t len) {
  size_t n = len < VERSION_LEN ? len : VERSION_LEN;

  return memcmp(at, version_start, n) == 0 ? NOT_YET : POOL_EPARSE;
}

static int64_t read_status_line(pool__guard_t *guard, const char *bytes,
                                const char *end) {
  const char *reason = bytes + STATUS_LEN;
  const char *from = bytes + guard->looked;
  const char *cr;
  int64_t len;

  if (end - bytes < STATUS_LEN)
    return judge_start(bytes, (size_t)(end - bytes));
  if (!is_status(bytes) || (reason < end && *reason != ' ' && *reason != '\r'))
    return POOL_EPARSE;
  cr = pool__text_skip_value(from > reason ? from : reason, end);
  guard->looked = (uint32_t)(cr - bytes);
  len = end_line(bytes, cr, end);
  if (len <= 0)
    return len;
  add_run(guard, 0, (uint32_t)len);
  take_status(guard, bytes);
  return len;
}

/* What is between a colon and the CR at the end of its line, without blanks.
 * Most have one SP there, and nothing but blanks and CR is below 0x21. */
static inline pool__text_t trim_value(const char *colon, const char *cr) {
  const char *at = colon + 1;
  pool__text_t value = {at + 1, (size_t)(cr - at) - 1};

  if (*at == ' ' && (unsigned char)at[1] > ' ' && (unsigned char)cr[-1] > ' ')
    return value;
  return pool__text_trim(at, (size_t)(cr - at));
}

/* Takes a field line that is whole: its colon, and the CR at its end. */
static inline int64_t take_field_line(pool__guard_t *guard, const char *bytes,
                                      const char *colon, const char *cr) {
  const char *at = bytes + guard->line;
  pool__text_t name = {at, (size_t)(colon - at)};
  int64_t len = cr + 2 - at;
  int rc = add_field(guard, bytes, name, trim_value(colon, cr));

  if (rc > 0)
    add_run(guard, guard->line, guard->line + (uint32_t)len);
  return rc < 0 ? rc : len;
}

/* A field line of which some was judged before, or of which not all is there,
 * or which is wrong (RFC 9112 section 5). */
static RARE int64_t read_field_part(pool__guard_t *guard, const char *bytes,
                                    const char *end) {
  const char *at = bytes + guard->looked;
  const char *cr;
  int64_t rc;

  if (guard->colon == 0) {
    at = pool__text_skip_token(at, end);
    guard->looked = (uint32_t)(at - bytes);
    if (at == end)
      return NOT_YET;
    if (*at != ':' || guard->looked == guard->line)
      return POOL_EPARSE;
    guard->colon = guard->looked++;
    at++;
  }
  cr = pool__text_skip_value(at, end);
  guard->looked = (uint32_t)(cr - bytes);
  rc = end_line(at, cr, end);
  if (rc <= 0)
    return rc;
  at = bytes + guard->colon;
  guard->colon = 0;
  return take_field_line(guard, bytes, at, cr);
}

/* Mostly a line is there at once. */
static int64_t read_field_line(pool__guard_t *guard, const char *bytes,
                               const char *end) {
  const char *at = bytes + guard->line;

  if (guard->looked == guard->line) {
    const char *colon = pool__text_skip_token(at, end);

    if (colon < end && *colon == ':' && colon > at) {
      const char *cr = pool__text_skip_value(colon + 1, end);

      if (end - cr >= 2 && cr[0] == '\r' && cr[1] == '\n')
        return take_field_line(guard, bytes, colon, cr);
    }
  }
  return read_field_part(guard, bytes, end);
}

/* The end of the section. */
static int64_t take_empty_line(pool__guard_t *guard, const char *bytes,
                               const char *end) {
  const char *at = bytes + guard->line;
  int64_t len = end_line(at, at, end);

  if (len <= 0)
    return len;
  add_run(guard, guard->line, guard->line + 2);
  guard->line = guard->looked = guard->line + 2;
  return (int64_t)guard->line;
}

int64_t pool__guard_scan(pool__guard_t *guard, const char *bytes, size_t len) {
  const char *end = bytes + len;
  int64_t took;

  assert(len < UINT32_MAX);
  if (guard->status == 0 && !guard->is_trailer) {
    took = read_status_line(guard, bytes, end);
    if (took <= 0)
      return took;
    guard->line = guard->looked = (uint32_t)took;
  }
  while (guard->line < len) {
    if (bytes[guard->line] == '\r')
      return take_empty_line(guard, bytes, end);
    took = read_field_line(guard, bytes, end);
    if (took <= 0)
      return took;
    guard->line = guard->looked = guard->line + (uint32_t)took;
  }
  return NOT_YET;
}

void pool__guard_finish(pool__guard_t *guard, char *bytes) {
  uint32_t i;

  for (i = 0; i < guard->field_count; i++) {
    pool__field_t *field = &guard->fields[i];
    size_t name_len = field->span.name_len;
    size_t value_len = field->span.value_len;
    char *name = bytes + field->span.name;
    char *value = bytes + field->span.value;

    name[name_len] = '\0';
    value[value_len] = '\0';
    field->header.name = name;
    field->header.value = value;
    field->header.name_len = name_len;
    field->header.value_len = value_len;
  }
}
