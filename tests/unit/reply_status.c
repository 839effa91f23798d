/* The status line (RFC 9112 section 4). */
#include "unit_test.h"
#include "unit_reply.h"

#define SL         UNIT_SL
#define REST       "Content-Length: 1\r\n\r\nx"
#define LINE(line) line "\r\n" REST

static void a_reason_may_be_anything_or_nothing(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("a word", LINE("HTTP/1.1 200 OK"), "x"),
      REUSES("none, no space", LINE("HTTP/1.1 200"), "x"),
      REUSES("none", LINE("HTTP/1.1 200 "), "x"),
      REUSES("spaces", LINE("HTTP/1.1 200   "), "x"),
      REUSES("a tab", LINE("HTTP/1.1 200 \tO\tK"), "x"),
      REUSES("words", LINE("HTTP/1.1 200 That went very well: thanks"), "x"),
      REUSES("eight bits", LINE("HTTP/1.1 200 \xc3\x84pfel\xff"), "x"),
      REUSES("what looks like a status line",
             LINE("HTTP/1.1 200 HTTP/1.1 404 No"), "x"),
      FAILS("a NUL", LINE("HTTP/1.1 200 O\0K")),
      FAILS("an escape", LINE("HTTP/1.1 200 O\x1bK")),
      FAILS("a delete", LINE("HTTP/1.1 200 O\x7fK")),
      FAILS("a bare CR", LINE("HTTP/1.1 200 O\rK")),
      FAILS("a CR at its end", LINE("HTTP/1.1 200 OK\r")),
      FAILS("no space, a CR", LINE("HTTP/1.1 200\r")),
      FAILS("a bell", LINE("HTTP/1.1 200 \a")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

#define ANSWERS(s, f)                                                          \
  {                                                                            \
    UNIT_CASE(#s, "HTTP/1.1 " #s " X\r\n" REST, 1), .body = "x",               \
                                                    .status = (s), .fate = (f) \
  }

static void three_digits_from_100_are_a_status(void **state) {
  static const unit_reply_case_t cases[] = {
      ANSWERS(200, UNIT_REUSE),
      ANSWERS(201, UNIT_REUSE),
      ANSWERS(299, UNIT_REUSE),
      ANSWERS(404, UNIT_REUSE),
      ANSWERS(500, UNIT_REUSE),
      ANSWERS(599, UNIT_REUSE),
      ANSWERS(600, UNIT_REUSE),
      ANSWERS(999, UNIT_REUSE),
      FAILS("000", LINE("HTTP/1.1 000 X")),
      FAILS("099", LINE("HTTP/1.1 099 X")),
      FAILS("20", LINE("HTTP/1.1 20 X")),
      FAILS("2", LINE("HTTP/1.1 2 X")),
      FAILS("none", LINE("HTTP/1.1  X")),
      FAILS("none at all", LINE("HTTP/1.1")),
      FAILS("a space only", LINE("HTTP/1.1 ")),
      FAILS("2000", LINE("HTTP/1.1 2000 X")),
      FAILS("2x0", LINE("HTTP/1.1 2x0 X")),
      FAILS("20x", LINE("HTTP/1.1 20x X")),
      FAILS("200OK", LINE("HTTP/1.1 200OK")),
      FAILS("-200", LINE("HTTP/1.1 -200 X")),
      FAILS("+20", LINE("HTTP/1.1 +20 X")),
      FAILS("0x20", LINE("HTTP/1.1 0x20 X")),
      FAILS("a tab behind", LINE("HTTP/1.1 200\tOK")),
      FAILS("a dot behind", LINE("HTTP/1.1 200.1 X")),
      FAILS("two spaces before", LINE("HTTP/1.1  200 OK")),
      FAILS("a tab before", LINE("HTTP/1.1\t200 OK")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void only_http_1_0_and_1_1_are_spoken(void **state) {
  static const unit_reply_case_t cases[] = {
      CLOSES("1.0", LINE("HTTP/1.0 200 OK"), "x"),
      FAILS("2.0", LINE("HTTP/2.0 200 OK")),
      FAILS("0.9", LINE("HTTP/0.9 200 OK")),
      FAILS("1.2", LINE("HTTP/1.2 200 OK")),
      FAILS("3.1", LINE("HTTP/3.1 200 OK")),
      FAILS("1.11", LINE("HTTP/1.11 200 OK")),
      FAILS("01.1", LINE("HTTP/01.1 200 OK")),
      FAILS("1.01", LINE("HTTP/1.01 200 OK")),
      FAILS("2", LINE("HTTP/2 200 OK")),
      FAILS("1", LINE("HTTP/1 200 OK")),
      FAILS("1,1", LINE("HTTP/1,1 200 OK")),
      FAILS("none", LINE("HTTP/ 200 OK")),
      FAILS("lower case", LINE("http/1.1 200 OK")),
      FAILS("mixed case", LINE("Http/1.1 200 OK")),
      FAILS("RTSP", LINE("RTSP/1.0 200 OK")),
      FAILS("ICE", LINE("ICE/1.1 200 OK")),
      FAILS("ICY", LINE("ICY 200 OK")),
      FAILS("HTTPS", LINE("HTTPS/1.1 200 OK")),
  };
  (void)state;
  UNIT_CHECK(cases);
}

/* All of these have no line end, or one that is far away. */
static void another_protocol_is_found_out_at_once(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("SSH", "SSH-2.0-OpenSSH_9.2p1"),
      FAILS("a word", "hello"),
      FAILS("a letter", "h"),
      FAILS("a TLS alert", "\x15\x03\x01\x00\x02\x02\x46"),
      FAILS("HTTP/2 settings", "\0\0\0\x04\0\0\0\0\0"),
      FAILS("a request", "GET / HTTP/1.1\r\n"),
      FAILS("RTSP", "RTSP"),
      FAILS("SMTP", "220 mail ESMTP"),
      FAILS("markup", "<html>"),
      FAILS("HTTP/2 in words", "HTTP/2"),
      FAILS("a NUL", "\0"),
      WAITS("a prefix", "HTTP/1."),
      WAITS("a letter of it", "H"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void nothing_may_come_before_the_status_line(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("a line end", "\r\n" SL REST),
      FAILS("five", "\r\n\r\n\r\n\r\n\r\n" SL REST),
      FAILS("a LF", "\n" SL REST),
      FAILS("a CR", "\r" SL REST),
      FAILS("a space", " " SL REST),
      FAILS("a tab", "\t" SL REST),
      FAILS("a byte order mark", "\xef\xbb\xbf" SL REST),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void the_status_line_ends_with_cr_lf(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("LF", "HTTP/1.1 200 OK\n" REST),
      FAILS("CR", "HTTP/1.1 200 OK\r" REST),
      FAILS("LF CR", "HTTP/1.1 200 OK\n\r" REST),
      FAILS("CR CR LF", "HTTP/1.1 200 OK\r\r\n" REST),
      FAILS("LF, no reason", "HTTP/1.1 200\n" REST),
      FAILS("CR, no reason", "HTTP/1.1 200\r" REST),
  };
  (void)state;
  UNIT_CHECK(cases);
}

/* What the reader of the line accepts has to be what the grammar says, for
 * each byte at each place of it. */
static void each_byte_of_the_line_counts(void **state) {
  static const char line[] = "HTTP/1.1 200 OK\r\n\r\n";
  unsigned value;
  size_t at;

  (void)state;
  for (at = 0; at < 12; at++)
    for (value = 0; value < 256; value++) {
      char bytes[sizeof line];
      unit_reply_outcome_t o;
      int is_digit = value >= '0' && value <= '9';
      int fine = value == (unsigned char)line[at] ||
                 (at == 7 && value == '0') ||
                 (at == 9 && is_digit && value != '0') || (at > 9 && is_digit);

      memcpy(bytes, line, sizeof line);
      bytes[at] = (char)value;
      if (at == 9 && value == '1')
        continue; /* an interim response, and no answer behind it */
      o = unit_reply_run(bytes, sizeof line - 1, at + 1,
                         UNIT_TO_HEAD | UNIT_EOF, 8192, 8192);
      assert_int_equal(o.verdict, fine ? 1 : POOL_EPARSE);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reason_may_be_anything_or_nothing),
      cmocka_unit_test(three_digits_from_100_are_a_status),
      cmocka_unit_test(only_http_1_0_and_1_1_are_spoken),
      cmocka_unit_test(another_protocol_is_found_out_at_once),
      cmocka_unit_test(nothing_may_come_before_the_status_line),
      cmocka_unit_test(the_status_line_ends_with_cr_lf),
      cmocka_unit_test(each_byte_of_the_line_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
