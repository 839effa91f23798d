#include "guard.h"

#include <assert.h>
#include <string.h>

#include "text.h"

#define KEEP_ALIVE_MARGIN_S 1u /* a request on its way takes time too */

static const char version_start[] = "HTTP/1.";
#define VERSION_LEN (sizeof version_start - 1)

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

static int make_room(pool__guard_t *guard) {
  uint32_t room = guard->field_room == 0 ? 16 : guard->field_room * 2;
  pool__field_t *fields;

  if (guard->field_count < guard->field_room)
    return 0;
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

/* RFC 9112 section 4, but for 1.0 and 1.1 only. */
static int judge_status_line(pool__guard_t *guard, const char *at, size_t len) {
  const char *code = at + VERSION_LEN + 2;

  if (len < VERSION_LEN + 5 || memcmp(at, version_start, VERSION_LEN) != 0)
    return POOL_EPARSE;
  if ((code[-2] != '0' && code[-2] != '1') || code[-1] != ' ')
    return POOL_EPARSE;
  if (code[0] == '0' || !is_digit(code[0]) || !is_digit(code[1]) ||
      !is_digit(code[2]))
    return POOL_EPARSE;
  if (len > VERSION_LEN + 5 && code[3] != ' ')
    return POOL_EPARSE;
  if (!pool__text_is_value(code + 3, len - VERSION_LEN - 5))
    return POOL_EPARSE;
  guard->minor = (uint8_t)(code[-2] - '0');
  guard->status = (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 +
                             (code[2] - '0'));
  return 0;
}

/* RFC 9110 8.6. A repeated field, or a list, is refused even when its values
 * agree, as the parser does. */
static int judge_length(pool__guard_t *guard, pool__text_t value) {
  if (guard->has_length ||
      pool__text_number(value.at, value.len, &guard->length) != 0)
    return POOL_EPARSE;
  guard->has_length = 1;
  return 0;
}

static void judge_coding(pool__guard_t *guard, pool__text_t value) {
  if (guard->has_coding)
    guard->coding_twice = 1;
  guard->has_coding = 1;
  guard->is_chunked = pool__text_is(value.at, value.len, "chunked") ? 1 : 0;
}

static void judge_connection(pool__guard_t *guard, pool__text_t value) {
  pool__text_t token;

  while (pool__text_next_element(&value, &token)) {
    if (pool__text_is(token.at, token.len, "close"))
      guard->says_close = 1;
    else if (pool__text_is(token.at, token.len, "keep-alive"))
      guard->says_keep = 1;
  }
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

static void judge_keep_alive(pool__guard_t *guard, pool__text_t value) {
  pool__text_t element;

  while (pool__text_next_element(&value, &element))
    judge_keep_alive_element(guard, element);
}

/* What a field means to us; most names differ in length from all of ours. */
static int judge_meaning(pool__guard_t *guard, pool__text_t name,
                         pool__text_t value) {
  switch (name.len) {
  case 10:
    if (pool__text_is(name.at, name.len, "connection"))
      judge_connection(guard, value);
    else if (pool__text_is(name.at, name.len, "keep-alive"))
      judge_keep_alive(guard, value);
    return 0;
  case 14:
    if (!guard->is_trailer &&
        pool__text_is(name.at, name.len, "content-length"))
      return judge_length(guard, value);
    return 0;
  case 17:
    if (!guard->is_trailer &&
        pool__text_is(name.at, name.len, "transfer-encoding"))
      judge_coding(guard, value);
    return 0;
  default:
    return 0;
  }
}

/* RFC 9112 section 5. */
static int judge_field_line(pool__guard_t *guard, const char *bytes,
                            const char *at, size_t len) {
  const char *colon = memchr(at, ':', len);
  pool__text_t name, value;
  pool__field_t *field;
  int err;

  if (colon == NULL)
    return POOL_EPARSE;
  name.at = at;
  name.len = (size_t)(colon - at);
  value = pool__text_trim(colon + 1, len - name.len - 1);
  if (!pool__text_is_token(name.at, name.len) ||
      !pool__text_is_value(value.at, value.len))
    return POOL_EPARSE;
  err = make_room(guard);
  if (err != 0)
    return err;
  field = &guard->fields[guard->field_count++];
  field->span.name = (uint32_t)(name.at - bytes);
  field->span.name_len = (uint32_t)name.len;
  field->span.value = (uint32_t)(value.at - bytes);
  field->span.value_len = (uint32_t)value.len;
  return judge_meaning(guard, name, value);
}

/* What can be known of a status line that is not whole: another protocol is
 * found out by its first bytes, not by a timer. */
static int judge_start(const char *bytes, size_t len) {
  size_t n = len < VERSION_LEN ? len : VERSION_LEN;

  return memcmp(bytes, version_start, n) == 0 ? 0 : POOL_EPARSE;
}

int64_t pool__guard_scan(pool__guard_t *guard, const char *bytes, size_t len) {
  assert(len < UINT32_MAX);
  for (;;) {
    const char *at = bytes + guard->line;
    const char *end = memchr(bytes + guard->looked, '\n', len - guard->looked);
    size_t line_len;
    int err;

    if (end == NULL)
      break;
    if (end == at || end[-1] != '\r')
      return POOL_EPARSE;
    line_len = (size_t)(end - 1 - at);
    guard->line = guard->looked = (uint32_t)(end + 1 - bytes);
    if (guard->status == 0 && !guard->is_trailer)
      err = judge_status_line(guard, at, line_len);
    else if (line_len == 0)
      return (int64_t)guard->line;
    else
      err = judge_field_line(guard, bytes, at, line_len);
    if (err != 0)
      return err;
  }
  guard->looked = (uint32_t)len;
  if (guard->status == 0 && !guard->is_trailer)
    return judge_start(bytes, len);
  return 0;
}

void pool__guard_finish(pool__guard_t *guard, char *bytes) {
  uint32_t i;

  for (i = 0; i < guard->field_count; i++) {
    pool__field_t field = guard->fields[i];
    pool_header_t *header = &guard->fields[i].header;

    header->name = bytes + field.span.name;
    header->value = bytes + field.span.value;
    header->name_len = field.span.name_len;
    header->value_len = field.span.value_len;
    bytes[field.span.name + field.span.name_len] = '\0';
    bytes[field.span.value + field.span.value_len] = '\0';
  }
}
