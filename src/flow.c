#include "flow.h"

#include <assert.h>

#include "conn.h"

#define HELD_MAX POOL__CONN_READ_BYTES /* what one read may leave over */

void pool__flows_init(pool__flows_t *flows, pool__mem_t *mem, size_t high) {
  memset(flows, 0, sizeof *flows);
  flows->mem = mem;
  flows->high = high;
  pool__slab_init(&flows->slab, mem, sizeof(pool__flow_t));
  pool__list_init(&flows->due);
}

void pool__flows_clear(pool__flows_t *flows) {
  uint32_t i;

  assert(flows->used == 0 && pool__list_empty(&flows->due));
  for (i = 0; i < pool__slab_size(&flows->slab); i++) {
    pool__flow_t *flow = pool__slab_at(&flows->slab, i);

    if (!flow->is_used)
      continue;
    pool__buf_clear(&flow->held);
    pool__upload_clear(&flow->upload);
  }
  pool__slab_clear(&flows->slab);
}

static void set_up(pool__flow_t *flow, pool__flows_t *flows, uint32_t index) {
  flow->flows = flows;
  flow->index = index;
  flow->is_used = 1;
  pool__buf_init(&flow->held, flows->mem, HELD_MAX);
  pool__upload_init(&flow->upload, flows->mem, flows->high);
}

pool__flow_t *pool__flow_take(pool__flows_t *flows,
                              const pool_request_t *request) {
  uint32_t index;
  pool__flow_t *flow = pool__slab_take(&flows->slab, &index);

  if (flow == NULL)
    return NULL;
  if (!flow->is_used)
    set_up(flow, flows, index);
  flows->used++;
  flow->on_head = request->on_head;
  flow->on_body = request->on_body;
  flow->on_drain = request->on_drain;
  flow->held_from = 0;
  flow->has_upload = flow->expects = flow->head_seen = flow->told = 0;
  flow->paused = flow->was_paused = 0;
  pool__upload_begin(&flow->upload, 0);
  return flow;
}

/* Memory of rings and held bytes goes: a thousand streams that were slow once
 * would keep it for ever. */
void pool__flow_give(pool__flow_t *flow) {
  if (pool__link_listed(&flow->link))
    pool__list_remove(&flow->flows->due, &flow->link);
  pool__buf_clear(&flow->held);
  pool__upload_clear(&flow->upload);
  flow->flows->used--;
  pool__slab_give(&flow->flows->slab, flow->index);
}

void pool__flow_rewind(pool__flow_t *flow) {
  assert(pool__flow_is_whole(flow));
  flow->head_seen = 0;
  pool__buf_reset(&flow->held, 0);
  flow->held_from = 0;
  pool__upload_rewind(&flow->upload);
  flow->upload.held = flow->expects;
}

void pool__flow_set_due(pool__flow_t *flow) {
  if (!pool__link_listed(&flow->link))
    pool__list_append(&flow->flows->due, &flow->link);
}

int pool__flow_hold(pool__flow_t *flow, const char *bytes, size_t len) {
  return len == 0 ? 0 : pool__buf_append(&flow->held, bytes, len);
}

void pool__flow_keep(pool__flow_t *flow, size_t len) {
  flow->held_from = flow->held.len - len;
  if (len > 0)
    return;
  pool__buf_reset(&flow->held, 0);
  flow->held_from = 0;
}

int pool__flow_waits(const pool__flow_t *flow, int has_head) {
  const pool__upload_t *upload = &flow->upload;

  if (flow->paused)
    return 1;
  return flow->has_upload && !(upload->held && has_head) &&
         !pool__upload_is_over(upload) && pool__upload_is_idle(upload);
}
