/* Field lines (RFC 9112 section 5). */
#include "unit_test.h"
#include "unit_reply.h"

#define SL          UNIT_SL
#define REST        "Content-Length: 5\r\n\r\nhello"
#define WITH(lines) SL lines REST

static void lines_end_with_cr_lf_and_nothing_else(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("all of them", WITH("A: b\r\n"), "hello"),
      FAILS("all LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
      FAILS("one LF", WITH("A: b\n")),
      FAILS("the last field's", SL "Content-Length: 5\n\r\nhello"),
      FAILS("the empty line's", SL "Content-Length: 5\r\n\nhello"),
      FAILS("all CR", "HTTP/1.1 200 OK\rContent-Length: 5\r\rhello"),
      FAILS("one CR", WITH("A: b\r")),
      FAILS("a CR in a value", WITH("A: b\rc\r\n")),
      FAILS("a CR before a length", SL "A: b\r" REST),
      FAILS("an empty value and a CR", SL "A:\r" REST),
      FAILS("a CR more", WITH("A: b\r\r\n")),
      FAILS("CR CR for the empty line", SL "Content-Length: 5\r\n\r\rhello"),
      FAILS("CR and a letter for it", SL "Content-Length: 5\r\n\rXhello"),
      FAILS("CR and CR LF for it", SL "Content-Length: 5\r\n\r\r\nhello"),
      FAILS("LF CR", WITH("A: b\n\r")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void names_are_tokens(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("every other token character",
             WITH("!#$%&'*+-.^_`|~09azAZ: b\r\n"), "hello"),
      REUSES("one character", WITH("a: b\r\n"), "hello"),
      REUSES("a digit", WITH("1: b\r\n"), "hello"),
      FAILS("empty", WITH(": b\r\n")),
      FAILS("nothing but a colon", WITH(":\r\n")),
      FAILS("a space in it", WITH("A B: b\r\n")),
      FAILS("a space behind it", WITH("A : b\r\n")),
      FAILS("a tab behind it", WITH("A\t: b\r\n")),
      FAILS("a space before it", WITH(" A: b\r\n")),
      FAILS("a NUL in it", WITH("A\0: b\r\n")),
      FAILS("eight bits", WITH("\xc3\x84: b\r\n")),
      FAILS("a delete", WITH("A\x7f: b\r\n")),
      FAILS("quotes", WITH("\"A\": b\r\n")),
      FAILS("parentheses", WITH("(A): b\r\n")),
      FAILS("a slash", WITH("A/B: b\r\n")),
      FAILS("no colon", WITH("ABC\r\n")),
      FAILS("no colon but a space", WITH("ABC def\r\n")),
      FAILS("a space and a framing field",
            SL "X Transfer-Encoding: chunked\r\n" REST),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void nothing_is_folded(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("space", WITH("A: b\r\n c\r\n")),
      FAILS("tab", WITH("A: b\r\n\tc\r\n")),
      FAILS("a blank line of it", WITH("A: b\r\n \r\n")),
      FAILS("a field in it", WITH("A: b\r\n C: d\r\n")),
      FAILS("in front of all fields", WITH(" A: b\r\n")),
      FAILS("behind an empty value", WITH("A:\r\n b\r\n")),
      FAILS("Content-Length", SL "Content-Length: 5\r\n 0\r\n\r\nhello"),
      FAILS("Transfer-Encoding",
            SL "Transfer-Encoding: chu\r\n nked\r\n\r\n0\r\n\r\n"),
      FAILS("Connection", WITH("Connection: clo\r\n se\r\n")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void values_are_text(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("eight bits", WITH("A: \x80\xff\xc3\xa4\r\n"), "hello"),
      REUSES("a tab inside", WITH("A: b\tc\r\n"), "hello"),
      REUSES("colons", WITH("A::b:\r\n"), "hello"),
      REUSES("empty ones", WITH("A:\r\nB: \r\nC:\t \t\r\n"), "hello"),
      REUSES("no space", WITH("A:b\r\n"), "hello"),
      REUSES("what looks like a field", WITH("A: Content-Length: 7\r\n"),
             "hello"),
      FAILS("a NUL", WITH("A: b\0c\r\n")),
      FAILS("0x01", WITH("A: b\001c\r\n")),
      FAILS("a delete", WITH("A: b\x7f\r\n")),
      FAILS("a form feed", WITH("A: b\f\r\n")),
      FAILS("a vertical tab first", WITH("A:\vb\r\n")),
      FAILS("a NUL only", WITH("A: \0\r\n")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static unit_reply_outcome_t run_byte(const char *before, unsigned value,
                                     const char *behind) {
  char bytes[256];
  size_t len = strlen(before);

  memcpy(bytes, before, len);
  bytes[len++] = (char)value;
  memcpy(bytes + len, behind, strlen(behind));
  len += strlen(behind);
  return unit_reply_run(bytes, len, value % 3 == 0 ? 1 : len, 0, 8192, 8192);
}

static void each_byte_counts_in_names_and_values(void **state) {
  static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
                               "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const char *const names[] = {"", "A", "X-Fifteen-Bytes",
                                      "X-Sixteen-Bytes-", "X-Longer-Than-16-"};
  static const char *const values[] = {
      "", "b", "fifteen bytes !", "this is 16 bytes", "tab\tand so much on"};
  unsigned value;
  size_t i;

  (void)state;
  for (value = 0; value < 256; value++)
    for (i = 0; i < 5; i++) {
      int is_token = value != 0 && strchr(tokens, (int)value) != NULL;
      int is_value = value == '\t' || (value >= 0x20 && value != 0x7f);
      char before[128];
      unit_reply_outcome_t o;

      strcat(strcpy(before, SL), names[i]);
      o = run_byte(before, value, "B: c\r\n" REST);
      if (value != ':' || i > 0)
        assert_int_equal(o.verdict, is_token || value == ':' ? 1 : POOL_EPARSE);
      strcat(strcpy(before, SL "A: "), values[i]);
      o = run_byte(before, value, "and so on\r\n" REST);
      assert_int_equal(o.verdict, is_value ? 1 : POOL_EPARSE);
    }
}

/* Gets the answer's headers and looks at the n-th. */
static void expect_header(const pool_result_t *result, size_t n,
                          const char *name, const char *value) {
  assert_true(n < result->header_count);
  assert_string_equal(result->headers[n].name, name);
  assert_int_equal(result->headers[n].name_len, strlen(name));
  assert_string_equal(result->headers[n].value, value);
  assert_int_equal(result->headers[n].value_len, strlen(value));
}

static void headers_are_told_trimmed_and_in_order(void **state) {
  static const char bytes[] =
      SL "Set-Cookie: a=1\r\nA: \t b c \t\r\nset-cookie:b=2\r\nEmpty:\r\n"
         "X-Blank:   \t \r\nSET-COOKIE: \xff\r\nContent-Length: 1\r\n\r\nx";
  pool__reply_stash_t stash;
  pool_result_t result;
  pool__reply_t *reply;
  pool__mem_t mem;
  unit_mem_t unit;
  size_t cut;

  (void)state;
  unit_mem_init(&unit, &mem);
  pool__reply_stash_init(&stash, &mem, 8192, 8192);
  for (cut = 1; cut < sizeof bytes; cut++) {
    unit_reply_outcome_t o;

    reply = pool__reply_take(&stash, 0);
    o = unit_reply_feed(reply, bytes, sizeof bytes - 1, &cut, 1, 0);
    assert_int_equal(o.verdict, 1);
    memset(&result, 0, sizeof result);
    pool__reply_tell(reply, &result);
    assert_int_equal(result.header_count, 7);
    expect_header(&result, 0, "Set-Cookie", "a=1");
    expect_header(&result, 1, "A", "b c");
    expect_header(&result, 2, "set-cookie", "b=2");
    expect_header(&result, 3, "Empty", "");
    expect_header(&result, 4, "X-Blank", "");
    expect_header(&result, 5, "SET-COOKIE", "\xff");
    expect_header(&result, 6, "Content-Length", "1");
    assert_string_equal(result.body, "x");
    pool__reply_give(reply);
  }
  pool__reply_stash_clear(&stash);
  unit_mem_check(&unit, &mem);
}

static void trailers_are_not_told(void **state) {
  static const char bytes[] =
      SL "A: b\r\n" UNIT_TE "\r\n1\r\nx\r\n0\r\nC: d\r\nE: f\r\n\r\n";
  unit_reply_outcome_t o =
      unit_reply_run(bytes, sizeof bytes - 1, 1, 0, 8192, 8192);

  (void)state;
  assert_int_equal(o.verdict, 1);
  assert_int_equal(o.header_count, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_end_with_cr_lf_and_nothing_else),
      cmocka_unit_test(names_are_tokens),
      cmocka_unit_test(nothing_is_folded),
      cmocka_unit_test(values_are_text),
      cmocka_unit_test(each_byte_counts_in_names_and_values),
      cmocka_unit_test(headers_are_told_trimmed_and_in_order),
      cmocka_unit_test(trailers_are_not_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
