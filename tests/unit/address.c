#include "unit_test.h"

#include "address.h"

typedef struct {
  const char *text;
  const char *host_line;
  const char *literal; /* as the system prints it */
  int port;
} good_t;

static void expect_good(const good_t *good) {
  pool__address_t address;
  char literal[64];

  memset(&address, 0xa5, sizeof address);
  if (pool__address_parse(&address, good->text) != 0)
    fail_msg("%s is refused", good->text);
  assert_string_equal(address.host_line, good->host_line);
  assert_int_equal(address.host_line_len, strlen(good->host_line));
  if (address.socket.any.sa_family == AF_INET) {
    assert_int_equal(ntohs(address.socket.v4.sin_port), good->port);
    uv_ip4_name(&address.socket.v4, literal, sizeof literal);
  } else {
    assert_int_equal(address.socket.any.sa_family, AF_INET6);
    assert_int_equal(ntohs(address.socket.v6.sin6_port), good->port);
    uv_ip6_name(&address.socket.v6, literal, sizeof literal);
  }
  assert_string_equal(literal, good->literal);
}

static void literals_are_read(void **state) {
  static const good_t good[] = {
      {"10.0.0.7:8080", "Host: 10.0.0.7:8080\r\n", "10.0.0.7", 8080},
      {"10.0.0.7", "Host: 10.0.0.7\r\n", "10.0.0.7", 80},
      {"10.0.0.7:80", "Host: 10.0.0.7\r\n", "10.0.0.7", 80},
      {"10.0.0.7:0080", "Host: 10.0.0.7\r\n", "10.0.0.7", 80},
      {"http://10.0.0.7", "Host: 10.0.0.7\r\n", "10.0.0.7", 80},
      {"http://10.0.0.7:81", "Host: 10.0.0.7:81\r\n", "10.0.0.7", 81},
      {"255.255.255.255:65535", "Host: 255.255.255.255:65535\r\n",
       "255.255.255.255", 65535},
      {"0.0.0.0:1", "Host: 0.0.0.0:1\r\n", "0.0.0.0", 1},
      {"[::1]", "Host: [::1]\r\n", "::1", 80},
      {"[::1]:80", "Host: [::1]\r\n", "::1", 80},
      {"[::1]:8080", "Host: [::1]:8080\r\n", "::1", 8080},
      {"[::]:1", "Host: [::]:1\r\n", "::", 1},
      {"http://[::1]:8080", "Host: [::1]:8080\r\n", "::1", 8080},
      {"[::1%lo]:8080", "Host: [::1]:8080\r\n", "::1", 8080},
      {"[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
       "Host: [2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535\r\n",
       "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
      {"[::ffff:10.0.0.7]:81", "Host: [::ffff:10.0.0.7]:81\r\n",
       "::ffff:10.0.0.7", 81},
      {"[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535",
       "Host: [0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535\r\n",
       "::ffff:255.255.255.255", 65535},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof good / sizeof good[0]; i++)
    expect_good(&good[i]);
}

static void expect_refused(const char *text, int err) {
  pool__address_t address, before;

  memset(&address, 0xa5, sizeof address);
  memcpy(&before, &address, sizeof address);
  if (pool__address_parse(&address, text) != err)
    fail_msg("%s: %d", text, pool__address_parse(&address, text));
  assert_memory_equal(&address, &before, sizeof address);
}

static void what_is_no_address_is_refused(void **state) {
  static const char *const bad[] = {"",
                                    ":",
                                    ":80",
                                    "10.0.0.7:",
                                    "10.0.0.7:0",
                                    "10.0.0.7:65536",
                                    "10.0.0.7:99999999999999999999",
                                    "10.0.0.7:8x",
                                    "10.0.0.7:+80",
                                    "10.0.0.7:-1",
                                    "10.0.0.7: 80",
                                    "10.0.0.7:80 ",
                                    " 10.0.0.7",
                                    "10.0.0.7 ",
                                    "10.0.0",
                                    "10.0.0.256",
                                    "10.0.0.7.8",
                                    "10.0.0.7:80:80",
                                    "10.0.0.7/",
                                    "10.0.0.7:80/",
                                    "http://10.0.0.7/",
                                    "http://",
                                    "http://http://10.0.0.7",
                                    "::1",
                                    "::1:80",
                                    "[",
                                    "]",
                                    "[]",
                                    "[]:80",
                                    "[::1",
                                    "[::1]80",
                                    "[::1]:",
                                    "[::1]:0",
                                    "[::1]:65536",
                                    "[::1] ",
                                    "[ ::1]",
                                    "[:::1]",
                                    "[::g]",
                                    "[10.0.0.7]",
                                    "[10.0.0.7]:80",
                                    "[::1%]",
                                    "[::1%no-such-zone]:80",
                                    "[[::1]]",
                                    "[1:2:3:4:5:6:7:8:9]",
                                    "user@10.0.0.7",
                                    "10.0.0.7\r\n",
                                    "10.0.0.7:80\r\nX: y",
                                    "-",
                                    ".",
                                    "a b",
                                    "a_b",
                                    "\xc3\xa4.example",
                                    "name:0",
                                    "name:x",
                                    "name:"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
    expect_refused(bad[i], UV_EINVAL);
}

static void what_is_not_there_yet_is_told_apart(void **state) {
  static const char *const later[] = {"localhost",
                                      "localhost:80",
                                      "http://localhost",
                                      "a.example.",
                                      "x-1.y",
                                      "1.2.3.4a",
                                      "https://10.0.0.7",
                                      "https://[::1]:443",
                                      "https://",
                                      "unix:/run/x.sock",
                                      "unix:"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof later / sizeof later[0]; i++)
    expect_refused(later[i], UV_ENOTSUP);
}

/* An address is read whole or not at all: with a zone libuv cuts what is in
 * front of it to 39 characters, and the rest would be another address. */
static void a_long_literal_with_a_zone_is_not_cut(void **state) {
  (void)state;
  expect_refused("[0000:0000:0000:0000:0000:0000:0000:0001:beef%lo]",
                 UV_EINVAL);
  expect_refused("[0000:0000:0000:0000:0000:0000:0000:0001junk%lo]:80",
                 UV_EINVAL);
}

static void a_mapped_address_with_a_zone_is_that_address(void **state) {
  pool__address_t address;
  char literal[64];

  (void)state;
  if (pool__address_parse(
          &address, "[0000:0000:0000:0000:0000:ffff:10.10.1.100%lo]:80") != 0)
    return; /* refused is fine, another address is not */
  uv_ip6_name(&address.socket.v6, literal, sizeof literal);
  assert_string_equal(literal, "::ffff:10.10.1.100");
}

static void a_very_long_text_is_refused(void **state) {
  static const char *const starts[] = {
      "", "[", "[::1%", "10.0.0.7:", "[::1]:", "a", "[0"};
  static const char fills[] = {'1', ':', '0', '%', 'f', '.'};
  char text[600];
  size_t i, k;

  (void)state;
  for (i = 0; i < sizeof starts / sizeof starts[0]; i++)
    for (k = 0; k < sizeof fills; k++) {
      pool__address_t address;
      int err;

      memset(text, fills[k], sizeof text);
      memcpy(text, starts[i], strlen(starts[i]));
      text[sizeof text - 1] = '\0';
      err = pool__address_parse(&address, text);
      assert_true(err == UV_EINVAL || err == UV_ENOTSUP);
      text[sizeof text - 2] = ']';
      assert_true(pool__address_parse(&address, text) < 0);
    }
}

static int same(const char *a, const char *b) {
  pool__address_t one, other;

  assert_int_equal(pool__address_parse(&one, a), 0);
  assert_int_equal(pool__address_parse(&other, b), 0);
  assert_int_equal(pool__address_equal(&one, &other),
                   pool__address_equal(&other, &one));
  return pool__address_equal(&one, &other);
}

static void the_same_address_and_port_are_equal(void **state) {
  (void)state;
  assert_true(same("10.0.0.7", "http://10.0.0.7:80"));
  assert_true(same("[::1]:80", "[0:0:0:0:0:0:0:1]"));
  assert_true(same("[::ABCD]", "[::abcd]"));
  assert_false(same("10.0.0.7", "10.0.0.8"));
  assert_false(same("10.0.0.7:80", "10.0.0.7:81"));
  assert_false(same("[::1]:80", "[::1]:81"));
  assert_false(same("[::1]:80", "[::2]:80"));
  assert_false(same("[::1]", "[::1%lo]"));
  assert_false(same("10.0.0.7", "[::ffff:10.0.0.7]"));
  assert_true(same("[::1%lo]", "[0::1%lo]"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(literals_are_read),
      cmocka_unit_test(what_is_no_address_is_refused),
      cmocka_unit_test(what_is_not_there_yet_is_told_apart),
      cmocka_unit_test(a_long_literal_with_a_zone_is_not_cut),
      cmocka_unit_test(a_mapped_address_with_a_zone_is_that_address),
      cmocka_unit_test(a_very_long_text_is_refused),
      cmocka_unit_test(the_same_address_and_port_are_equal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
