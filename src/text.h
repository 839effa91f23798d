/* The characters and small grammars of HTTP fields (RFC 9110 section 5.6). */
#ifndef POOL_TEXT_H_
#define POOL_TEXT_H_

#include <stddef.h>
#include <stdint.h>

/* A piece of somebody else's bytes. */
typedef struct {
  const char *at;
  size_t len;
} pool__text_t;

/* Whether all of it is tchar, and it is not empty (RFC 9110 5.6.2). */
int pool__text_is_token(const char *at, size_t len);

/* Whether all of it may stand in a field value or a reason phrase: HTAB, SP,
 * VCHAR, obs-text (RFC 9110 5.5); empty is fine. */
int pool__text_is_value(const char *at, size_t len);

/* Whether all of it is visible ASCII, 0x21 to 0x7e; empty is fine. */
int pool__text_is_visible(const char *at, size_t len);

/* Without the SP and HTAB at both ends. */
pool__text_t pool__text_trim(const char *at, size_t len);

/* Whether it is `word`, which is NUL-ended and in lower case, in any case. */
int pool__text_is(const char *at, size_t len, const char *word);

/* The elements of a comma-separated list, trimmed, empty ones passed over (RFC
 * 9110 5.6.1). `rest` starts as the whole value and shrinks. 0 at the end. */
int pool__text_next_element(pool__text_t *rest, pool__text_t *element);

/* Digits only, at least one, at most UINT64_MAX: 0. Else UV_EINVAL, or
 * UV_ERANGE for digits of too large a number. */
int pool__text_number(const char *at, size_t len, uint64_t *number);

#endif
