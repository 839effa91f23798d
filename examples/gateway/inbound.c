#include "inbound.h"

#include <string.h>
#include <strings.h>

static int refuse(inbound_t *in, int status) {
  if (in->status == 0)
    in->status = status;
  return HPE_USER;
}

static void let_go_of_head(inbound_t *in) {
  stash_give(in->heads, in->head);
  in->head = NULL;
}

/* Appends to the head; there is always room for a NUL behind it. */
static int put(inbound_t *in, const char *at, size_t len, int status) {
  if (in->head == NULL)
    in->head = stash_take(in->heads);
  if (in->head == NULL)
    return refuse(in, 503);
  if (len >= sizeof in->head->bytes - in->head_len)
    return refuse(in, status);
  memcpy(in->head->bytes + in->head_len, at, len);
  in->head_len += len;
  in->head->bytes[in->head_len] = '\0';
  return 0;
}

static int seal(inbound_t *in) {
  return put(in, "", 1, 431);
}

/* --- the head ------------------------------------------------------------- */

static int on_url(llhttp_t *parser, const char *at, size_t len) {
  inbound_t *in = parser->data;

  in->path_len += len;
  return put(in, at, len, 414);
}

static int end_url(inbound_t *in) {
  if (in->field_count > 0 || in->head_len > in->path_len)
    return 0; /* it has ended already */
  return seal(in);
}

/* Fields of trailers are read, and told to nobody. */
static int on_name(llhttp_t *parser, const char *at, size_t len) {
  inbound_t *in = parser->data;
  inbound_field_t *field;

  if (in->in_body)
    return 0;
  if (end_url(in) != 0)
    return HPE_USER;
  if (!in->in_field) {
    if (in->field_count == INBOUND_FIELDS)
      return refuse(in, 431);
    field = &in->head->fields[in->field_count++];
    memset(field, 0, sizeof *field);
    field->name = (uint16_t)in->head_len;
    in->in_field = 1;
  }
  field = &in->head->fields[in->field_count - 1];
  field->name_len = (uint16_t)(field->name_len + len);
  return put(in, at, len, 431);
}

/* Behind the name of the field that is open. */
static int begin_value(inbound_t *in) {
  if (in->in_value)
    return 0;
  if (seal(in) != 0)
    return HPE_USER;
  in->head->fields[in->field_count - 1].value = (uint16_t)in->head_len;
  in->in_value = 1;
  return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
  inbound_t *in = parser->data;
  inbound_field_t *field;

  if (in->in_body)
    return 0;
  if (begin_value(in) != 0)
    return HPE_USER;
  field = &in->head->fields[in->field_count - 1];
  field->value_len = (uint16_t)(field->value_len + len);
  return put(in, at, len, 431);
}

static int on_value_complete(llhttp_t *parser) {
  inbound_t *in = parser->data;

  if (in->in_body)
    return 0;
  if (begin_value(in) != 0 || seal(in) != 0)
    return HPE_USER;
  in->in_field = in->in_value = 0;
  return 0;
}

/* What the fields say together. */
typedef struct {
  uint32_t hosts, lengths, codings;
  int is_chunked;
} framing_t;

static void note_field(inbound_t *in, uint32_t i, framing_t *framing) {
  if (inbound_is(in, i, "host")) {
    framing->hosts++;
  } else if (inbound_is(in, i, "content-length")) {
    framing->lengths++;
  } else if (inbound_is(in, i, "transfer-encoding")) {
    framing->codings++;
    framing->is_chunked = strcasecmp(inbound_value(in, i), "chunked") == 0;
  } else if (inbound_is(in, i, "expect")) {
    in->expects = strcasecmp(inbound_value(in, i), "100-continue") == 0;
  }
}

/* The status of a refusal, or 0. */
static int judge(inbound_t *in) {
  const llhttp_t *parser = &in->parser;
  framing_t framing = {0};
  uint32_t i;

  if (parser->http_major != 1 || parser->http_minor > 1)
    return 505;
  in->is_http_1_0 = parser->http_minor == 0;
  in->expects = 0;
  for (i = 0; i < in->field_count; i++)
    note_field(in, i, &framing);
  if (framing.hosts > 1 || (framing.hosts == 0 && !in->is_http_1_0))
    return 400;
  if (framing.lengths > 1 || framing.codings > 1 ||
      (framing.codings > 0 && (framing.lengths > 0 || in->is_http_1_0)))
    return 400;
  if ((framing.codings > 0 && !framing.is_chunked) ||
      parser->method == HTTP_CONNECT)
    return 501;
  in->has_body =
      framing.is_chunked || (framing.lengths > 0 && parser->content_length > 0);
  return target_read(&in->target, in->head->bytes,
                     parser->method == HTTP_OPTIONS);
}

static int on_headers_complete(llhttp_t *parser) {
  inbound_t *in = parser->data;
  int status;

  if (end_url(in) != 0)
    return -1;
  in->in_body = 1;
  status = judge(in);
  if (status != 0) {
    refuse(in, status);
    return -1;
  }
  in->keeps_alive = llhttp_should_keep_alive(parser) ? 1 : 0;
  parser->upgrade = 0; /* we offer nothing else */
  in->event = INBOUND_HEAD;
  return HPE_PAUSED;
}

/* --- the body ------------------------------------------------------------- */

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  inbound_t *in = parser->data;

  in->piece = at;
  in->piece_len = len;
  return 0;
}

/* So that there is one piece at a time. */
static int on_chunk_header(llhttp_t *parser) {
  (void)parser;
  return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
  inbound_t *in = parser->data;

  in->event = INBOUND_END;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* For the next request. */
static void begin(inbound_t *in) {
  llhttp_init(&in->parser, HTTP_REQUEST, &settings);
  in->parser.data = in;
  in->head_len = in->path_len = 0;
  in->field_count = 0;
  in->event = INBOUND_MORE;
  in->piece_len = 0;
  in->status = 0;
  in->in_field = in->in_value = in->in_body = in->resumes = 0;
  in->line_ended = 0;
}

void inbound_init(inbound_t *in, stash_t *heads) {
  in->heads = heads;
  in->head = NULL;
  begin(in);
}

void inbound_clear(inbound_t *in) {
  let_go_of_head(in);
}

static inbound_event_t next_event(inbound_t *in) {
  inbound_event_t event = in->event;

  if (in->piece_len > 0)
    return INBOUND_BODY; /* what else there is comes with the next call */
  in->event = INBOUND_MORE;
  in->resumes = event == INBOUND_HEAD; /* it may be over with its head */
  if (event == INBOUND_END)
    begin(in);
  return event;
}

static int is_line_end(char c) {
  return c == '\r' || c == '\n';
}

/* How many bytes there are before a line of the head that begins with a blank,
 * which llhttp would take for more of the field before it (RFC 9112 5.2). */
static size_t before_fold(inbound_t *in, const char *bytes, size_t len) {
  const char *end = bytes + len;
  const char *at = bytes;

  if (len == 0)
    return 0;
  if (in->line_ended && (*at == ' ' || *at == '\t'))
    return 0;
  in->line_ended = end[-1] == '\n';
  if (in->head_len == 0) /* empty lines before a request (2.2) */
    while (at < end && is_line_end(*at))
      at++;
  while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
    if (++at < end && (*at == ' ' || *at == '\t'))
      return (size_t)(at - bytes);
    if (at < end && is_line_end(*at)) { /* the head is over */
      in->line_ended = 0;
      break;
    }
  }
  return len;
}

inbound_event_t inbound_feed(inbound_t *in, const char *bytes, size_t len,
                             size_t *took) {
  llhttp_errno_t err;
  size_t good;

  *took = 0;
  in->piece_len = 0;
  if (in->in_body || in->status != 0)
    let_go_of_head(in);
  if (in->status != 0)
    return INBOUND_BAD;
  if (in->event != INBOUND_MORE)
    return next_event(in);
  good = in->in_body ? len : before_fold(in, bytes, len);
  while ((*took < good || in->resumes) && in->event == INBOUND_MORE &&
         in->piece_len == 0) {
    in->resumes = 0;
    err = llhttp_execute(&in->parser, bytes + *took, good - *took);
    if (err == HPE_OK) {
      *took = good;
    } else if (err == HPE_PAUSED) {
      *took = (size_t)(llhttp_get_error_pos(&in->parser) - bytes);
      llhttp_resume(&in->parser);
    } else {
      refuse(in, 400); /* behind what was good */
      return in->piece_len > 0 ? INBOUND_BODY : INBOUND_BAD;
    }
  }
  if (*took == good && good < len && in->event == INBOUND_MORE &&
      in->piece_len == 0) {
    refuse(in, 400);
    return INBOUND_BAD;
  }
  return next_event(in);
}
