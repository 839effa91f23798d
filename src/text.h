/* The characters and small grammars of HTTP fields (RFC 9110 section 5.6). */
#ifndef POOL_TEXT_H_
#define POOL_TEXT_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* A piece of somebody else's bytes. */
typedef struct {
  const char *at;
  size_t len;
} pool__text_t;

/* The end of the run of tchar (RFC 9110 5.6.2) that starts at `at`. */
static inline const char *pool__text_skip_token(const char *at,
                                                const char *end);

/* The end of the run of characters that may stand in a field value or a reason
 * phrase: HTAB, SP, VCHAR, obs-text (RFC 9110 5.5). */
static inline const char *pool__text_skip_value(const char *at,
                                                const char *end);

/* How many tchar a NUL-ended text starts with. */
size_t pool__text_token_len(const char *text);

/* Whether all of it is tchar, and it is not empty. */
int pool__text_is_token(const char *at, size_t len);

/* Whether all of it may stand in a field value; empty is fine. */
int pool__text_is_value(const char *at, size_t len);

/* Whether all of it is visible ASCII, 0x21 to 0x7e; empty is fine. */
int pool__text_is_visible(const char *at, size_t len);

/* Without the SP and HTAB at both ends. */
static inline pool__text_t pool__text_trim(const char *at, size_t len);

/* Whether a text without control characters is `word`, a literal of lower-case
 * letters, digits and "-", in whatever case. */
#define pool__text_is(at, len, word)                                           \
  ((len) == sizeof("" word) - 1 && pool__text_same((at), "" word, (len)))
static inline int pool__text_same(const char *at, const char *word, size_t len);

/* The elements of a comma-separated list, trimmed, empty ones passed over (RFC
 * 9110 5.6.1). `rest` starts as the whole value and shrinks. 0 at the end. */
int pool__text_next_element(pool__text_t *rest, pool__text_t *element);

/* Digits only, at least one, at most UINT64_MAX: 0. Else UV_EINVAL, or
 * UV_ERANGE for digits of too large a number. */
int pool__text_number(const char *at, size_t len, uint64_t *number);

/* --- what runs for every line of every response ------------------------ */

const char *pool__text_skip_token_slowly(const char *at, const char *end);
const char *pool__text_skip_value_slowly(const char *at, const char *end);

#ifdef __SSE2__
/* One bit for each of the 16 bytes at `at` that is no letter, digit or "-". */
static inline unsigned pool__text_unusual(const char *at) {
  const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
  const __m128i low = _mm_or_si128(v, _mm_set1_epi8(0x20));
  const __m128i letter =
      _mm_cmpeq_epi8(low, _mm_min_epu8(_mm_max_epu8(low, _mm_set1_epi8('a')),
                                       _mm_set1_epi8('z')));
  const __m128i digit = _mm_cmpeq_epi8(
      v, _mm_min_epu8(_mm_max_epu8(v, _mm_set1_epi8('0')), _mm_set1_epi8('9')));
  const __m128i dash = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));
  const __m128i usual = _mm_or_si128(_mm_or_si128(letter, digit), dash);

  return (unsigned)_mm_movemask_epi8(usual) ^ 0xffffu;
}

/* One bit for each of the 16 bytes at `at` that is below 0x20 or is 0x7f. */
static inline unsigned pool__text_controls(const char *at) {
  const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
  const __m128i below = _mm_cmpeq_epi8(v, _mm_min_epu8(v, _mm_set1_epi8(0x1f)));
  const __m128i deletes = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

  return (unsigned)_mm_movemask_epi8(_mm_or_si128(below, deletes));
}
#endif

static inline const char *pool__text_skip_token(const char *at,
                                                const char *end) {
#ifdef __SSE2__
  if (end - at >= 16) {
    unsigned unusual = pool__text_unusual(at);

    at += unusual == 0 ? 16 : __builtin_ctz(unusual);
    if (unusual != 0 && *at == ':')
      return at;
  }
#endif
  return pool__text_skip_token_slowly(at, end);
}

static inline const char *pool__text_skip_value(const char *at,
                                                const char *end) {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    unsigned controls = pool__text_controls(at);

    if (controls == 0)
      continue;
    at += __builtin_ctz(controls);
    if (*at != '\t')
      return at;
    break;
  }
#endif
  return pool__text_skip_value_slowly(at, end);
}

/* Whether eight bytes are the eight of a word, letters in whatever case.
 * Setting bit 0x20 makes letters small and leaves digits and "-" as they are;
 * only a control character could become one of those by it. */
static inline int pool__text_same_eight(const char *at, const char *word) {
  uint64_t a, b;

  memcpy(&a, at, 8);
  memcpy(&b, word, 8);
  return (a | 0x2020202020202020u) == b;
}

static inline int pool__text_same(const char *at, const char *word,
                                  size_t len) {
  size_t i;

  if (len >= 8) {
    for (i = 0; i + 8 < len; i += 8)
      if (!pool__text_same_eight(at + i, word + i))
        return 0;
    return pool__text_same_eight(at + len - 8, word + len - 8);
  }
  for (i = 0; i < len; i++)
    if ((at[i] | 0x20) != word[i])
      return 0;
  return 1;
}

static inline int pool__text_is_blank(char c) {
  return c == ' ' || c == '\t';
}

static inline pool__text_t pool__text_trim(const char *at, size_t len) {
  const char *end = at + len;
  pool__text_t text;

  while (at < end && pool__text_is_blank(*at))
    at++;
  while (at < end && pool__text_is_blank(end[-1]))
    end--;
  text.at = at;
  text.len = (size_t)(end - at);
  return text;
}

#endif
