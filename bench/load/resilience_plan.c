#include "resilience_plan.h"

#include <stdlib.h>
#include <string.h>

#include "../common.h"
#include "random.h"

static double ms_at(const char **at) {
  char *end;
  double ms = strtod(*at, &end);

  if (end == *at || !(ms >= 0 && ms < 1e6))
    bench_fail(*at, "not a time in ms");
  *at = end;
  return ms;
}

void plan_answer(plan_answer_t *answer, const char *text) {
  memset(answer, 0, sizeof *answer);
  answer->status = 200;
  if (*text == '~') {
    text++;
    answer->average_ms = ms_at(&text);
  } else {
    answer->least_ms = answer->most_ms = ms_at(&text);
    if (*text == '-') {
      text++;
      answer->most_ms = ms_at(&text);
    }
  }
  if (*text == '@') {
    answer->status = bench_number(text + 1);
    text = "";
  }
  if (*text != '\0' || answer->most_ms < answer->least_ms)
    bench_fail(text, "not what an endpoint does");
}

static plan_mode_t mode_of(const char *text, size_t len) {
  static const char *const names[] = {"", "hangup", "refuse", "fail"};
  int mode;

  for (mode = PLAN_HANGUP; mode <= PLAN_FAIL; mode++)
    if (strlen(names[mode]) == len && memcmp(names[mode], text, len) == 0)
      return (plan_mode_t)mode;
  return PLAN_WELL;
}

void plan_outage(plan_outage_t *outage, const char *text) {
  const char *at = text + strcspn(text, ":");

  outage->mode = mode_of(text, (size_t)(at - text));
  if (outage->mode == PLAN_WELL || *at != ':')
    bench_fail(text, "not an outage");
  at++;
  outage->from_ms = (uint64_t)ms_at(&at);
  if (*at != ':')
    bench_fail(text, "not an outage");
  at++;
  outage->to_ms = (uint64_t)ms_at(&at);
  if (*at != '\0' || outage->to_ms <= outage->from_ms)
    bench_fail(text, "not an outage");
}

uint64_t plan_next_ms(const plan_answer_t *answer, uint64_t *seed) {
  double range = answer->most_ms - answer->least_ms;

  if (answer->average_ms > 0)
    return (uint64_t)(random_exponential(seed, answer->average_ms) + 0.5);
  return (uint64_t)(answer->least_ms + random_part(seed) * range + 0.5);
}
