/* Header fields on their way through: hop-by-hop ones stay behind, Via and
 * X-Forwarded-For are added (RFC 9110 7.6). Knows no socket. */
#ifndef GATEWAY_FIELDS_H_
#define GATEWAY_FIELDS_H_

#include "httpool.h"
#include "inbound.h"

#define FIELDS_MAX (INBOUND_FIELDS + 4) /* that go on to the server */

typedef struct {
  pool_header_t list[FIELDS_MAX];
  size_t count;
  char forwarded[1024]; /* X-Forwarded-For; without a NUL */
  size_t forwarded_len;
} fields_t;

/* Those of a request, for the server; `peer` is the client's address. 0, or the
 * status of a refusal. */
int fields_for_server(fields_t *fields, const inbound_t *in, const char *peer);

/* Whether a field of an answer goes on to the client; its framing does not. */
int fields_is_for_client(const pool_result_t *result,
                         const pool_header_t *header);

/* Of an answer: the field with the length it says it has, or NULL. */
const pool_header_t *fields_length(const pool_result_t *result);

#endif
