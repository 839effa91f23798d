/* Whether the connection may serve again (RFC 9112 section 9.3). */
#include "unit_test.h"
#include "unit_reply.h"

#define REST      "Content-Length: 1\r\n\r\nx"
#define V11(line) "HTTP/1.1 200 OK\r\n" line "\r\n" REST
#define V10(line) "HTTP/1.0 200 OK\r\n" line "\r\n" REST

static void close_closes(void **state) {
  static const unit_reply_case_t cases[] = {
      CLOSES("close", V11("Connection: close"), "x"),
      CLOSES("in any case", V11("cOnNeCtIoN: ClOsE"), "x"),
      CLOSES("a space behind", V11("Connection: close "), "x"),
      CLOSES("a tab behind", V11("Connection: close\t"), "x"),
      CLOSES("a tab before", V11("Connection:\tclose"), "x"),
      CLOSES("last of a list", V11("Connection: foo, close"), "x"),
      CLOSES("no space", V11("Connection: foo,close"), "x"),
      CLOSES("a space before the comma", V11("Connection: foo ,close"), "x"),
      CLOSES("first", V11("Connection: close, foo"), "x"),
      CLOSES("in the middle", V11("Connection: foo\t,\tclose\t,\tbar"), "x"),
      CLOSES("behind commas", V11("Connection: ,,close"), "x"),
      CLOSES("before a comma", V11("Connection: close,"), "x"),
      CLOSES("with keep-alive", V11("Connection: keep-alive, close"), "x"),
      CLOSES("before keep-alive", V11("Connection: close, keep-alive"), "x"),
      CLOSES("on a second line",
             V11("Connection: keep-alive\r\nConnection: close"), "x"),
      CLOSES("on the first line",
             V11("Connection: close\r\nConnection: keep-alive"), "x"),
      CLOSES("on a line apart", V11("Connection: close\r\nA: b\r\nC: d"), "x"),
      CLOSES("with upgrade", V11("Connection: upgrade, close\r\nUpgrade: x"),
             "x"),
      CLOSES("bytes behind it", V11("Connection: close") "more", "x"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void what_is_not_close_does_not(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("nothing", V11("A: b"), "x"),
      REUSES("keep-alive", V11("Connection: keep-alive"), "x"),
      REUSES("keep-alive and more", V11("Connection: keep-alive, foo"), "x"),
      REUSES("closed", V11("Connection: closed"), "x"),
      REUSES("xclose", V11("Connection: xclose"), "x"),
      REUSES("empty", V11("Connection:"), "x"),
      REUSES("a comma", V11("Connection: ,"), "x"),
      REUSES("another field", V11("X-Connection: close"), "x"),
      REUSES("ten letters", V11("Collection: close"), "x"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

/* Not the token, but to close is fine; whichever, it has to be the same
 * however the bytes come. */
static void
what_is_nearly_close_is_judged_the_same_way_each_time(void **state) {
#define NEARLY(n, b)                                                           \
  { UNIT_CASE(n, b, 1), .body = "x", .fate = UNIT_EITHER }
  static const unit_reply_case_t cases[] = {
      NEARLY("a parameter", V11("Connection: close; foo")),
      NEARLY("quoted", V11("Connection: \"close\"")),
      NEARLY("two words", V11("Connection: foo close")),
      NEARLY("two words, close first", V11("Connection: close foo")),
      NEARLY("of a proxy", V11("Proxy-Connection: close")),
      NEARLY("HTTP/1.0, a tab", V10("Connection: keep-alive\t")),
      NEARLY("HTTP/1.0, in a list", V10("Connection: foo, keep-alive")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void http_1_0_closes_unless_it_says_otherwise(void **state) {
  static const unit_reply_case_t cases[] = {
      CLOSES("nothing", V10("A: b"), "x"),
      CLOSES("close", V10("Connection: close"), "x"),
      CLOSES("both", V10("Connection: keep-alive, close"), "x"),
      CLOSES("both, close first", V10("Connection: close, keep-alive"), "x"),
      CLOSES("both, on two lines",
             V10("Connection: keep-alive\r\nConnection: close"), "x"),
      CLOSES("something else", V10("Connection: foo"), "x"),
      CLOSES("Keep-Alive alone", V10("Keep-Alive: timeout=5"), "x"),
      CLOSES("of a proxy", V10("Proxy-Connection: keep-alive"), "x"),
      CLOSES("another field", V10("X-Connection: keep-alive"), "x"),
      REUSES("keep-alive", V10("Connection: keep-alive"), "x"),
      REUSES("in any case", V10("CONNECTION: Keep-Alive"), "x"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void keep_alive_of_no_time_closes(void **state) {
  static const unit_reply_case_t cases[] = {
      CLOSES("0 s", V11("Keep-Alive: timeout=0"), "x"),
      CLOSES("1 s, as long as the margin", V11("Keep-Alive: timeout=1"), "x"),
      CLOSES("in a list", V11("Keep-Alive: max=5, timeout=0"), "x"),
      CLOSES("spaces", V11("Keep-Alive: timeout = 0"), "x"),
      CLOSES("in any case", V11("keep-alive: TIMEOUT=0"), "x"),
      CLOSES("no request left", V11("Keep-Alive: timeout=5, max=0"), "x"),
      CLOSES("the second of two lines",
             V11("Keep-Alive: timeout=5\r\nKeep-Alive: timeout=0"), "x"),
      REUSES("2 s", V11("Keep-Alive: timeout=2"), "x"),
      REUSES("one request left", V11("Keep-Alive: max=1"), "x"),
      REUSES("a number too large",
             V11("Keep-Alive: timeout=99999999999999999999"), "x"),
      REUSES("minus 1", V11("Keep-Alive: timeout=-1"), "x"),
      REUSES("no number", V11("Keep-Alive: timeout=abc"), "x"),
      REUSES("no value", V11("Keep-Alive: timeout="), "x"),
      REUSES("no equals sign", V11("Keep-Alive: timeout"), "x"),
      REUSES("no name", V11("Keep-Alive: =0"), "x"),
      REUSES("another name", V11("Keep-Alive: xtimeout=0"), "x"),
      REUSES("empty", V11("Keep-Alive:"), "x"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static uint32_t hint_of(const char *value) {
  pool__reply_stash_t stash;
  pool__reply_t *reply;
  pool__mem_t mem;
  unit_mem_t unit;
  char bytes[256];
  uint32_t hint;

  unit_mem_init(&unit, &mem);
  pool__reply_stash_init(&stash, &mem, 8192, 8192);
  reply = pool__reply_take(&stash, 0);
  strcpy(bytes, "HTTP/1.1 204 X\r\nKeep-Alive: ");
  strcat(strcat(bytes, value), "\r\n\r\n");
  assert_int_equal(pool__reply_feed(reply, bytes, strlen(bytes)), 1);
  hint = reply->guard.keep_alive_ms;
  pool__reply_give(reply);
  pool__reply_stash_clear(&stash);
  unit_mem_check(&unit, &mem);
  return hint;
}

static void the_keep_alive_hint_is_less_a_margin_and_cannot_overflow(void **s) {
  (void)s;
  assert_int_equal(hint_of("timeout=2"), 1000);
  assert_int_equal(hint_of("timeout=5"), 4000);
  assert_int_equal(hint_of("timeout=005"), 4000);
  assert_int_equal(hint_of("timeout=9, timeout=5"), 4000);
  assert_int_equal(hint_of("timeout=5, timeout=9"), 4000);
  assert_int_equal(hint_of("timeout=5, max=100"), 4000);
  assert_int_equal(hint_of("timeout=4294967"), 4294966000u);
  assert_int_equal(hint_of("timeout=4294968"), POOL_OFF);
  assert_int_equal(hint_of("timeout=4294969"), POOL_OFF);
  assert_int_equal(hint_of("timeout=18446744073709551615"), POOL_OFF);
  assert_int_equal(hint_of("timeout=18446744073709551616"), POOL_OFF);
  assert_int_equal(hint_of("timeout=5s"), POOL_OFF);
  assert_int_equal(hint_of("max=100"), POOL_OFF);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(close_closes),
      cmocka_unit_test(what_is_not_close_does_not),
      cmocka_unit_test(what_is_nearly_close_is_judged_the_same_way_each_time),
      cmocka_unit_test(http_1_0_closes_unless_it_says_otherwise),
      cmocka_unit_test(keep_alive_of_no_time_closes),
      cmocka_unit_test(
          the_keep_alive_hint_is_less_a_margin_and_cannot_overflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
