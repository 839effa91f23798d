/* Retry-After: when a server wants to be asked again. */
#ifndef POOL_RETRY_AFTER_H_
#define POOL_RETRY_AFTER_H_

#include <stdint.h>

/* Retry-After (RFC 9110 section 10.2.3) in ms from now: of delay-seconds, or of
 * a date against the answer's Date, or NULL; at most POOL__RETRY_AFTER_MAX_MS.
 * -1 when it is neither, or a date without anything to hold it against. */
#define POOL__RETRY_AFTER_MAX_MS 300000
int32_t pool__retry_after_ms(const char *value, const char *date);

#endif
