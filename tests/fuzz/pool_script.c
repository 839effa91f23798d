#include "pool_script.h"

#define NONE SCRIPT_STEPS_MAX

/* Tracks by the lowest three bits; users and servers have two each. */
static const script_track_t tracks[8] = {
    SCRIPT_USER,  SCRIPT_SERVER,  SCRIPT_USER,   SCRIPT_CALLBACK,
    SCRIPT_FAULT, SCRIPT_CONNECT, SCRIPT_SERVER, SCRIPT_CALLBACK};

/* Reads one step; returns the bytes behind it. */
static const uint8_t *read_step(script_step_t *step, const uint8_t *at,
                                const uint8_t *end) {
  step->op = at[0] >> 3;
  step->a = at[1];
  step->b = at[2];
  step->raw_len = 0;
  step->raw = at += 3;
  step->next = NONE;
  if (step->op != SCRIPT_RAW)
    return at;
  step->raw_len = end - at < step->a ? (uint8_t)(end - at) : step->a;
  return at + step->raw_len;
}

void script_init(script_t *script, const uint8_t *data, size_t size) {
  const uint8_t *at = data + SCRIPT_SETTINGS;
  const uint8_t *end = data + size;
  uint32_t last[SCRIPT_TRACKS];
  unsigned track;

  for (track = 0; track < SCRIPT_TRACKS; track++)
    script->first[track] = last[track] = NONE;
  script->settings = data;
  script->cycles = 0;
  script->count = 0;
  while (end - at >= 3 && script->count < SCRIPT_STEPS_MAX) {
    uint32_t i = script->count++;

    track = tracks[at[0] & 7];
    at = read_step(&script->steps[i], at, end);
    if (last[track] == NONE)
      script->first[track] = i;
    else
      script->steps[last[track]].next = i;
    last[track] = i;
  }
  for (track = 0; track < SCRIPT_TRACKS; track++)
    script->next[track] = script->first[track];
}

const script_step_t *script_next(script_t *script, script_track_t track) {
  uint32_t at = script->next[track];

  if (at == NONE && (script->cycles >> track & 1) != 0)
    at = script->first[track];
  if (at == NONE)
    return NULL;
  script->next[track] = script->steps[at].next;
  return &script->steps[at];
}
