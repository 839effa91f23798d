/* Names and texts of statuses, and the library's version. */
#include "httpool.h"

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

const char *pool_version(void) {
  return TEXT(POOL_VERSION_MAJOR) "." TEXT(POOL_VERSION_MINOR) "." TEXT(
      POOL_VERSION_PATCH);
}

/* Both of libuv's own functions allocate (and leak) for a code they do not
 * know; going through its list ourselves does not. */
const char *pool_strerror(int status) {
  switch (status) {
  case 0:
    return "success";
#define XX(name, value, text)                                                  \
  case value:                                                                  \
    return text;
    POOL_ERRNO_MAP(XX)
#undef XX
#define XX(name, text)                                                         \
  case UV_##name:                                                              \
    return text;
    UV_ERRNO_MAP(XX)
#undef XX
  default:
    return "unknown status";
  }
}

const char *pool_err_name(int status) {
  switch (status) {
  case 0:
    return "OK";
#define XX(name, value, text)                                                  \
  case value:                                                                  \
    return "POOL_" #name;
    POOL_ERRNO_MAP(XX)
#undef XX
#define XX(name, text)                                                         \
  case UV_##name:                                                              \
    return #name;
    UV_ERRNO_MAP(XX)
#undef XX
  default:
    return "UNKNOWN";
  }
}
