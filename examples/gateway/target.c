#include "target.h"

#include <string.h>
#include <strings.h>

#define SCHEME "http://"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A name, or an address, in brackets if it is one of IPv6. No percent-encoding:
 * that hides what no name has. */
static size_t host_len(const char *text) {
  size_t len;

  if (*text != '[')
    return strspn(text, LETTERS DIGITS "-._~!$&'()*+,;=");
  len = 1 + strspn(text + 1, LETTERS DIGITS ":.");
  return len > 1 && text[len] == ']' ? len + 1 : 0;
}

/* RFC 3986 3.2 without userinfo, which RFC 9110 4.2.4 has us refuse. 0: there
 * is no host in it. */
static size_t authority_len(const char *text) {
  size_t len = host_len(text);

  if (len > 0 && text[len] == ':')
    len += 1 + strspn(text + len + 1, DIGITS);
  return len;
}

/* What is no path in the absolute-form: "*" is what OPTIONS has for none
 * (RFC 9112 3.2.4), others have "/". There is room for it in front. */
static char *complete(char *path, int is_options) {
  if (*path == '/')
    return path;
  path[-1] = *path == '\0' && is_options ? '*' : '/';
  return path - 1;
}

/* The authority moves to the front, so that a NUL can follow it. */
static int read_absolute(target_t *target, char *text, int is_options) {
  char *authority = text + strlen(SCHEME);
  size_t len = authority_len(authority);
  char *path = authority + len;

  if (len == 0 || strchr("/?", *path) == NULL)
    return 400; /* the NUL is found too */
  memmove(text, authority, len);
  text[len] = '\0';
  target->authority = text;
  target->path = complete(path, is_options);
  return 0;
}

int target_read(target_t *target, char *text, int is_options) {
  if (strncasecmp(text, SCHEME, strlen(SCHEME)) == 0)
    return read_absolute(target, text, is_options);
  target->authority = NULL;
  target->path = text;
  return *text == '/' || strcmp(text, "*") == 0 ? 0 : 400;
}
