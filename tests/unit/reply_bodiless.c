/* Answers without a body, and those that end with the connection (RFC 9112
 * section 6.3, rules 1 and 8). */
#include "unit_test.h"
#include "unit_reply.h"

#define SL UNIT_SL
#define TE UNIT_TE
#define CL UNIT_CL

/* An answer to HEAD. */
#define HEAD_REUSES(n, b)                                                      \
  { UNIT_CASE(n, b, 1), .flags = UNIT_TO_HEAD, .body = "", .fate = UNIT_REUSE }
#define HEAD_CLOSES(n, b)                                                      \
  { UNIT_CASE(n, b, 1), .flags = UNIT_TO_HEAD, .body = "", .fate = UNIT_CLOSE }
#define HEAD_FAILS(n, b)                                                       \
  { UNIT_CASE(n, b, POOL_EPARSE), .flags = UNIT_TO_HEAD }

/* An answer of status `s` without a body. */
#define EMPTY(n, s, fields, f)                                                 \
  {                                                                            \
    UNIT_CASE(n, "HTTP/1.1 " #s " X\r\n" fields "\r\n", 1),                    \
        .body = "", .status = (s), .fate = (f)                                 \
  }
#define EMPTY_AND(n, s, fields, more)                                          \
  {                                                                            \
    UNIT_CASE(n, "HTTP/1.1 " #s " X\r\n" fields "\r\n" more, 1),               \
        .body = "", .status = (s), .fate = UNIT_CLOSE                          \
  }

static void without_a_length_the_body_ends_with_the_connection(void **state) {
  static const unit_reply_case_t cases[] = {
      ENDS("five bytes", SL "X: y\r\n\r\nhello", "hello"),
      ENDS("none", SL "\r\n", ""),
      ENDS("no fields", SL "\r\nhello", "hello"),
      ENDS("keep-alive is no length", SL "Connection: keep-alive\r\n\r\nhello",
           "hello"),
      ENDS("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
      ENDS("HTTP/1.0 keep-alive",
           "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello", "hello"),
      ENDS("what looks like an answer", SL "\r\n" SL CL "0\r\n\r\n",
           SL CL "0\r\n\r\n"),
      WAITS("it goes on until then", SL "X: y\r\n\r\nhello"),
      WAITS("with nothing of it too", SL "\r\n"),
      CUT("in the status line", "HTTP/1.1 2"),
      CUT("behind the status line", SL),
      CUT("in a field", SL "X: y"),
      CUT("before the empty line", SL "X: y\r\n"),
      CUT("in the empty line", SL "X: y\r\n\r"),
      CUT("before the first byte", ""),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void an_answer_to_head_has_no_body(void **state) {
  static const unit_reply_case_t cases[] = {
      HEAD_REUSES("with a length", SL CL "5\r\n\r\n"),
      HEAD_REUSES("with a length of 0", SL CL "0\r\n\r\n"),
      HEAD_REUSES("chunked", SL TE "\r\n"),
      HEAD_REUSES("neither", SL "X: y\r\n\r\n"),
      HEAD_REUSES("no fields", SL "\r\n"),
      HEAD_REUSES("a length beyond the maximum", SL CL "99999999999\r\n\r\n"),
      HEAD_REUSES("the largest length", SL CL "18446744073709551615\r\n\r\n"),
      HEAD_REUSES("gzip, chunked", SL "Transfer-Encoding: gzip, chunked\r\n"
                                      "\r\n"),
      HEAD_CLOSES("a body all the same", SL CL "5\r\n\r\nhello"),
      HEAD_CLOSES("a chunked one", SL TE "\r\n5\r\nhello\r\n0\r\n\r\n"),
      HEAD_CLOSES("Connection: close", SL "Connection: close\r\n\r\n"),
      HEAD_CLOSES("HTTP/1.0", "HTTP/1.0 200 OK\r\n" CL "5\r\n\r\n"),
      HEAD_FAILS("no number", SL CL "x\r\n\r\n"),
      HEAD_FAILS("two lengths", SL CL "5\r\n" CL "6\r\n\r\n"),
      {UNIT_CASE("behind an interim",
                 "HTTP/1.1 100 Continue\r\n\r\n" SL CL "5\r\n\r\n", 1),
       .flags = UNIT_TO_HEAD, .body = "", .fate = UNIT_REUSE},
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void a_204_has_no_body(void **state) {
  static const unit_reply_case_t cases[] = {
      EMPTY("plain", 204, "", UNIT_REUSE),
      EMPTY("length 0", 204, CL "0\r\n", UNIT_REUSE),
      EMPTY("length 5", 204, CL "5\r\n", UNIT_REUSE),
      EMPTY("chunked", 204, TE, UNIT_REUSE),
      EMPTY("close", 204, "Connection: close\r\n", UNIT_CLOSE),
      EMPTY_AND("bytes of a body", 204, CL "5\r\n", "hello"),
      EMPTY_AND("chunks", 204, TE, "0\r\n\r\n"),
      EMPTY_AND("an answer where the body would be", 204, CL "5\r\n",
                SL CL "0\r\n\r\n"),
      {UNIT_CASE("HTTP/1.0", "HTTP/1.0 204 X\r\n\r\n", 1), .body = "",
       .status = 204, .fate = UNIT_CLOSE},
      {UNIT_CASE("HTTP/1.0 keep-alive",
                 "HTTP/1.0 204 X\r\nConnection: keep-alive\r\n\r\n", 1),
       .body = "", .status = 204, .fate = UNIT_REUSE},
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void a_304_has_no_body(void **state) {
  static const unit_reply_case_t cases[] = {
      EMPTY("plain", 304, "", UNIT_REUSE),
      EMPTY("length 0", 304, CL "0\r\n", UNIT_REUSE),
      EMPTY("a length beyond the maximum", 304, CL "677777\r\n", UNIT_REUSE),
      EMPTY("chunked", 304, TE, UNIT_REUSE),
      EMPTY("identity", 304, "Transfer-Encoding: identity\r\n", UNIT_REUSE),
      EMPTY_AND("bytes of a body", 304, CL "5\r\n", "hello"),
      EMPTY_AND("chunks", 304, TE, "0\r\n\r\n"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void other_statuses_are_framed_as_any(void **state) {
  static const unit_reply_case_t cases[] = {
      {UNIT_CASE("205 with a body",
                 "HTTP/1.1 205 X\r\nContent-Length: 5\r\n\r\nhello", 1),
       .body = "hello", .status = 205, .fate = UNIT_REUSE},
      {UNIT_CASE("205 without a length", "HTTP/1.1 205 X\r\n\r\n", 0)},
      {UNIT_CASE("205 until the end", "HTTP/1.1 205 X\r\n\r\n", 1),
       .flags = UNIT_EOF, .body = "", .status = 205, .fate = UNIT_CLOSE},
      {UNIT_CASE("200 without a length", SL "\r\n", 0)},
      {UNIT_CASE("404 in chunks",
                 "HTTP/1.1 404 X\r\n" TE "\r\n1\r\nx\r\n0\r\n\r\n", 1),
       .body = "x", .status = 404, .fate = UNIT_REUSE},
      {UNIT_CASE("303", "HTTP/1.1 303 X\r\nLocation: /\r\n" CL "1\r\n\r\nx", 1),
       .body = "x", .status = 303, .fate = UNIT_REUSE},
      {UNIT_CASE("305", "HTTP/1.1 305 X\r\n" CL "1\r\n\r\nx", 1), .body = "x",
       .status = 305, .fate = UNIT_REUSE},
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void a_length_and_chunked_clash_even_without_a_body(void **state) {
  static const char *const heads[] = {"HTTP/1.1 204 X\r\n" TE CL "5\r\n\r\n",
                                      "HTTP/1.1 304 X\r\n" CL "5\r\n" TE "\r\n",
                                      SL TE CL "5\r\n\r\n"};
  size_t i, step;

  (void)state;
  for (i = 0; i < sizeof heads / sizeof heads[0]; i++)
    for (step = 1; step <= strlen(heads[i]); step++) {
      unit_reply_outcome_t o = unit_reply_run(heads[i], strlen(heads[i]), step,
                                              UNIT_TO_HEAD, 8192, 8192);

      assert_int_equal(o.verdict, POOL_EPARSE);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_length_the_body_ends_with_the_connection),
      cmocka_unit_test(an_answer_to_head_has_no_body),
      cmocka_unit_test(a_204_has_no_body),
      cmocka_unit_test(a_304_has_no_body),
      cmocka_unit_test(other_statuses_are_framed_as_any),
      cmocka_unit_test(a_length_and_chunked_clash_even_without_a_body),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
