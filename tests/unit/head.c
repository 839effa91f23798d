/* Which requests are sent, and as what bytes (RFC 9110 sections 5, 7.2, 8.6
 * and 9, RFC 9112 sections 3 and 6). */
#include "unit_test.h"
#include "unit_head.h"

#define HOST UNIT_HOST

static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
                             "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static int is_token(unsigned value) {
  return value != 0 && strchr(tokens, (int)value) != NULL;
}

static void a_zeroed_request_is_a_get(void **state) {
  pool_request_t request = unit_request(NULL, "/");

  (void)state;
  unit_head_sends(&request, "GET / HTTP/1.1\r\n" HOST "\r\n");
}

static void methods_are_sent_as_they_are(void **state) {
  pool_request_t request = unit_request("get", "/");

  (void)state;
  unit_head_sends(&request, "get / HTTP/1.1\r\n" HOST "\r\n");
  request.method = "FOO-1!";
  unit_head_sends(&request, "FOO-1! / HTTP/1.1\r\n" HOST "\r\n");
  request.method = "connect";
  unit_head_sends(&request, "connect / HTTP/1.1\r\n" HOST "\r\n");
}

static void methods_that_are_no_tokens_are_refused(void **state) {
  static const char *const methods[] = {
      "",       " ",       "G T",
      " GET",   "GET ",    "GET\t",
      "G\xc9T", "GET\r\n", "GET / HTTP/1.1\r\nX: y",
      "G:T",    "CONNECT", "\"GET\"",
      "G/T"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    pool_request_t request = unit_request(methods[i], "/");

    unit_head_refuses(&request);
  }
}

static void each_byte_of_a_method_is_judged(void **state) {
  unsigned value, i;

  (void)state;
  for (value = 1; value < 256; value++)
    for (i = 0; i < 2; i++) {
      char method[32];
      pool_request_t request;
      char *bytes;

      strcpy(method, i == 0 ? "A?B" : "A?BCDEFGHIJKLMNOPQRSTUVW");
      method[1] = (char)value;
      request = unit_request(method, "/");
      bytes = unit_head_bytes(&request, NULL);
      assert_int_equal(bytes != NULL, is_token(value));
      assert_true(bytes == NULL || memcmp(bytes, method, strlen(method)) == 0);
      free(bytes);
    }
}

static void each_byte_of_a_path_is_judged(void **state) {
  unsigned value;

  (void)state;
  for (value = 1; value < 256; value++) {
    char path[] = "/a?b";
    pool_request_t request;
    char *bytes;

    path[2] = (char)value;
    request = unit_request(NULL, path);
    bytes = unit_head_bytes(&request, NULL);
    assert_int_equal(bytes != NULL,
                     value > 0x20 && value < 0x7f && value != '#');
    assert_true(bytes == NULL || memcmp(bytes + 4, path, 4) == 0);
    free(bytes);
  }
}

static void paths_start_with_a_slash(void **state) {
  static const char *const paths[] = {NULL,
                                      "",
                                      "a",
                                      "?",
                                      "http://a/",
                                      "//a b",
                                      " /",
                                      "*",
                                      "*/",
                                      "/#",
                                      "/a#b",
                                      "/\r\n",
                                      "/ HTTP/1.1\r\nX: y\r\n\r\n",
                                      "/\x7f",
                                      "/\xc4\x8a"};
  pool_request_t request;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    request = unit_request(NULL, paths[i]);
    unit_head_refuses(&request);
  }
  request = unit_request(NULL, "//x/../?a=b&c[]=%20|\"<>");
  unit_head_sends(&request,
                  "GET //x/../?a=b&c[]=%20|\"<> HTTP/1.1\r\n" HOST "\r\n");
}

static void only_options_may_ask_for_an_asterisk(void **state) {
  pool_request_t request = unit_request("OPTIONS", "*");

  (void)state;
  unit_head_sends(&request, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
  request.path = "**";
  unit_head_refuses(&request);
  request.path = "*?";
  unit_head_refuses(&request);
  request = unit_request("options", "*");
  unit_head_refuses(&request);
  request = unit_request("HEAD", "*");
  unit_head_refuses(&request);
}

static void unknown_flags_and_missing_pointers_are_refused(void **state) {
  pool_request_t request = unit_request(NULL, "/");
  pool_header_t header;

  (void)state;
  request.flags = 16;
  unit_head_refuses(&request);
  request.flags = 0x80000000u | POOL_COPY_BODY;
  unit_head_refuses(&request);
  request.flags = 0;
  request.header_count = 1;
  unit_head_refuses(&request);
  request.header_count = 0;
  request.body_len = 1;
  unit_head_refuses(&request);
  request = unit_request_with(&header, NULL, 0, "b", 1);
  unit_head_refuses(&request);
  request = unit_request_with(&header, NULL, 3, "b", 1);
  unit_head_refuses(&request);
  request = unit_request_with(&header, "A", 1, NULL, 1);
  unit_head_refuses(&request);
}

static void a_head_of_the_maximum_is_sent_and_no_longer_one(void **state) {
  static const char *const methods[] = {"GET", "PUT"};
  unsigned i;

  (void)state;
  for (i = 0; i < 2; i++) {
    pool_request_t request = unit_request(methods[i], "/");
    size_t len = strlen(i == 0 ? "GET / HTTP/1.1\r\n\r\n"
                               : "PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    pool__head_t head;
    pool__mem_t mem;
    unit_mem_t unit;

    unit_mem_init(&unit, &mem);
    memset(&head, 0, sizeof head);
    pool__head_init(&head, &mem);
    assert_int_equal(pool__head_write(&head, &request, len - 1), UV_EINVAL);
    assert_int_equal(pool__head_write(&head, &request, len), 0);
    pool__head_clear(&head);
    unit_mem_check(&unit, &mem);
  }
}

static void the_pieces_name_the_flags_of_the_request(void **state) {
  pool_header_t header;
  pool_request_t request =
      unit_request_with(&header, "Connection", 0, "close", 0);
  pool__head_t head;
  pool__mem_t mem;
  unit_mem_t unit;

  (void)state;
  unit_mem_init(&unit, &mem);
  memset(&head, 0, sizeof head);
  pool__head_init(&head, &mem);
  request.method = "HEAD";
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), 0);
  assert_true(head.is_head && head.wants_close && !head.own_host);
  pool__head_reset(&head);
  request = unit_request_with(&header, "Host", 0, "a", 0);
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), 0);
  assert_true(!head.is_head && !head.wants_close && head.own_host);
  pool__head_reset(&head);
  request = unit_request("head", "/");
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), 0);
  assert_true(!head.is_head && !head.wants_close && !head.own_host);
  pool__head_clear(&head);
  unit_mem_check(&unit, &mem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_zeroed_request_is_a_get),
      cmocka_unit_test(methods_are_sent_as_they_are),
      cmocka_unit_test(methods_that_are_no_tokens_are_refused),
      cmocka_unit_test(each_byte_of_a_method_is_judged),
      cmocka_unit_test(each_byte_of_a_path_is_judged),
      cmocka_unit_test(paths_start_with_a_slash),
      cmocka_unit_test(only_options_may_ask_for_an_asterisk),
      cmocka_unit_test(unknown_flags_and_missing_pointers_are_refused),
      cmocka_unit_test(a_head_of_the_maximum_is_sent_and_no_longer_one),
      cmocka_unit_test(the_pieces_name_the_flags_of_the_request),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
