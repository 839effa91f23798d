/* Thousands of spoilt answers: whatever the verdict on one is, it must not
 * depend on how its bytes were cut. The numbers are random, the seed is not. */
#include "unit_test.h"
#include "unit_reply.h"

#define ROUNDS 12000
#define SL     UNIT_SL
#define TE     UNIT_TE

static uint32_t random_of(uint64_t *seed, uint32_t below) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 33) % below;
}

static const char *const good[] = {
    SL "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
    SL TE "Connection: close\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\n"
          "X-T: v\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 100 Continue\r\nLink: a\r\n\r\nHTTP/1.0 404 Not Found\r\n"
    "Connection: keep-alive\r\nKeep-Alive: timeout=5, max=3\r\n"
    "Content-Length: 3\r\n\r\nabc",
    "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 304 X\r\nContent-Length: 5\r\nUpgrade: h2c\r\n"
    "Connection: upgrade\r\n\r\n",
    SL "Server: x\r\nSet-Cookie: a=b; c\r\nProxy-Connection: close\r\n\r\nbody",
};

/* What is put in: pieces that mean something somewhere. */
static const char *const pieces[] = {"\r\n",
                                     "\n",
                                     "\r",
                                     " ",
                                     "\t",
                                     ":",
                                     ",",
                                     ";",
                                     "0",
                                     "5",
                                     "1",
                                     "close",
                                     "keep-alive",
                                     "chunked",
                                     "Content-Length: 5\r\n",
                                     "Transfer-Encoding: chunked\r\n",
                                     "Connection: close\r\n",
                                     "\r\n\r\n",
                                     "HTTP/1.1 200 OK\r\n",
                                     "HTTP/1.1 101 X\r\n\r\n",
                                     "0\r\n\r\n",
                                     "ffff",
                                     "00000000000000000000",
                                     "99999999999999999999",
                                     "\x7f",
                                     "\xff",
                                     "\x01",
                                     "Upgrade: x\r\n",
                                     "HTTP/1.1 100 X\r\n\r\n",
                                     "5\r\nhello\r\n"};

static size_t spoil(char *bytes, size_t len, uint64_t *seed) {
  size_t at = random_of(seed, (uint32_t)len + 1);
  const char *piece = pieces[random_of(seed, sizeof pieces / sizeof pieces[0])];
  size_t count = random_of(seed, 8);

  switch (random_of(seed, 4)) {
  case 0: /* one byte becomes another */
    if (at < len)
      bytes[at] = (char)random_of(seed, 256);
    return len;
  case 1: /* some go */
    count = count > len - at ? len - at : count;
    memmove(bytes + at, bytes + at + count, len - at - count);
    return len - count;
  case 2: /* the end goes */
    return random_of(seed, 4) == 0 ? at : len;
  default: /* a piece comes */
    memmove(bytes + at + strlen(piece), bytes + at, len - at);
    memcpy(bytes + at, piece, strlen(piece));
    return len + strlen(piece);
  }
}

/* Which of two errors comes first may differ: bytes far ahead of the first bad
 * one are looked at when they are there. */
static int same(const unit_reply_outcome_t *a, const unit_reply_outcome_t *b) {
  if (a->verdict < 0 && b->verdict < 0)
    return a->verdict == b->verdict || a->verdict == POOL_ETOOLARGE ||
           b->verdict == POOL_ETOOLARGE;
  return a->verdict == b->verdict && a->status == b->status &&
         a->digest == b->digest && a->fate == b->fate;
}

static void show(const char *bytes, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    print_error(bytes[i] >= 0x20 && bytes[i] < 0x7f ? "%c" : "\\x%02x",
                (unsigned char)bytes[i]);
  print_error("\n");
}

static unit_reply_outcome_t feed_some_way(pool__reply_stash_t *stash,
                                          const char *bytes, size_t len,
                                          size_t step, unsigned flags) {
  pool__reply_t *reply = pool__reply_take(stash, (flags & UNIT_TO_HEAD) != 0);
  size_t cuts[1024];
  size_t count = 0;
  size_t at;
  unit_reply_outcome_t o;

  assert_non_null(reply);
  for (at = step; at < len && count < 1024; at += step)
    cuts[count++] = at;
  o = unit_reply_feed(reply, bytes, len, cuts, count, flags);
  pool__reply_give(reply);
  return o;
}

static void the_verdict_is_the_same_however_the_bytes_are_cut(void **state) {
  uint64_t seed = 20240607;
  pool__reply_stash_t stash;
  pool__mem_t mem;
  unit_mem_t unit;
  int bad = 0;
  int round;

  (void)state;
  unit_mem_init(&unit, &mem);
  pool__reply_stash_init(&stash, &mem, 400, 100);
  for (round = 0; round < ROUNDS && bad < 5; round++) {
    const char *from = good[random_of(&seed, sizeof good / sizeof good[0])];
    unsigned flags = random_of(&seed, 4) == 0 ? UNIT_TO_HEAD : 0;
    uint32_t times = 1 + random_of(&seed, 4);
    size_t len = strlen(from);
    unit_reply_outcome_t whole, bytewise, pieced;
    char bytes[1024];

    memcpy(bytes, from, len);
    while (times-- > 0 && len > 0)
      len = spoil(bytes, len, &seed);
    if (len == 0)
      continue;
    flags |= random_of(&seed, 2) == 0 ? UNIT_EOF : 0;
    whole = feed_some_way(&stash, bytes, len, len, flags);
    bytewise = feed_some_way(&stash, bytes, len, 1, flags);
    pieced = feed_some_way(&stash, bytes, len, 2 + random_of(&seed, 40), flags);
    if (same(&whole, &bytewise) && same(&whole, &pieced))
      continue;
    bad++;
    print_error("whole %d, bytewise %d, in pieces %d: ", whole.verdict,
                bytewise.verdict, pieced.verdict);
    show(bytes, len);
  }
  pool__reply_stash_clear(&stash);
  unit_mem_check(&unit, &mem);
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_verdict_is_the_same_however_the_bytes_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
