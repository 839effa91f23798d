#include "kinds.h"

#include <string.h>

#define XX(name, text, group, chance, hit, spill)                              \
  {text, GROUP_##group, chance, hit, spill},
static const kind_info_t infos[] = {KIND_MAP(XX)};
#undef XX

const kind_info_t *kind_info(kind_t kind) {
  static const kind_info_t none = {"plain", GROUP_ANSWER, 0, END_OK, END_OK};

  return kind == KIND_NONE ? &none : &infos[kind];
}

int kind_is_wide(kind_t kind) {
  return infos[kind].group == GROUP_CHAOS || kind == KIND_BLOCKED_LOOP ||
         kind == KIND_BURST || kind == KIND_ENDPOINT_REMOVED;
}

kind_t kind_find(const char *name) {
  int kind = 0;

  while (kind < KINDS && strcmp(infos[kind].name, name) != 0)
    kind++;
  return (kind_t)kind;
}
