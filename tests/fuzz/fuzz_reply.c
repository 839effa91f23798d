/* Fuzzes the reading of answers.
 *
 * Two bytes of settings, then the bytes of a connection. They are fed whole,
 * byte by byte, and in pieces that depend on the input; the verdict, the
 * status, the fields and the body have to be the same each time, and all
 * within the limits. Bytes behind an answer count as ending its connection
 * whether they come in the same piece or later.
 *
 * A line that is wrong may be refused at its first wrong byte or at its end,
 * as the pieces fall; so a line that is not whole is ended by us. For the same
 * reason one that is too long as well may be refused for either. */
#include "fuzz.h"
#include "reply.h"

#define FLAG_TO_HEAD 1u
#define FLAG_EOF     2u
#define FLAG_SMALL   4u /* small limits */

#define LINE_ENDS 16u /* enough to end a status line, short as it may be */

typedef struct {
  int verdict;
  int status;
  int reuse;
  size_t header_count;
  size_t body_len;
  uint64_t digest; /* of fields and body */
} outcome_t;

typedef struct {
  unsigned flags;
  uint32_t seed;
  size_t max_head;
  size_t max_body;
} settings_t;

static uint64_t digest(uint64_t sum, const char *bytes, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
  return (sum ^ len) * 1099511628211u;
}

static int in_section(const pool__reply_t *reply) {
  return reply->stage == POOL__REPLY_HEAD ||
         reply->stage == POOL__REPLY_TRAILERS;
}

static int is_refusal(int verdict) {
  return verdict == POOL_EPARSE || verdict == POOL_ETOOLARGE;
}

/* The next piece's length: all, one byte, or something. */
static size_t step(unsigned mode, uint32_t *seed, size_t left) {
  size_t len;

  if (mode == 0)
    return left;
  if (mode == 1)
    return 1;
  *seed = *seed * 1664525u + 1013904223u;
  len = 1 + (*seed >> 16) % (mode == 2 ? 7 : 97);
  return len < left ? len : left;
}

static int feed(pool__reply_t *reply, const uint8_t *bytes, size_t len) {
  char *piece = malloc(len);
  int rc;

  FUZZ_CHECK(piece != NULL);
  memcpy(piece, bytes, len);
  rc = pool__reply_feed(reply, piece, len);
  free(piece);
  return rc;
}

static void tell(const pool__reply_t *reply, const settings_t *settings,
                 outcome_t *outcome) {
  pool_result_t result;
  size_t i;

  memset(&result, 0, sizeof result);
  pool__reply_tell(reply, &result);
  FUZZ_CHECK(result.status >= 200 && result.status <= 999);
  FUZZ_CHECK(result.body_len <= settings->max_body);
  FUZZ_CHECK(result.body != NULL && result.body[result.body_len] == '\0');
  FUZZ_CHECK(result.header_count <= POOL__GUARD_FIELDS);
  outcome->status = result.status;
  outcome->header_count = result.header_count;
  outcome->body_len = result.body_len;
  for (i = 0; i < result.header_count; i++) {
    const pool_header_t *h = &result.headers[i];

    FUZZ_CHECK(h->name_len > 0 && h->name[h->name_len] == '\0');
    FUZZ_CHECK(strlen(h->name) == h->name_len);
    FUZZ_CHECK(strlen(h->value) == h->value_len);
    outcome->digest = digest(outcome->digest, h->name, h->name_len);
    outcome->digest = digest(outcome->digest, h->value, h->value_len);
  }
  outcome->digest = digest(outcome->digest, result.body, result.body_len);
}

static void run_reply(pool__reply_t *reply, const settings_t *settings,
                      unsigned mode, const uint8_t *data, size_t size,
                      outcome_t *outcome) {
  uint32_t seed = settings->seed;
  size_t at = 0;
  unsigned i;
  int rc = 0;

  while (at < size && rc == 0) {
    size_t len = step(mode, &seed, size - at);

    rc = feed(reply, data + at, len);
    at += len;
  }
  for (i = 0; i < LINE_ENDS && rc == 0 && in_section(reply); i++)
    rc = feed(reply, (const uint8_t *)"\n", 1);
  if (rc == 0 && (settings->flags & FLAG_EOF) != 0)
    rc = pool__reply_finish(reply);
  FUZZ_CHECK(rc == 0 || rc == 1 || rc == POOL_EPARSE || rc == POOL_ETOOLARGE ||
             rc == POOL_EHANGUP);
  outcome->verdict = rc;
  if (rc != 1)
    return;
  tell(reply, settings, outcome);
  outcome->reuse = pool__reply_keeps_alive(reply) && at == size;
}

static outcome_t run(const settings_t *settings, unsigned mode,
                     const uint8_t *data, size_t size) {
  static const pool_allocator_t standard;
  pool__reply_stash_t stash;
  pool__mem_t mem;
  pool__reply_t *reply;
  outcome_t outcome;

  memset(&outcome, 0, sizeof outcome);
  pool__mem_init(&mem, &standard);
  pool__reply_stash_init(&stash, &mem, settings->max_head, settings->max_body);
  reply = pool__reply_take(&stash, (settings->flags & FLAG_TO_HEAD) != 0);
  FUZZ_CHECK(reply != NULL);
  run_reply(reply, settings, mode, data, size, &outcome);
  FUZZ_CHECK(mem.bytes <= sizeof *reply + 2 * (settings->max_head + 1) +
                              settings->max_body + 1 +
                              2 * POOL__GUARD_FIELDS * sizeof(pool__field_t));
  pool__reply_give(reply);
  pool__reply_stash_clear(&stash);
  FUZZ_CHECK(mem.bytes == 0);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  settings_t settings;
  outcome_t whole;
  unsigned mode;

  if (size < 2)
    return 0;
  settings.flags = data[0];
  settings.seed = data[1];
  settings.max_head = (data[0] & FLAG_SMALL) != 0 ? 256 : 4096;
  settings.max_body = (data[0] & FLAG_SMALL) != 0 ? 16 : 4096;
  data += 2;
  size -= 2;
  whole = run(&settings, 0, data, size);
  for (mode = 1; mode <= 3; mode++) {
    outcome_t other = run(&settings, mode, data, size);

    FUZZ_CHECK(other.verdict == whole.verdict ||
               (is_refusal(other.verdict) && is_refusal(whole.verdict)));
    FUZZ_CHECK(other.status == whole.status);
    FUZZ_CHECK(other.header_count == whole.header_count);
    FUZZ_CHECK(other.body_len == whole.body_len);
    FUZZ_CHECK(other.digest == whole.digest);
    FUZZ_CHECK(other.reuse == whole.reuse);
  }
  return 0;
}
