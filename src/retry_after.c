#include "retry_after.h"

#include <string.h>

#define DATE_LEN 29u /* of "Sun, 06 Nov 1994 08:49:37 GMT" */

static int digits(const char *text, unsigned count, int *value) {
  unsigned i;

  *value = 0;
  for (i = 0; i < count; i++) {
    if (text[i] < '0' || text[i] > '9')
      return 0;
    *value = *value * 10 + (text[i] - '0');
  }
  return 1;
}

/* 0 to 11, or -1. */
static int month_of(const char *text) {
  static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int i;

  for (i = 0; i < 12; i++)
    if (memcmp(names[i], text, 3) == 0)
      return i;
  return -1;
}

/* Days from the first of March of the year 0, for a year that begins there. */
static int64_t days_of(int year, int month, int day) {
  int64_t y = month < 2 ? year - 1 : year;
  int64_t m = (month + 10) % 12; /* from March on */

  return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1;
}

/* IMF-fixdate (RFC 9110 section 5.6.7), the form that all have to send. */
static int read_date(const char *text, int64_t *seconds) {
  int day, year, hour, minute, second, month;

  if (strlen(text) != DATE_LEN || memcmp(text + 3, ", ", 2) != 0 ||
      memcmp(text + 25, " GMT", 4) != 0 || text[19] != ':' || text[22] != ':')
    return 0;
  month = month_of(text + 8);
  if (month < 0 || !digits(text + 5, 2, &day) || !digits(text + 12, 4, &year) ||
      !digits(text + 17, 2, &hour) || !digits(text + 20, 2, &minute) ||
      !digits(text + 23, 2, &second))
    return 0;
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return 0;
  *seconds =
      ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  return 1;
}

static int32_t in_bounds(int64_t ms) {
  if (ms < 0)
    return 0;
  return (int32_t)(ms < POOL__RETRY_AFTER_MAX_MS ? ms
                                                 : POOL__RETRY_AFTER_MAX_MS);
}

int32_t pool__retry_after_ms(const char *value, const char *date) {
  int64_t then = 0;
  int64_t now = 0;
  const char *at = value;

  while (*at >= '0' && *at <= '9') {
    if (then < POOL__RETRY_AFTER_MAX_MS)
      then = then * 10 + (*at - '0');
    at++;
  }
  if (at > value)
    return *at == '\0' ? in_bounds(then * 1000) : -1;
  if (date == NULL || !read_date(value, &then) || !read_date(date, &now))
    return -1;
  return in_bounds((then - now) * 1000);
}
