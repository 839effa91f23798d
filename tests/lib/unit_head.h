/* Requests through the head room. */
#ifndef UNIT_HEAD_H_
#define UNIT_HEAD_H_

#include "head.h"

#define UNIT_HOST     "Host: 10.0.0.7:8080\r\n"
#define UNIT_HEAD_MAX 65536u

/* Writes a request and gathers its pieces for an endpoint with UNIT_HOST, with
 * a NUL behind them, in memory for free(); *len may be NULL. NULL when it is
 * refused: then the code was UV_EINVAL, nothing was allocated, and the same
 * head still takes a good request. Nothing is left of the head. */
char *unit_head_bytes(const pool_request_t *request, size_t *len);

/* The request has to be refused, or to become these bytes. */
void unit_head_refuses(const pool_request_t *request);
void unit_head_sends(const pool_request_t *request, const char *bytes);

/* All zeroes but what is given. */
pool_request_t unit_request(const char *method, const char *path);

/* A GET of "/" with one field, whose lengths are given too. */
pool_request_t unit_request_with(pool_header_t *header, const char *name,
                                 size_t name_len, const char *value,
                                 size_t value_len);

#endif
