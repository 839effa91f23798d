/* What all of httpool.h stands on: names of things, and errors. Include
 * httpool.h. */
#ifndef HTTPOOL_BASE_H_
#define HTTPOOL_BASE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(HTTPOOL_LTO) /* how the library itself is built */
#define POOL_EXTERN __attribute__((visibility("default"), externally_visible))
#elif defined(__GNUC__)
#define POOL_EXTERN __attribute__((visibility("default")))
#else
#define POOL_EXTERN
#endif

/* A connection pool for one service; opaque. */
typedef struct pool_s pool_t;

/* Names one accepted request. It is a plain value: copy it, keep it, compare
 * it. Used after the request's callback it is POOL_EGONE, never a crash. An id
 * of 0 names no request. */
typedef struct {
  uint64_t id;
} pool_call_t;

/* Errors of our own; all others are libuv's. The values are an ABI: a new one
 * goes to the end. */
#define POOL_ERRNO_MAP(XX)                                                     \
  XX(EOVERLOADED, -10001, "as many requests pending as the pool allows")       \
  XX(ECLOSING, -10002, "the pool is draining or closed")                       \
  XX(EGONE, -10003, "the request has already ended")                           \
  XX(EHANGUP, -10004, "the server closed the connection before it answered")   \
  XX(EPARSE, -10005, "the answer is not valid HTTP/1.1")                       \
  XX(ETOOLARGE, -10006, "the answer is larger than the configured maximum")    \
  XX(ENOENDPOINT, -10007, "the pool has no endpoint")                          \
  XX(EUNHEALTHY, -10008, "every endpoint of the pool is out of service")       \
  XX(EREJECTED, -10009,                                                        \
     "on_retry rejected the answer, and no attempt is left")                   \
  XX(ELENGTH, -10010, "the body is not as long as the request declared")

#define XX(name, value, text) POOL_##name = value,
typedef enum { POOL_ERRNO_MAP(XX) } pool_errno_t;
#undef XX

/* A sentence for a status: "success" for 0, our codes' texts, else what
 * uv_strerror() says of libuv's. The string is static for every code that
 * exists and "unknown status" for one that does not: nothing is allocated. */
POOL_EXTERN const char *pool_strerror(int status);

/* The name of a status: "OK", "POOL_EOVERLOADED", "ECONNREFUSED", or
 * "UNKNOWN". Static strings. */
POOL_EXTERN const char *pool_err_name(int status);

/* The version of the library that is linked, as "major.minor.patch". */
POOL_EXTERN const char *pool_version(void);

#ifdef __cplusplus
}
#endif

#endif /* HTTPOOL_BASE_H_ */
