/* The fields of requests: the caller's, and those that are ours. */
#include "unit_test.h"
#include "unit_head.h"

#define HOST UNIT_HOST
#define GET  "GET / HTTP/1.1\r\n"

static void refuses_field(const char *name, const char *value) {
  pool_header_t header;
  pool_request_t request = unit_request_with(&header, name, 0, value, 0);

  unit_head_refuses(&request);
}

static void sends_field(const char *name, const char *value,
                        const char *expected) {
  pool_header_t header;
  pool_request_t request = unit_request_with(&header, name, 0, value, 0);

  unit_head_sends(&request, expected);
}

static void fields_follow_host_in_order_and_trimmed(void **state) {
  pool_header_t headers[] = {{"B", " \t b c\t ", 0, 0},
                             {"a", NULL, 0, 0},
                             {"B-and-so-on", "b: c and so on", 1, 4},
                             {"E", " ", 0, 0},
                             {"X", "\x80\xff\t|", 0, 0}};
  pool_request_t request = unit_request(NULL, "/");

  (void)state;
  request.headers = headers;
  request.header_count = 5;
  unit_head_sends(&request, GET HOST
                  "B: b c\r\na: \r\nB: b: c\r\nE: \r\nX: \x80\xff\t|\r\n\r\n");
}

static void each_byte_of_a_field_is_judged(void **state) {
  static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
                               "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  unsigned value;
  size_t len, at;

  (void)state;
  for (len = 3; len < 40; len += 17)
    for (at = 0; at < len; at += len / 3)
      for (value = 0; value < 256; value++) {
        char text[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        int is_token = value != 0 && strchr(tokens, (int)value) != NULL;
        int is_value = value == '\t' || (value >= 0x20 && value != 0x7f);
        pool_header_t header;
        pool_request_t request;
        char *bytes;

        text[at] = (char)value;
        request = unit_request_with(&header, text, len, "v", 1);
        bytes = unit_head_bytes(&request, NULL);
        assert_int_equal(bytes != NULL, is_token);
        free(bytes);
        request = unit_request_with(&header, "N", 1, text, len);
        bytes = unit_head_bytes(&request, NULL);
        assert_int_equal(bytes != NULL, is_value);
        free(bytes);
      }
}

static void malformed_fields_are_refused(void **state) {
  (void)state;
  refuses_field("", "b");
  refuses_field(" ", "b");
  refuses_field("A:", "b");
  refuses_field("A ", "b");
  refuses_field(" A", "b");
  refuses_field("A", "b\r\nC: d");
  refuses_field("A", "b\nc");
  refuses_field("A", "b\r");
  refuses_field("A\r\nB", "c");
  refuses_field("A", "\x7f");
  refuses_field("\xc3\x84", "b");
}

static void framing_and_hop_by_hop_fields_are_refused(void **state) {
  static const char *const names[] = {"Transfer-Encoding",
                                      "transfer-encoding",
                                      "TRANSFER-ENCODING",
                                      "Keep-Alive",
                                      "keep-alive",
                                      "TE",
                                      "te",
                                      "Te",
                                      "Trailer",
                                      "TRAILER",
                                      "Upgrade",
                                      "upgrade",
                                      "Expect",
                                      "EXPECT",
                                      "Proxy-Connection",
                                      "proxy-connection",
                                      "HTTP2-Settings",
                                      "http2-settings"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    refuses_field(names[i], "chunked");
    refuses_field(names[i], NULL);
  }
}

static void fields_that_only_look_like_those_are_sent(void **state) {
  (void)state;
  sends_field("Transfer-Encodin", "a", GET HOST "Transfer-Encodin: a\r\n\r\n");
  sends_field("X-TE", "a", GET HOST "X-TE: a\r\n\r\n");
  sends_field("T", "a", GET HOST "T: a\r\n\r\n");
  sends_field("Trailers", "a", GET HOST "Trailers: a\r\n\r\n");
  sends_field("Hosts", "a", GET HOST "Hosts: a\r\n\r\n");
  sends_field("Content_Length", "7", GET HOST "Content_Length: 7\r\n\r\n");
  sends_field("Expect\x5f", "a", GET HOST "Expect_: a\r\n\r\n");
}

static void connection_may_say_close_or_keep_alive(void **state) {
  (void)state;
  sends_field("Connection", "close", GET HOST "Connection: close\r\n\r\n");
  sends_field("CONNECTION", "Close", GET HOST "Connection: close\r\n\r\n");
  sends_field("Connection", "close, close",
              GET HOST "Connection: close\r\n\r\n");
  sends_field("Connection", "keep-alive, close",
              GET HOST "Connection: close\r\n\r\n");
  sends_field("Connection", "keep-alive", GET HOST "\r\n");
  sends_field("Connection", "Keep-Alive ,", GET HOST "\r\n");
  sends_field("Connection", "", GET HOST "\r\n");
  refuses_field("Connection", "upgrade");
  refuses_field("Connection", "close, TE");
  refuses_field("Connection", "x-a");
  refuses_field("Connection", "closed");
  refuses_field("Connection", "close keep-alive");
  refuses_field("Connection", "\"close\"");
}

static void a_host_of_the_callers_wins_and_stands_first(void **state) {
  pool_header_t headers[] = {{"A", "b", 0, 0}, {"hOsT", " e.x:81 ", 0, 0}};
  pool_request_t request = unit_request(NULL, "/");

  (void)state;
  request.headers = headers;
  request.header_count = 2;
  unit_head_sends(&request, GET "Host: e.x:81\r\nA: b\r\n\r\n");
  sends_field("Host", "[::1]:80", GET "Host: [::1]:80\r\n\r\n");
  headers[0] = headers[1];
  unit_head_refuses(&request);
}

static void a_host_that_is_no_authority_is_refused(void **state) {
  static const char bad[] = " /?#@,\\\"<>^`{|}\t\r\n\x7f\x80\xff\x01";
  size_t i;

  (void)state;
  refuses_field("Host", "");
  refuses_field("Host", NULL);
  refuses_field("Host", " \t");
  for (i = 0; i < sizeof bad - 1; i++) {
    char host[] = "a?b";

    host[1] = bad[i];
    refuses_field("Host", host);
  }
  refuses_field("Host", "e\r\nX: y");
}

static void a_nul_in_a_counted_string_is_refused(void **state) {
  static const char *const names[] = {"A", "Host", "Connection",
                                      "Content-Length"};
  pool_header_t header;
  pool_request_t request;
  size_t i;

  (void)state;
  for (i = 0; i < 4; i++) {
    request = unit_request_with(&header, names[i], 0, "0\0", 2);
    unit_head_refuses(&request);
    request = unit_request_with(&header, names[i], 0, "close\0x", 7);
    unit_head_refuses(&request);
  }
  request = unit_request_with(&header, "A\0B", 3, "b", 1);
  unit_head_refuses(&request);
  request = unit_request_with(&header, "TE\0", 3, "b", 1);
  unit_head_refuses(&request);
}

static void counted_strings_need_no_nul(void **state) {
  char name[3] = {'A', 'b', 'X'};
  char value[3] = {'c', 'd', 'X'};
  char *name_copy = malloc(2);
  char *value_copy = malloc(2);
  pool_header_t header;
  pool_request_t request;

  (void)state;
  assert_true(name_copy != NULL && value_copy != NULL);
  memcpy(name_copy, name, 2);
  memcpy(value_copy, value, 2);
  request = unit_request_with(&header, name_copy, 2, value_copy, 2);
  unit_head_sends(&request, GET HOST "Ab: cd\r\n\r\n");
  free(name_copy);
  free(value_copy);
}

static void many_and_long_fields_are_sent_whole(void **state) {
  static pool_header_t headers[1000];
  pool_request_t request = unit_request(NULL, "/");
  char expected[32768] = GET HOST;
  size_t at = strlen(expected);
  size_t i;

  (void)state;
  for (i = 0; i < 1000; i++) {
    headers[i].name = "X-Name";
    headers[i].value = i % 2 == 0 ? "a value" : "b";
    strcpy(expected + at, i % 2 == 0 ? "X-Name: a value\r\n" : "X-Name: b\r\n");
    at += strlen(expected + at);
  }
  strcpy(expected + at, "\r\n");
  request.headers = headers;
  request.header_count = 1000;
  unit_head_sends(&request, expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_follow_host_in_order_and_trimmed),
      cmocka_unit_test(each_byte_of_a_field_is_judged),
      cmocka_unit_test(malformed_fields_are_refused),
      cmocka_unit_test(framing_and_hop_by_hop_fields_are_refused),
      cmocka_unit_test(fields_that_only_look_like_those_are_sent),
      cmocka_unit_test(connection_may_say_close_or_keep_alive),
      cmocka_unit_test(a_host_of_the_callers_wins_and_stands_first),
      cmocka_unit_test(a_host_that_is_no_authority_is_refused),
      cmocka_unit_test(a_nul_in_a_counted_string_is_refused),
      cmocka_unit_test(counted_strings_need_no_nul),
      cmocka_unit_test(many_and_long_fields_are_sent_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
