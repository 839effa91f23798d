/* The bodies of requests, their length, and whether what we send is one
 * request to a parser. */
#include "unit_test.h"
#include "unit_head.h"

#include <stdio.h>

#include <llhttp.h>

#define HOST UNIT_HOST

static pool_request_t with_body(const char *method, const char *body,
                                size_t len) {
  pool_request_t request = unit_request(method, "/");

  request.body = body;
  request.body_len = len;
  return request;
}

static void a_body_is_always_framed(void **state) {
  static const char *const methods[] = {"GET",    "HEAD",    "POST", "PUT",
                                        "DELETE", "OPTIONS", "FOO",  "PATCH"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    pool_request_t request = with_body(methods[i], "hello", 5);
    char expected[128];

    strcat(strcpy(expected, methods[i]),
           " / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    unit_head_sends(&request, expected);
  }
}

static void an_empty_body_is_framed_where_one_is_expected(void **state) {
  static const char *const methods[] = {"POST", "PUT",     "PATCH", "GET",
                                        "HEAD", "OPTIONS", "TRACE", "DELETE"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    pool_request_t request = with_body(methods[i], "x", 0);
    char expected[128];

    strcat(strcpy(expected, methods[i]), " / HTTP/1.1\r\n" HOST);
    strcat(expected, i < 3 ? "Content-Length: 0\r\n\r\n" : "\r\n");
    unit_head_sends(&request, expected);
  }
}

static void trace_has_no_body(void **state) {
  pool_request_t request = with_body("TRACE", "x", 1);

  (void)state;
  unit_head_refuses(&request);
}

static void only_a_true_content_length_is_taken(void **state) {
  static const char *const bad[] = {"3",
                                    "6",
                                    "x",
                                    "",
                                    "+5",
                                    "-5",
                                    "0x5",
                                    "5.0",
                                    "5,5",
                                    "5, 5",
                                    "5 5",
                                    "5;",
                                    "18446744073709551621",
                                    "4294967301",
                                    "50",
                                    NULL};
  pool_header_t headers[2];
  pool_request_t request;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    request = unit_request_with(headers, "content-length", 0, bad[i], 0);
    request.body = "hello";
    request.body_len = 5;
    unit_head_refuses(&request);
  }
  request = unit_request_with(headers, "content-Length", 0, " 005 ", 0);
  request.body = "hello";
  request.body_len = 5;
  unit_head_sends(&request,
                  "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
  headers[1] = headers[0];
  request.header_count = 2;
  unit_head_refuses(&request);
  request = unit_request_with(headers, "Content-Length", 0, "0", 0);
  unit_head_sends(&request,
                  "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
}

static void a_borrowed_body_is_the_callers_bytes(void **state) {
  char body[] = "hello";
  pool_request_t request = with_body("PUT", body, 5);
  uv_buf_t pieces[POOL__HEAD_PIECES];
  pool__head_t head;
  pool__mem_t mem;
  unit_mem_t unit;
  unsigned count;

  (void)state;
  unit_mem_init(&unit, &mem);
  memset(&head, 0, sizeof head);
  pool__head_init(&head, &mem);
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), 0);
  count = pool__head_pieces(&head, HOST, strlen(HOST), pieces);
  assert_int_equal(count, 4);
  assert_ptr_equal(pieces[3].base, body);
  assert_int_equal(unit.calls, 0);
  pool__head_reset(&head);
  unit_mem_check(&unit, &mem);
}

static void a_copied_body_outlives_the_callers(void **state) {
  static const size_t lens[] = {1, 5, 200, 300, 5000};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    char *body = malloc(lens[i]);
    uv_buf_t pieces[POOL__HEAD_PIECES];
    pool__head_t head;
    pool_request_t request;
    pool__mem_t mem;
    unit_mem_t unit;
    size_t k;

    assert_non_null(body);
    memset(body, 'b', lens[i]);
    request = with_body("PUT", body, lens[i]);
    request.flags = POOL_COPY_BODY;
    unit_mem_init(&unit, &mem);
    memset(&head, 0, sizeof head);
    pool__head_init(&head, &mem);
    assert_int_equal(pool__head_write(&head, &request, 256), 0);
    memset(body, 'x', lens[i]);
    free(body);
    assert_int_equal(pool__head_pieces(&head, HOST, strlen(HOST), pieces), 4);
    assert_int_equal(pieces[3].len, lens[i]);
    for (k = 0; k < lens[i]; k++)
      assert_int_equal(pieces[3].base[k], 'b');
    pool__head_reset(&head);
    assert_true(unit.bytes <= POOL__HEAD_KEEP);
    pool__head_clear(&head);
    unit_mem_check(&unit, &mem);
  }
}

static void without_memory_it_is_enomem_and_the_head_is_usable(void **state) {
  static char path[2000];
  pool_request_t request = unit_request(NULL, path);
  pool__head_t head;
  pool__mem_t mem;
  unit_mem_t unit;

  (void)state;
  memset(path, '/', sizeof path - 1);
  unit_mem_init(&unit, &mem);
  memset(&head, 0, sizeof head);
  pool__head_init(&head, &mem);
  unit.fail_at = 1;
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), UV_ENOMEM);
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), 0);
  pool__head_reset(&head);
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), 0);
  assert_int_equal(unit.calls, 2); /* the memory stayed */
  pool__head_reset(&head);
  request = with_body("PUT", "x", SIZE_MAX / 2 + 2);
  request.flags = POOL_COPY_BODY;
  assert_int_equal(pool__head_write(&head, &request, UNIT_HEAD_MAX), UV_ENOMEM);
  assert_int_equal(unit.calls, 2);
  pool__head_clear(&head);
  unit_mem_check(&unit, &mem);
}

/* What a parser makes of our bytes, to be compared with the request. */
typedef struct {
  char text[8192]; /* "method path;name=value;...;body" */
  size_t len;
  int complete;
} parsed_t;

static void add(parsed_t *parsed, const char *at, size_t len) {
  memcpy(parsed->text + parsed->len, at, len);
  parsed->len += len;
}

static int on_url(llhttp_t *parser, const char *at, size_t len) {
  add(parser->data, at, len);
  return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len) {
  add(parser->data, at, len);
  return 0;
}

static int on_field_end(llhttp_t *parser) {
  add(parser->data, "=", 1);
  return 0;
}

static int on_value_end(llhttp_t *parser) {
  add(parser->data, ";", 1);
  return 0;
}

static int on_url_end(llhttp_t *parser) {
  add(parser->data, ";", 1);
  return 0;
}

static int on_complete(llhttp_t *parser) {
  parsed_t *parsed = parser->data;

  parsed->complete++;
  return HPE_PAUSED;
}

static const llhttp_settings_t oracle = {
    .on_url = on_url,
    .on_url_complete = on_url_end,
    .on_header_field = on_field,
    .on_header_field_complete = on_field_end,
    .on_header_value = on_field,
    .on_header_value_complete = on_value_end,
    .on_body = on_field,
    .on_message_complete = on_complete};

static uint32_t random_of(uint64_t *seed, uint32_t below) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 33) % below;
}

static void random_text(char *text, uint32_t len, const char *of,
                        uint64_t *seed) {
  uint32_t i;

  for (i = 0; i < len; i++)
    text[i] = of[random_of(seed, (uint32_t)strlen(of))];
  text[len] = '\0';
}

/* Writes what the oracle should find to `expected`. */
static void random_request(pool_request_t *request, pool_header_t *headers,
                           char texts[][64], char *expected, uint64_t *seed) {
  static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};
  static const char visible[] = "aZ09-._~!$&'()*+,;=:@/?%[]\"<>|";
  uint32_t count = random_of(seed, 8);
  uint32_t i;

  *request = unit_request(methods[random_of(seed, 5)], texts[0]);
  random_text(texts[0], 1 + random_of(seed, 40), visible, seed);
  texts[0][0] = '/';
  strcat(strcpy(expected, texts[0]), ";");
  strcat(expected, "Host=10.0.0.7:8080;");
  for (i = 0; i < count; i++) {
    char *name = texts[1 + 2 * i];
    char *value = texts[2 + 2 * i];

    name[0] = 'q'; /* no name of ours starts like that */
    random_text(name + 1, random_of(seed, 30), "aZ09-._~!#$%&'*+^`|", seed);
    random_text(value, random_of(seed, 40), "aZ09 \t\x80\xff:;,\"=", seed);
    if (value[0] != '\0') {
      value[0] = 'v';
      value[strlen(value) - 1] = 'v';
    }
    headers[i].name = name;
    headers[i].value = value;
    headers[i].name_len = headers[i].value_len = 0;
    strcat(strcat(strcat(strcat(expected, name), "="), value), ";");
  }
  request->headers = headers;
  request->header_count = count;
}

static void what_is_sent_is_one_request_to_a_parser(void **state) {
  uint64_t seed = 7;
  int round;

  (void)state;
  for (round = 0; round < 2000; round++) {
    pool_request_t request;
    pool_header_t headers[8];
    char texts[17][64];
    char expected[2048];
    char body[64];
    static parsed_t parsed;
    llhttp_t parser;
    llhttp_errno_t err;
    size_t len;
    char *bytes;

    random_request(&request, headers, texts, expected, &seed);
    random_text(body, random_of(&seed, 60), "\r\n0: ax\xff", &seed);
    request.body = body;
    request.body_len = strlen(body);
    if (request.body_len > 0 || request.method[0] == 'P')
      sprintf(expected + strlen(expected), "Content-Length=%u;%s",
              (unsigned)strlen(body), body);
    bytes = unit_head_bytes(&request, &len);
    assert_non_null(bytes);
    memset(&parsed, 0, sizeof parsed);
    llhttp_init(&parser, HTTP_REQUEST, &oracle);
    parser.data = &parsed;
    err = llhttp_execute(&parser, bytes, len);
    assert_int_equal(err, HPE_PAUSED);
    assert_ptr_equal(llhttp_get_error_pos(&parser), bytes + len);
    assert_int_equal(parsed.complete, 1);
    assert_string_equal(llhttp_method_name(parser.method), request.method);
    parsed.text[parsed.len] = '\0';
    assert_string_equal(parsed.text, expected);
    free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_body_is_always_framed),
      cmocka_unit_test(an_empty_body_is_framed_where_one_is_expected),
      cmocka_unit_test(trace_has_no_body),
      cmocka_unit_test(only_a_true_content_length_is_taken),
      cmocka_unit_test(a_borrowed_body_is_the_callers_bytes),
      cmocka_unit_test(a_copied_body_outlives_the_callers),
      cmocka_unit_test(without_memory_it_is_enomem_and_the_head_is_usable),
      cmocka_unit_test(what_is_sent_is_one_request_to_a_parser),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
