/* Answers in chunks (RFC 9112 section 7). */
#include "unit_test.h"
#include "unit_reply.h"

#define SL    UNIT_SL
#define TE    UNIT_TE
#define HEAD  SL TE "\r\n"
#define HELLO "5\r\nhello\r\n"
#define LAST  "0\r\n\r\n"

static void chunks_are_put_together(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("one chunk", HEAD HELLO LAST, "hello"),
      REUSES("upper case", SL "TRANSFER-ENCODING: CHUNKED\r\n\r\n" HELLO LAST,
             "hello"),
      REUSES("spaces around",
             SL "Transfer-Encoding:   chunked  \r\n\r\n" HELLO LAST, "hello"),
      REUSES("no chunk but the last", HEAD LAST, ""),
      REUSES("three chunks", HEAD HELLO "2\r\n, \r\n3\r\nyou\r\n" LAST,
             "hello, you"),
      REUSES("hex digits, both cases",
             HEAD "a\r\n0123456789\r\nB\r\n0123456789a\r\n" LAST,
             "01234567890123456789a"),
      REUSES("zeroes before the size", HEAD "0005\r\nhello\r\n000\r\n\r\n",
             "hello"),
      REUSES("chunk data like framing", HEAD "5\r\n0\r\n\r\n\r\n" LAST,
             "0\r\n\r\n"),
      WAITS("no last chunk", HEAD HELLO),
      WAITS("no final line end", HEAD HELLO "0\r\n"),
      WAITS("half a final line end", HEAD HELLO "0\r\n\r"),
      CUT("ended behind a chunk", HEAD HELLO),
      CUT("ended in a chunk", HEAD "5\r\nhel"),
      CUT("ended behind the last chunk", HEAD HELLO "0\r\n"),
      CUT("ended in a trailer", HEAD HELLO "0\r\nX-T: v\r\n"),
      CUT("ended before the first chunk", HEAD),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void bytes_behind_the_last_chunk_close(void **state) {
  static const unit_reply_case_t cases[] = {
      CLOSES("junk", HEAD HELLO LAST "XYZ", "hello"),
      CLOSES("a line end", HEAD HELLO LAST "\r\n", "hello"),
      CLOSES("junk behind trailers", HEAD HELLO "0\r\nA: b\r\n\r\nX", "hello"),
      CLOSES("another answer", HEAD HELLO LAST SL UNIT_CL "0\r\n\r\n", "hello"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void trailers_are_judged_and_dropped(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("one", HEAD HELLO "0\r\nX-T: v\r\n\r\n", "hello"),
      REUSES("three", HEAD HELLO "0\r\nA: b\r\nC:\r\nD: e f\r\n\r\n", "hello"),
      REUSES("a Connection that says nothing",
             HEAD HELLO "0\r\nConnection: foo\r\n\r\n", "hello"),
      CLOSES("Connection: close", HEAD HELLO "0\r\nConnection: close\r\n\r\n",
             "hello"),
      CLOSES("Connection: close and a tab",
             HEAD HELLO "0\r\nConnection: close\t\r\n\r\n", "hello"),
      CLOSES("Keep-Alive: timeout=0",
             HEAD HELLO "0\r\nKeep-Alive: timeout=0\r\n\r\n", "hello"),
      FAILS("bare LF behind the last chunk", HEAD HELLO "0\r\n\n"),
      FAILS("bare LF in a trailer", HEAD HELLO "0\r\nA: b\n\r\n"),
      FAILS("bare LF at the end", HEAD HELLO "0\r\nA: b\r\n\n"),
      FAILS("bare CR in a trailer", HEAD HELLO "0\r\nA: b\rC: d\r\n\r\n"),
      FAILS("CR CR LF", HEAD HELLO "0\r\n\r\r\n"),
      FAILS("a fold", HEAD HELLO "0\r\nA: b\r\n c\r\n\r\n"),
      FAILS("an empty name", HEAD HELLO "0\r\n: b\r\n\r\n"),
      FAILS("a space in the name", HEAD HELLO "0\r\nA : b\r\n\r\n"),
      FAILS("no colon", HEAD HELLO "0\r\nABC\r\n\r\n"),
      FAILS("a NUL in the value", HEAD HELLO "0\r\nA: \0\r\n\r\n"),
      FAILS("a status line", HEAD HELLO "0\r\n" SL "\r\n"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

/* Whether a Content-Length there is an error depends on the parser's version;
 * it never frames anything. */
static void framing_fields_in_trailers_frame_nothing(void **state) {
  static const char *const fields[] = {
      "Content-Length: 3\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n",
      "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\n",
      "Connection: upgrade\r\nUpgrade: h2c\r\n"};
  size_t i, step;

  (void)state;
  for (i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    char bytes[256];
    size_t len;

    strcpy(bytes, HEAD HELLO "0\r\n");
    strcat(strcat(bytes, fields[i]), "\r\n");
    len = strlen(bytes);
    for (step = 1; step <= len; step++) {
      unit_reply_outcome_t o = unit_reply_run(bytes, len, step, 0, 8192, 8192);

      assert_true(o.verdict == POOL_EPARSE ||
                  (o.verdict == 1 && o.body_len == 5 && o.header_count == 1));
    }
  }
}

static void one_chunk_extension_is_passed_over(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("name and value", HEAD "5;a=b\r\nhello\r\n" LAST, "hello"),
      REUSES("name only", HEAD "5;a\r\nhello\r\n" LAST, "hello"),
      REUSES("on the last chunk", HEAD HELLO "0;a=b\r\n\r\n", "hello"),
      FAILS("bare CR", HEAD "5;a\rX\r\nhello\r\n" LAST),
      FAILS("bare LF", HEAD "5;a=b\nhello\r\n" LAST),
      FAILS("a NUL", HEAD "5;a=\0\r\nhello\r\n" LAST),
      FAILS("a space before it", HEAD "5 ;a=b\r\nhello\r\n" LAST),
      FAILS("a space behind the size", HEAD "5 \r\nhello\r\n" LAST),
      FAILS("a space behind the last size", HEAD HELLO "0 \r\n\r\n"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

/* Older versions of the parser refuse what is fine here: that is safe. */
static void several_chunk_extensions_never_desync(void **state) {
  static const char *const lines[] = {"5;a=b;c=d\r\n", "5;a=\"b c\"\r\n",
                                      "5;a=b;c=\"d e\"\r\n", "5;;\r\n"};
  size_t i, step;

  (void)state;
  for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    char bytes[256];
    size_t len;
    unit_reply_outcome_t whole;

    strcpy(bytes, HEAD);
    strcat(strcat(bytes, lines[i]), "hello\r\n" LAST);
    len = strlen(bytes);
    whole = unit_reply_run(bytes, len, len, 0, 8192, 8192);
    assert_true(whole.verdict == POOL_EPARSE ||
                (whole.verdict == 1 && whole.body_len == 5));
    for (step = 1; step < len; step++) {
      unit_reply_outcome_t o = unit_reply_run(bytes, len, step, 0, 8192, 8192);

      assert_int_equal(o.verdict, whole.verdict);
      assert_int_equal(o.digest, whole.digest);
    }
  }
}

static void a_malformed_chunk_is_refused(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("hex prefix", HEAD "0x5\r\nhello\r\n" LAST),
      FAILS("minus", HEAD "-5\r\nhello\r\n" LAST),
      FAILS("plus", HEAD "+5\r\nhello\r\n" LAST),
      FAILS("space before", HEAD " 5\r\nhello\r\n" LAST),
      FAILS("tab before", HEAD "\t5\r\nhello\r\n" LAST),
      FAILS("empty size", HEAD "\r\nhello\r\n" LAST),
      FAILS("only an extension", HEAD ";x\r\nhello\r\n" LAST),
      FAILS("no hex digit", HEAD "g\r\nhello\r\n" LAST),
      FAILS("quoted", HEAD "\"5\"\r\nhello\r\n" LAST),
      FAILS("bare LF behind the size", HEAD "5\nhello\r\n" LAST),
      FAILS("bare CR behind the size", HEAD "5\rhello\r\n" LAST),
      FAILS("bare LF behind the data", HEAD "5\r\nhello\n0\r\n\r\n"),
      FAILS("bare CR behind the data", HEAD "5\r\nhello\r0\r\n\r\n"),
      FAILS("data too long", HEAD "5\r\nhelloXX\r\n" LAST),
      FAILS("two bytes for the line end", HEAD "5\r\nhello0\n0\r\n\r\n"),
      FAILS("data too short", HEAD "5\r\nhel\r\n" LAST),
      FAILS("2^64", HEAD "10000000000000000\r\nhello\r\n" LAST),
      FAILS("2^64 + 5", HEAD "10000000000000005\r\nhello\r\n" LAST),
      FAILS("a size of 24 digits", HEAD "ffffffffffffffffffffffff\r\nhello"),
      TOO_LARGE("2^64 - 1", HEAD "FFFFFFFFFFFFFFFF\r\nhello"),
      TOO_LARGE("2^63", HEAD "8000000000000000\r\nhello"),
      TOO_LARGE("the maximum and 1", HEAD "2001\r\nhello"),
      TOO_LARGE("what is left of it and 1", HEAD HELLO "1ffc\r\nhello"),
      WAITS("the maximum", HEAD "2000\r\nhello"),
      WAITS("what is left of it", HEAD HELLO "1ffb\r\nhello"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void chunked_and_a_length_together_are_refused(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("coding first", SL TE UNIT_CL "3\r\n\r\n" HELLO LAST),
      FAILS("length first", SL UNIT_CL "3\r\n" TE "\r\n" HELLO LAST),
      FAILS("length of the framing", SL UNIT_CL "15\r\n" TE "\r\n" HELLO LAST),
      FAILS("length 0", SL UNIT_CL "0\r\n" TE "\r\n" HELLO LAST),
      FAILS("identity",
            SL "Transfer-Encoding: identity\r\n" UNIT_CL "5\r\n\r\nhello"),
      FAILS("empty coding first",
            SL "Transfer-Encoding:\r\n" UNIT_CL "5\r\n\r\nhello"),
      FAILS("empty coding last",
            SL UNIT_CL "5\r\nTransfer-Encoding:\r\n\r\nhello"),
      FAILS("a length that is too large",
            SL TE UNIT_CL "99999999999\r\n\r\n" HELLO LAST),
  };
  (void)state;
  UNIT_CHECK(cases);
}

#define CODED(value) SL "Transfer-Encoding: " value "\r\n\r\n" HELLO LAST

static void every_coding_but_chunked_is_refused(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("gzip", CODED("gzip")),
      FAILS("identity", CODED("identity")),
      FAILS("deflate", CODED("deflate")),
      FAILS("empty", SL "Transfer-Encoding:\r\n\r\n" HELLO LAST),
      FAILS("gzip, chunked", CODED("gzip, chunked")),
      FAILS("on two lines",
            SL "Transfer-Encoding: gzip\r\n" TE "\r\n" HELLO LAST),
      FAILS("chunked, gzip", CODED("chunked, gzip")),
      FAILS("on two lines the other way",
            SL TE "Transfer-Encoding: gzip\r\n\r\n" HELLO LAST),
      FAILS("chunked, chunked", CODED("chunked, chunked")),
      FAILS("chunked twice", SL TE TE "\r\n" HELLO LAST),
      FAILS("xchunked", CODED("xchunked")),
      FAILS("chunkedx", CODED("chunkedx")),
      FAILS("chunke", CODED("chunke")),
      FAILS("quoted", CODED("\"chunked\"")),
      FAILS("a parameter", CODED("chunked;x=y")),
      FAILS("a comma behind", CODED("chunked,")),
      FAILS("a comma before", CODED(", chunked")),
      FAILS("folded", SL "Transfer-Encoding:\r\n chunked\r\n\r\n" HELLO LAST),
      FAILS("folded list",
            SL "Transfer-Encoding: gzip,\r\n chunked\r\n\r\n" HELLO LAST),
      FAILS("space before the colon",
            SL "Transfer-Encoding : chunked\r\n\r\n" HELLO LAST),
      FAILS("HTTP/1.0", "HTTP/1.0 200 OK\r\n" TE "\r\n" HELLO LAST),
      FAILS("HTTP/1.0 keep-alive",
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" TE
            "\r\n" HELLO LAST),
  };
  (void)state;
  UNIT_CHECK(cases);
}

/* Our own reader trims the tab; a parser that does not takes the framing for
 * the body and would wait for the connection's end. They must agree, or the
 * answer is refused. */
static void a_tab_around_chunked_is_no_other_framing(void **state) {
  static const char *const values[] = {"chunked\t", "\tchunked", "chunked \t "};
  size_t i, step;

  (void)state;
  for (i = 0; i < sizeof values / sizeof values[0]; i++) {
    char bytes[256];
    size_t len;

    strcpy(bytes, SL "Transfer-Encoding: ");
    strcat(strcat(bytes, values[i]), "\r\n\r\n" HELLO LAST);
    len = strlen(bytes);
    for (step = 1; step <= len; step++) {
      unit_reply_outcome_t o = unit_reply_run(bytes, len, step, 0, 8192, 8192);

      assert_true(o.verdict == POOL_EPARSE ||
                  (o.verdict == 1 && o.body_len == 5));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chunks_are_put_together),
      cmocka_unit_test(bytes_behind_the_last_chunk_close),
      cmocka_unit_test(trailers_are_judged_and_dropped),
      cmocka_unit_test(framing_fields_in_trailers_frame_nothing),
      cmocka_unit_test(one_chunk_extension_is_passed_over),
      cmocka_unit_test(several_chunk_extensions_never_desync),
      cmocka_unit_test(a_malformed_chunk_is_refused),
      cmocka_unit_test(chunked_and_a_length_together_are_refused),
      cmocka_unit_test(every_coding_but_chunked_is_refused),
      cmocka_unit_test(a_tab_around_chunked_is_no_other_framing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
