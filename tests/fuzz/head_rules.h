/* What the fuzzer of requests knows of the rules (httpool.h, pool_request_t),
 * written down once more and not taken from src/. */
#ifndef FUZZ_HEAD_RULES_H_
#define FUZZ_HEAD_RULES_H_

#include <stddef.h>

#include "httpool.h"

typedef struct {
  const char *at;
  size_t len;
} span_t;

int span_same(span_t a, span_t b);

/* Whether it is that word, of lower-case letters, in whatever case. */
int span_is(span_t span, const char *word);

/* Without blanks at both ends. */
span_t span_trim(span_t span);

/* What a request asks of the fields that the library writes. */
typedef struct {
  unsigned hosts;   /* how many of its fields are Host */
  span_t host;      /* the last one's value */
  unsigned lengths; /* how many are Content-Length */
  unsigned close;   /* "Connection: close" is to be sent */
  int has_length;   /* Content-Length is to be sent, */
  size_t length;    /* with this */
  int is_bad;       /* it is to be refused for one of these, or its method */
} rules_wish_t;

void rules_wish(const pool_request_t *request, rules_wish_t *wish);

/* The method, also when none is given. */
const char *rules_method(const pool_request_t *request);

/* A field's name, and its value without blanks at both ends. */
span_t rules_name(const pool_header_t *header);
span_t rules_value(const pool_header_t *header);

/* Whether the library writes this field itself; whether it takes none. */
int rules_is_framing(span_t name);
int rules_is_refused(span_t name);

/* Whether the request is so plain that there is no reason to refuse it. */
int rules_is_plainly_good(const pool_request_t *request, size_t max_bytes);

#endif
