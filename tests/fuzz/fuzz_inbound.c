/* Fuzzes what the gateway makes of its clients' bytes.
 *
 * The first byte says into pieces of which size the others are cut. Cut or
 * whole, the same has to come of them: the same requests, fields, bodies, and
 * the same refusal at the same place; but of what is both wrong and too large
 * either may be said. And whatever a request says, nothing of its framing is
 * passed on, one Host at most, and the library either refuses it or writes one
 * request. */
#include "fields.h"
#include "fuzz.h"
#include "head.h"
#include "inbound.h"

#define LOG_MAX 0x40000u

typedef struct {
  char bytes[LOG_MAX];
  size_t len;
} log_t;

static log_t whole, cut;
static stash_t heads = {NULL, sizeof(inbound_head_t), 0, 0}; /* keeps none */

static void note(log_t *log, const void *bytes, size_t len) {
  if (len > LOG_MAX - log->len)
    len = LOG_MAX - log->len;
  memcpy(log->bytes + log->len, bytes, len);
  log->len += len;
}

static void *grow(void *ctx, void *memory, size_t size) {
  (void)ctx;
  return realloc(memory, size);
}

static void let_go(void *ctx, void *memory) {
  (void)ctx;
  free(memory);
}

/* Of a target in absolute-form the server is what Host says, and that alone. */
static void check_host(const fields_t *fields, const char *authority) {
  size_t hosts = 0;
  size_t i;

  for (i = 0; i < fields->count; i++)
    hosts += strcasecmp(fields->list[i].name, "host") == 0;
  FUZZ_CHECK(hosts <= 1);
  if (authority == NULL)
    return;
  FUZZ_CHECK(hosts == 1 && fields->list[0].value == authority);
  FUZZ_CHECK(*authority != '\0' && strpbrk(authority, "@/?# ") == NULL);
}

static void check_fields(const inbound_t *in) {
  static const char *const never[] = {"connection", "transfer-encoding",
                                      "upgrade",    "te",
                                      "keep-alive", "expect"};
  pool_allocator_t allocator = {NULL, grow, let_go};
  pool_request_t request = {0};
  fields_t fields;
  pool__mem_t mem;
  pool__head_t head = {0};
  size_t i, n;

  if (fields_for_server(&fields, in, "127.0.0.1") != 0)
    return;
  for (i = 0; i < fields.count; i++)
    for (n = 0; n < sizeof never / sizeof never[0]; n++)
      FUZZ_CHECK(strcasecmp(fields.list[i].name, never[n]) != 0);
  check_host(&fields, in->target.authority);
  request.method = inbound_method(in);
  request.path = inbound_path(in);
  request.headers = fields.list;
  request.header_count = fields.count;
  request.flags = in->has_body ? POOL_STREAM : 0;
  pool__mem_init(&mem, &allocator);
  pool__head_init(&head, &mem);
  if (pool__head_write(&head, &request, 65536) == 0)
    FUZZ_CHECK(head.line_len + head.fields_len <= 65536);
  pool__head_clear(&head);
  FUZZ_CHECK(mem.bytes == 0);
}

static void note_head(log_t *log, const inbound_t *in) {
  uint32_t i;

  note(log, "HEAD", 4);
  note(log, inbound_method(in), strlen(inbound_method(in)));
  note(log, inbound_path(in), strlen(inbound_path(in)) + 1);
  FUZZ_CHECK(inbound_path(in)[0] == '/' || inbound_path(in)[0] == '*');
  for (i = 0; i < in->field_count; i++) {
    const inbound_field_t *field = &in->head->fields[i];

    FUZZ_CHECK(strlen(inbound_name(in, i)) == field->name_len);
    FUZZ_CHECK(strlen(inbound_value(in, i)) == field->value_len);
    note(log, inbound_name(in, i), field->name_len + 1u);
    note(log, inbound_value(in, i), field->value_len + 1u);
  }
  if (in->target.authority != NULL)
    note(log, in->target.authority, strlen(in->target.authority) + 1);
  note(log, &in->has_body, 1);
  note(log, &in->expects, 1);
  note(log, &in->keeps_alive, 1);
  check_fields(in);
}

static void note_event(log_t *log, const inbound_t *in, inbound_event_t event) {
  if (event == INBOUND_HEAD)
    note_head(log, in);
  else if (event == INBOUND_BODY)
    note(log, in->piece, in->piece_len);
  else if (event == INBOUND_END)
    note(log, "END", 3);
}

static void note_refusal(log_t *log, int status) {
  if (status == 414 || status == 431)
    status = 400;
  note(log, &status, sizeof status);
}

/* 0 once it is refused. */
static int feed(log_t *log, inbound_t *in, const char *bytes, size_t len) {
  inbound_event_t event;
  uint32_t events = 0;
  size_t took;

  do {
    event = inbound_feed(in, bytes, len, &took);
    FUZZ_CHECK(took <= len && events++ < 100000);
    FUZZ_CHECK(event != INBOUND_MORE || took == len);
    note_event(log, in, event);
    bytes += took;
    len -= took;
  } while (event != INBOUND_MORE && event != INBOUND_BAD);
  if (event == INBOUND_BAD)
    note_refusal(log, in->status);
  return event != INBOUND_BAD;
}

static void run(log_t *log, const uint8_t *data, size_t size, size_t piece) {
  inbound_t in;
  size_t at = 0;

  log->len = 0;
  inbound_init(&in, &heads);
  while (at < size) {
    size_t len = size - at < piece ? size - at : piece;
    char *bytes = malloc(len); /* so that reading beyond it is seen */
    int goes_on;

    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, data + at, len);
    goes_on = feed(log, &in, bytes, len);
    free(bytes);
    at = goes_on ? at + len : size;
  }
  inbound_clear(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  run(&whole, data + 1, size - 1, size);
  run(&cut, data + 1, size - 1, data[0] % 32 + 1u);
  FUZZ_CHECK(whole.len == cut.len &&
             memcmp(whole.bytes, cut.bytes, whole.len) == 0);
  return 0;
}
