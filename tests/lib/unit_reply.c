#include "unit_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit_mem.h"

static uint64_t digest_of(uint64_t digest, const char *bytes, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    digest = (digest ^ (unsigned char)bytes[i]) * 1099511628211u;
  return (digest ^ len) * 1099511628211u;
}

/* Also reads every byte that a user may read. */
static void look_at(const pool__reply_t *reply, unit_reply_outcome_t *outcome) {
  pool_result_t result;
  size_t i;

  memset(&result, 0, sizeof result);
  pool__reply_tell(reply, &result);
  outcome->status = result.status;
  outcome->header_count = result.header_count;
  outcome->body_len = result.body_len;
  outcome->digest = digest_of(0, result.body, result.body_len + 1);
  for (i = 0; i < result.header_count; i++) {
    const pool_header_t *header = &result.headers[i];

    outcome->digest =
        digest_of(outcome->digest, header->name, header->name_len + 1);
    outcome->digest =
        digest_of(outcome->digest, header->value, header->value_len + 1);
    if (header->name[header->name_len] != '\0' ||
        header->value[header->value_len] != '\0')
      outcome->status = -1;
  }
  if (result.body[result.body_len] != '\0')
    outcome->status = -1;
}

static int feed_copy(pool__reply_t *reply, const char *bytes, size_t len) {
  char *copy = malloc(len);
  int verdict;

  assert_non_null(copy);
  memcpy(copy, bytes, len);
  verdict = pool__reply_feed(reply, copy, len);
  memset(copy, 0xdd, len);
  free(copy);
  return verdict;
}

unit_reply_outcome_t unit_reply_feed(pool__reply_t *reply, const char *bytes,
                                     size_t len, const size_t *cuts,
                                     size_t cut_count, unsigned flags) {
  unit_reply_outcome_t outcome;
  size_t at = 0;
  size_t cut = 0;

  memset(&outcome, 0, sizeof outcome);
  while (at < len && outcome.verdict == 0) {
    size_t end = cut < cut_count ? cuts[cut++] : len;

    if (end > at)
      outcome.verdict = feed_copy(reply, bytes + at, end - at);
    at = end;
  }
  if (outcome.verdict == 0 && (flags & UNIT_EOF) != 0)
    outcome.verdict = pool__reply_finish(reply);
  if (outcome.verdict == 1) {
    look_at(reply, &outcome);
    outcome.fate =
        at == len && pool__reply_keeps_alive(reply) ? UNIT_REUSE : UNIT_CLOSE;
  }
  return outcome;
}

unit_reply_outcome_t unit_reply_run(const char *bytes, size_t len, size_t step,
                                    unsigned flags, size_t max_head,
                                    size_t max_body) {
  size_t cut_count = len == 0 ? 0 : (len - 1) / step;
  size_t *cuts = calloc(cut_count + 1, sizeof *cuts);
  unit_reply_outcome_t outcome;
  pool__reply_stash_t stash;
  pool__reply_t *reply;
  pool__mem_t mem;
  unit_mem_t unit;
  size_t i;

  assert_non_null(cuts);
  for (i = 0; i < cut_count; i++)
    cuts[i] = (i + 1) * step;
  unit_mem_init(&unit, &mem);
  pool__reply_stash_init(&stash, &mem, max_head, max_body);
  reply = pool__reply_take(&stash, (flags & UNIT_TO_HEAD) != 0);
  assert_non_null(reply);
  outcome = unit_reply_feed(reply, bytes, len, cuts, cut_count, flags);
  pool__reply_give(reply);
  pool__reply_stash_clear(&stash);
  unit_mem_check(&unit, &mem);
  free(cuts);
  return outcome;
}

static int differs(const unit_reply_case_t *c, const unit_reply_outcome_t *o,
                   const unit_reply_outcome_t *whole) {
  if (o->verdict != c->verdict)
    return 1;
  if (c->verdict != 1)
    return 0;
  if (o->status != (c->status == 0 ? 200 : c->status) ||
      o->body_len != strlen(c->body) || o->digest != whole->digest ||
      o->header_count != whole->header_count)
    return 1;
  return c->fate == UNIT_EITHER ? o->fate != whole->fate : o->fate != c->fate;
}

/* 0: whole; up to len - 1: in two; len: byte by byte. */
static unit_reply_outcome_t run_way(pool__reply_stash_t *stash,
                                    const unit_reply_case_t *c, size_t way) {
  pool__reply_t *reply =
      pool__reply_take(stash, (c->flags & UNIT_TO_HEAD) != 0);
  size_t cuts[1024];
  size_t cut_count = way == 0 ? 0 : 1;
  unit_reply_outcome_t outcome;

  assert_non_null(reply);
  assert_true(c->len <= sizeof cuts / sizeof cuts[0]);
  cuts[0] = way;
  if (way == c->len)
    for (cut_count = 0; cut_count + 1 < c->len; cut_count++)
      cuts[cut_count] = cut_count + 1;
  outcome = unit_reply_feed(reply, c->bytes, c->len, cuts, cut_count, c->flags);
  pool__reply_give(reply);
  return outcome;
}

static int body_differs(const unit_reply_case_t *c,
                        pool__reply_stash_t *stash) {
  pool__reply_t *reply =
      pool__reply_take(stash, (c->flags & UNIT_TO_HEAD) != 0);
  unit_reply_outcome_t outcome;
  pool_result_t result;
  int differ = 0;

  assert_non_null(reply);
  outcome = unit_reply_feed(reply, c->bytes, c->len, NULL, 0, c->flags);
  if (outcome.verdict == 1 && c->verdict == 1) {
    memset(&result, 0, sizeof result);
    pool__reply_tell(reply, &result);
    differ = strcmp(result.body, c->body) != 0;
  }
  pool__reply_give(reply);
  return differ;
}

static int run_case(const unit_reply_case_t *c, pool__reply_stash_t *stash) {
  unit_reply_outcome_t whole = run_way(stash, c, 0);
  size_t way;

  if (body_differs(c, stash)) {
    print_error("%s: another body\n", c->name);
    return 1;
  }
  for (way = 0; way <= c->len; way++) {
    unit_reply_outcome_t o = run_way(stash, c, way);

    if (!differs(c, &o, &whole))
      continue;
    print_error("%s, %s %u: verdict %s (%d), status %d, %u bytes, %s\n",
                c->name, way == c->len ? "bytewise" : "split at", (unsigned)way,
                pool_err_name(o.verdict), o.verdict, o.status,
                (unsigned)o.body_len, o.fate == UNIT_REUSE ? "reuse" : "close");
    return 1;
  }
  return 0;
}

void unit_reply_check(const unit_reply_case_t *cases, size_t count) {
  pool__reply_stash_t stash;
  pool__mem_t mem;
  unit_mem_t unit;
  int failed = 0;
  size_t i;

  unit_mem_init(&unit, &mem);
  pool__reply_stash_init(&stash, &mem, UNIT_MAX_HEAD, UNIT_MAX_BODY);
  for (i = 0; i < count; i++)
    failed += run_case(&cases[i], &stash);
  pool__reply_stash_clear(&stash);
  unit_mem_check(&unit, &mem);
  assert_int_equal(failed, 0);
}
