/* The address of an endpoint: an IP literal and a port. */
#ifndef POOL_ADDRESS_H_
#define POOL_ADDRESS_H_

#include <uv.h>

/* "Host: [" + 45 + "]:65535\r\n" and a NUL fit. */
#define POOL__HOST_LINE_MAX 80u

typedef struct {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } socket;
  char host_line[POOL__HOST_LINE_MAX]; /* "Host: ...\r\n", NUL-ended */
  size_t host_line_len;
} pool__address_t;

/* Reads "1.2.3.4:80", "1.2.3.4", "[::1]:80", "[fe80::1%eth0]", each also
 * behind "http://"; without a port it is 80. The Host line has no zone (RFC
 * 6874) and no port 80 (RFC 9110 4.2.1). Errors: UV_EINVAL; UV_ENOTSUP for a
 * host name, "https://" and "unix:". */
int pool__address_parse(pool__address_t *address, const char *text);

/* Whether both are the same address and port. */
int pool__address_equal(const pool__address_t *a, const pool__address_t *b);

#endif
