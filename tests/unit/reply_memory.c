/* The memory of replies, and their reuse. */
#include "unit_test.h"
#include "unit_reply.h"

#include <stdio.h>

#define SL UNIT_SL
#define TE UNIT_TE

typedef struct {
  unit_mem_t unit;
  pool__mem_t mem;
  pool__reply_stash_t stash;
} fixture_t;

static void begin(fixture_t *f, size_t max_head, size_t max_body) {
  unit_mem_init(&f->unit, &f->mem);
  pool__reply_stash_init(&f->stash, &f->mem, max_head, max_body);
}

static void end(fixture_t *f) {
  pool__reply_stash_clear(&f->stash);
  unit_mem_check(&f->unit, &f->mem);
}

/* An answer with 200 fields, 20000 bytes of body and 200 trailers. */
static char *long_answer(size_t *len) {
  char *bytes = malloc(100000);
  char *at = bytes;
  int i;

  assert_non_null(bytes);
  at += sprintf(at, "HTTP/1.1 103 X\r\nLink: a\r\n\r\n" SL TE);
  for (i = 0; i < 200; i++)
    at += sprintf(at, "X-Field-%d: some value\r\n", i);
  at += sprintf(at, "\r\n");
  for (i = 0; i < 20; i++)
    at += sprintf(at, "3e8\r\n%01000d\r\n", i);
  at += sprintf(at, "0\r\n");
  for (i = 0; i < 200; i++)
    at += sprintf(at, "X-Trailer-%d: some value\r\n", i);
  at += sprintf(at, "\r\n");
  *len = (size_t)(at - bytes);
  return bytes;
}

/* Feeds in pieces; UV_ENOMEM also when there is no reply to begin with. */
static int try_answer(fixture_t *f, const char *bytes, size_t len,
                      size_t step) {
  pool__reply_t *reply = pool__reply_take(&f->stash, 0);
  int verdict = 0;
  size_t at = 0;

  if (reply == NULL)
    return UV_ENOMEM;
  while (verdict == 0 && at < len) {
    size_t n = len - at < step ? len - at : step;

    verdict = pool__reply_feed(reply, bytes + at, n);
    at += n;
  }
  pool__reply_give(reply);
  return verdict;
}

static void whichever_allocation_fails_it_is_enomem(void **state) {
  static const size_t steps[] = {100000, 1460, 61};
  size_t len, i;
  char *bytes = long_answer(&len);

  (void)state;
  for (i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    uint64_t n;
    int verdict = UV_ENOMEM;

    for (n = 1; verdict != 1; n++) {
      fixture_t f;

      begin(&f, 65536, 65536);
      f.unit.fail_at = n;
      verdict = try_answer(&f, bytes, len, steps[i]);
      assert_true(verdict == UV_ENOMEM || f.unit.calls < n);
      f.unit.fail_at = 0;
      assert_int_equal(f.stash.lent, 0);
      assert_int_equal(try_answer(&f, bytes, len, steps[i]), 1);
      end(&f);
      assert_true(n < 1000);
    }
    assert_true(n > 10);
  }
  free(bytes);
}

static void a_warm_reply_allocates_nothing(void **state) {
  static const char bytes[] =
      SL TE "A: b\r\n\r\n5\r\nhello\r\n0\r\nC: d\r\n\r\n";
  fixture_t f;
  uint64_t calls;

  (void)state;
  begin(&f, 8192, 8192);
  assert_int_equal(try_answer(&f, bytes, sizeof bytes - 1, 7), 1);
  calls = f.unit.calls;
  assert_int_equal(try_answer(&f, bytes, sizeof bytes - 1, 7), 1);
  assert_int_equal(try_answer(&f, bytes, sizeof bytes - 1, 1000), 1);
  assert_int_equal(try_answer(&f, bytes, 20, 1), 0);
  assert_int_equal(f.unit.calls, calls);
  end(&f);
}

static void the_stash_keeps_so_many_replies_and_no_more(void **state) {
  pool__reply_t *replies[POOL__REPLY_KEPT + 5];
  fixture_t f;
  uint64_t out;
  size_t i;

  (void)state;
  begin(&f, 8192, 8192);
  for (i = 0; i < POOL__REPLY_KEPT + 5; i++) {
    replies[i] = pool__reply_take(&f.stash, 0);
    assert_non_null(replies[i]);
    assert_int_equal(f.stash.lent, i + 1);
  }
  out = f.unit.blocks;
  for (i = 0; i < POOL__REPLY_KEPT + 5; i++)
    pool__reply_give(replies[i]);
  assert_int_equal(f.stash.lent, 0);
  assert_int_equal(f.stash.spare.length, POOL__REPLY_KEPT);
  assert_int_equal(f.unit.blocks,
                   out / (POOL__REPLY_KEPT + 5) * POOL__REPLY_KEPT);
  pool__reply_give(NULL);
  end(&f);
}

static void a_spare_reply_keeps_little_memory(void **state) {
  size_t len;
  char *bytes = long_answer(&len);
  fixture_t f;

  (void)state;
  begin(&f, 65536, 65536);
  assert_int_equal(try_answer(&f, bytes, len, len), 1);
  assert_true(f.unit.bytes <=
              3 * POOL__REPLY_KEEP_BYTES +
                  2 * POOL__GUARD_FIELDS * sizeof(pool__field_t) +
                  sizeof(pool__reply_t));
  free(bytes);
  end(&f);
}

/* Answers that leave as much as they can in the reply, or leave it halfway. */
static const char *const soiling[] = {
    "HTTP/1.0 418 X\r\nA: b\r\nConnection: close\r\n\r\nuntil the end",
    SL "Connection: close\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n"
       "\r\nhi and more",
    SL TE "\r\n5\r\nhello\r\n0\r\nConnection: close\r\nA: b\r\n\r\nX",
    SL TE "\r\n5\r\nhello\r\n0\r\nConnection: close\r\nA",
    SL TE "\r\n5\r\nhello\r\n0\r\nA\x01",
    SL TE "\r\n5\r\nhel",
    SL TE "\r\nffffffffffff\r\n",
    "HTTP/1.1 100 X\r\nKeep-Alive: timeout=0\r\n\r\n",
    "HTTP/1.1 100 X\r\nConnection: close\r\nA: b\r\nC",
    "HTTP/1.1 101 X\r\n\r\n",
    SL "Content-Length: 5\r\n\r\nhel",
    SL "Content-Length: 99999999\r\n\r\n",
    SL "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    SL "A: b\r\nC",
    "HTTP/1.1 2",
    "SSH-2.0",
};

static void expect_plain(fixture_t *f, const char *bytes, int status,
                         const char *body) {
  pool__reply_t *reply = pool__reply_take(&f->stash, 0);
  unit_reply_outcome_t o =
      unit_reply_feed(reply, bytes, strlen(bytes), NULL, 0, 0);
  pool_result_t result;

  memset(&result, 0, sizeof result);
  assert_int_equal(o.verdict, 1);
  assert_int_equal(o.fate, UNIT_REUSE);
  pool__reply_tell(reply, &result);
  assert_int_equal(result.status, status);
  assert_int_equal(result.header_count, 1);
  assert_int_equal(result.body_len, strlen(body));
  assert_string_equal(result.body, body);
  assert_int_equal(reply->guard.keep_alive_ms, POOL_OFF);
  pool__reply_give(reply);
}

static void a_reused_reply_shows_nothing_of_what_was(void **state) {
  size_t i;
  int to_head;

  (void)state;
  for (i = 0; i < sizeof soiling / sizeof soiling[0]; i++)
    for (to_head = 0; to_head < 2; to_head++) {
      fixture_t f;
      pool__reply_t *reply;

      begin(&f, 8192, 8192);
      reply = pool__reply_take(&f.stash, to_head);
      unit_reply_feed(reply, soiling[i], strlen(soiling[i]), NULL, 0, UNIT_EOF);
      pool__reply_give(reply);
      expect_plain(&f, "HTTP/1.1 204 X\r\nA: b\r\n\r\n", 204, "");
      expect_plain(&f, SL "Content-Length: 0\r\n\r\n", 200, "");
      expect_plain(&f, SL TE "\r\n1\r\nx\r\n0\r\n\r\n", 200, "x");
      expect_plain(&f, SL "Content-Length: 2\r\n\r\nyo", 200, "yo");
      assert_int_equal(f.stash.spare.length, 1);
      end(&f);
    }
}

static void a_head_is_there_once_it_is_whole(void **state) {
  static const char bytes[] = "HTTP/1.1 100 X\r\n\r\n" SL TE "\r\n1";
  size_t head = strlen("HTTP/1.1 100 X\r\n\r\n" SL TE "\r\n");
  pool__reply_t *reply;
  fixture_t f;
  size_t i;

  (void)state;
  begin(&f, 8192, 8192);
  reply = pool__reply_take(&f.stash, 0);
  for (i = 0; i < sizeof bytes - 1; i++) {
    assert_int_equal(pool__reply_feed(reply, bytes + i, 1), 0);
    assert_int_equal(pool__reply_has_head(reply), i + 1 >= head);
  }
  pool__reply_give(reply);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whichever_allocation_fails_it_is_enomem),
      cmocka_unit_test(a_warm_reply_allocates_nothing),
      cmocka_unit_test(the_stash_keeps_so_many_replies_and_no_more),
      cmocka_unit_test(a_spare_reply_keeps_little_memory),
      cmocka_unit_test(a_reused_reply_shows_nothing_of_what_was),
      cmocka_unit_test(a_head_is_there_once_it_is_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
