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

int pool__text_is_token(const char *at, size_t len) {
  const unsigned char *c = (const unsigned char *)at;
  size_t i;

  for (i = 0; i < len; i++)
    if (!tchar[c[i]])
      return 0;
  return len > 0;
}

static int value_char(unsigned char c) {
  return (c >= 0x20 && c != 0x7f) || c == '\t';
}

int pool__text_is_value(const char *at, size_t len) {
  const uint64_t ones = 0x0101010101010101u;
  const uint64_t highs = 0x8080808080808080u;
  const unsigned char *c = (const unsigned char *)at;
  size_t i = 0;

  /* Eight bytes at a time; a word with a byte below 0x20 or equal to 0x7f in
   * it is looked at byte by byte. A high bit may raise a false alarm next to
   * it, never hide a byte. */
  for (; i + 8 <= len; i += 8) {
    uint64_t word, below, deletes;
    size_t k;

    memcpy(&word, c + i, 8);
    below = (word - ones * 0x20) & ~word;
    deletes = ((word ^ (ones * 0x7f)) - ones) & ~(word ^ (ones * 0x7f));
    if (((below | deletes) & highs) == 0)
      continue;
    for (k = i; k < i + 8; k++)
      if (!value_char(c[k]))
        return 0;
  }
  for (; i < len; i++)
    if (!value_char(c[i]))
      return 0;
  return 1;
}

int pool__text_is_visible(const char *at, size_t len) {
  const unsigned char *c = (const unsigned char *)at;
  size_t i;

  for (i = 0; i < len; i++)
    if (c[i] <= 0x20 || c[i] >= 0x7f)
      return 0;
  return 1;
}

static int is_blank(char c) {
  return c == ' ' || c == '\t';
}

pool__text_t pool__text_trim(const char *at, size_t len) {
  pool__text_t text = {at, len};

  while (text.len > 0 && is_blank(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

int pool__text_is(const char *at, size_t len, const char *word) {
  size_t i;

  for (i = 0; i < len; i++) {
    unsigned char c = (unsigned char)at[i];

    if (c >= 'A' && c <= 'Z')
      c = (unsigned char)(c | 0x20);
    if (word[i] == '\0' || c != (unsigned char)word[i])
      return 0;
  }
  return word[len] == '\0';
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

int pool__text_number(const char *at, size_t len, uint64_t *number) {
  uint64_t n = 0;
  int too_large = 0;
  size_t i;

  if (len == 0)
    return UV_EINVAL;
  for (i = 0; i < len; i++) {
    unsigned digit = (unsigned)(unsigned char)at[i] - '0';

    if (digit > 9)
      return UV_EINVAL;
    if (n > (UINT64_MAX - digit) / 10)
      too_large = 1;
    else
      n = n * 10 + digit;
  }
  if (too_large)
    return UV_ERANGE;
  *number = n;
  return 0;
}
