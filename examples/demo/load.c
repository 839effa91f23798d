#include "load.h"

#include <stdio.h>

/* --- what became of requests --------------------------------------------- */

static void count_error(tally_t *tally, int code) {
  int i;

  for (i = 0; i < TALLY_ERRORS; i++) {
    if (tally->errors[i].count == 0)
      tally->errors[i].code = code;
    if (tally->errors[i].code == code) {
      tally->errors[i].count++;
      return;
    }
  }
}

void tally_call(tally_t *tally, int err) {
  tally->calls++;
  if (err == 0)
    tally->accepted++;
  else if (err == POOL_EOVERLOADED)
    tally->refused++;
  else
    count_error(tally, err);
}

void tally_result(tally_t *tally, const pool_result_t *result) {
  uint32_t ms = result->total_ms;

  if (result->error != 0) {
    tally->failed++;
    count_error(tally, result->error);
    return;
  }
  tally->ok++;
  if (ms > tally->slowest)
    tally->slowest = ms;
  tally->took[ms < TALLY_MS ? ms : TALLY_MS]++;
}

uint32_t tally_percentile(const tally_t *tally, unsigned percent) {
  uint64_t seen = 0;
  uint32_t ms = 0;

  for (ms = 0; ms < TALLY_MS; ms++) {
    seen += tally->took[ms];
    if (seen * 100 >= tally->ok * percent)
      break;
  }
  return ms;
}

void tally_errors(const tally_t *tally, char *text, size_t size) {
  size_t len = 0;
  int i;

  text[0] = '\0';
  for (i = 0; i < TALLY_ERRORS && tally->errors[i].count > 0; i++) {
    if (len >= size)
      return;
    len += (size_t)snprintf(text + len, size - len, "%s%llu %s",
                            i == 0 ? "" : ", ",
                            (unsigned long long)tally->errors[i].count,
                            pool_err_name(tally->errors[i].code));
  }
}

/* --- callers ------------------------------------------------------------- */

static void make_request(load_t *load);

static void on_done(const pool_result_t *result, void *data) {
  load_t *load = data;

  tally_result(load->tally, result);
  load->callers--;
  if (load->callers < load->wanted)
    make_request(load);
}

static void make_request(load_t *load) {
  int err = pool_get(load->pool, "/users/42", on_done, load);

  tally_call(load->tally, err);
  if (err == 0)
    load->callers++;
}

void load_top_up(load_t *load) {
  uint32_t missing =
      load->wanted > load->callers ? load->wanted - load->callers : 0;

  while (missing-- > 0)
    make_request(load);
}
