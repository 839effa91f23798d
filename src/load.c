#include "load.h"

#define NS_A_MS    1000000u
#define LATENCY_US (1u << 24) /* more makes no difference: 16 s */
#define TOOK_MS    (1u << 20) /* so that nothing overflows: 17 minutes */
#define FULL       (1u << 20) /* fails: all of them */
#define SHARE      8u         /* of one attempt in an endpoint's fails */
#define POOL_SHARE 64u        /* and in the pool's figures */
#define LEAST_GOOD (FULL / 32)

/* The part of `value` that is left after `ms`. */
static uint64_t decayed(uint64_t value, uint64_t ms) {
  return ms == 0 ? value : value * POOL__LOAD_TAU_MS / (POOL__LOAD_TAU_MS + ms);
}

static uint64_t since(const pool__load_t *load, uint64_t now) {
  return now > load->noted_at ? now - load->noted_at : 0;
}

static uint64_t toward(uint64_t from, uint64_t to, uint64_t ms) {
  return from > to ? to + decayed(from - to, ms) : from;
}

static uint64_t latency_at(const pool__load_t *load,
                           const pool__load_t *typical, uint64_t now) {
  if (load->latency_ns == 0)
    return typical->latency_ns;
  return toward(load->latency_ns, typical->latency_ns, since(load, now));
}

static uint64_t mixed(uint64_t old, uint64_t sample, uint64_t share) {
  return sample > old ? old + (sample - old) / share
                      : old - (old - sample) / share;
}

static void note_fails(pool__load_t *load, pool__load_t *typical, uint64_t now,
                       uint32_t sample) {
  load->fails =
      (uint32_t)mixed(decayed(load->fails, since(load, now)), sample, SHARE);
  typical->fails = (uint32_t)mixed(typical->fails, sample, POOL_SHARE);
  typical->noted_at = now;
}

void pool__load_answered(pool__load_t *load, pool__load_t *typical,
                         uint64_t now, uint64_t took_ms) {
  uint64_t took_ns = (took_ms == 0        ? 1
                      : took_ms < TOOK_MS ? took_ms
                                          : TOOK_MS) *
                     NS_A_MS;
  uint64_t known = load->latency_ns;

  /* From its last value towards the sample, over time: not towards the pool's,
   * for it was observed. */
  if (known == 0 || took_ns > known)
    load->latency_ns = took_ns;
  else if (took_ns < known)
    load->latency_ns = toward(known, took_ns, since(load, now));
  if (typical->latency_ns == 0)
    typical->latency_ns = took_ns;
  else if (typical->latency_ns != took_ns)
    typical->latency_ns = mixed(typical->latency_ns, took_ns, POOL_SHARE);
  if ((load->fails | typical->fails) != 0)
    note_fails(load, typical, now, 0); /* nothing becomes nothing */
  load->noted_at = now;
}

void pool__load_failed(pool__load_t *load, pool__load_t *typical,
                       uint64_t now) {
  load->latency_ns = latency_at(load, typical, now);
  note_fails(load, typical, now, FULL);
  load->noted_at = now;
}

/* (1 / share of the good ones) squared. */
static uint32_t penalty_of(uint64_t fails) {
  uint64_t good = FULL - fails > LEAST_GOOD ? FULL - fails : LEAST_GOOD;
  uint64_t root = ((uint64_t)FULL << 4) / good; /* 16 to 512 */

  return (uint32_t)(root * root);
}

pool__load_now_t pool__load_now(const pool__load_t *load,
                                const pool__load_t *typical, uint64_t now) {
  pool__load_now_t result;
  uint64_t us = latency_at(load, typical, now) / 1000;

  result.latency_us = us < 1000 ? 1000 : us > LATENCY_US ? LATENCY_US : us;
  result.penalty = penalty_of(decayed(load->fails, since(load, now)));
  return result;
}
