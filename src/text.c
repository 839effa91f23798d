#include "text.h"

#include <string.h>

#include <uv.h>

/* RFC 9110 5.6.2: ! # $ % & ' * + - . ^ _ ` | ~ DIGIT ALPHA. */
static const unsigned char tchar[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1,
    ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,
    ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1,
    ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1,
    ['x'] = 1, ['y'] = 1, ['z'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1,
    ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,
    ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,
    ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1};

const char *pool__text_skip_token_slowly(const char *at, const char *end) {
  while (at < end && tchar[(unsigned char)*at])
    at++;
  return at;
}

size_t pool__text_token_len(const char *text) {
  size_t len = 0;

  while (tchar[(unsigned char)text[len]]) /* NUL is none */
    len++;
  return len;
}

int pool__text_is_token(const char *at, size_t len) {
  return len > 0 && pool__text_skip_token(at, at + len) == at + len;
}

static int is_value_char(char c) {
  return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

const char *pool__text_skip_value_slowly(const char *at, const char *end) {
  while (at < end && is_value_char(*at))
    at++;
  return at;
}

int pool__text_is_value(const char *at, size_t len) {
  return pool__text_skip_value(at, at + len) == at + len;
}

int pool__text_is_visible(const char *at, size_t len) {
  const unsigned char *c = (const unsigned char *)at;
  size_t i;

  for (i = 0; i < len; i++)
    if (c[i] <= 0x20 || c[i] >= 0x7f)
      return 0;
  return 1;
}

int pool__text_next_element(pool__text_t *rest, pool__text_t *element) {
  while (rest->len > 0) {
    const char *comma = memchr(rest->at, ',', rest->len);
    size_t len = comma == NULL ? rest->len : (size_t)(comma - rest->at);
    size_t step = comma == NULL ? len : len + 1;

    *element = pool__text_trim(rest->at, len);
    rest->at += step;
    rest->len -= step;
    if (element->len > 0)
      return 1;
  }
  return 0;
}

#define SAFE_DIGITS 19 /* always less than 2^64 */

int pool__text_number(const char *at, size_t len, uint64_t *number) {
  uint64_t n = 0;
  int too_large = 0;
  size_t i;

  for (i = 0; i < len && i < SAFE_DIGITS; i++) {
    unsigned digit = (unsigned)(unsigned char)at[i] - '0';

    if (digit > 9)
      return UV_EINVAL;
    n = n * 10 + digit;
  }
  for (; i < len; i++) {
    unsigned digit = (unsigned)(unsigned char)at[i] - '0';

    if (digit > 9)
      return UV_EINVAL;
    too_large |= n > (UINT64_MAX - digit) / 10;
    n = n * 10 + digit;
  }
  if (len == 0 || too_large)
    return len == 0 ? UV_EINVAL : UV_ERANGE;
  *number = n;
  return 0;
}
