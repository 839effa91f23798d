/* What a request has more than others when a body of it flows: who is told of
 * the answer piece by piece, the upload, and what was read while its consumer
 * had paused.
 *
 * A flow belongs to its call from the beginning to the end. It is on the list
 * `due` while something is to be told from the loop: that there is room again,
 * or what is left over from a pause. */
#ifndef POOL_FLOW_H_
#define POOL_FLOW_H_

#include "buf.h"
#include "queue.h"
#include "slab.h"
#include "upload.h"

typedef struct {
  pool__mem_t *mem;
  pool__slab_t slab;
  pool__list_t due;
  size_t high; /* of uploads */
  uint32_t used;
} pool__flows_t;

typedef struct pool__flow_s {
  pool__link_t link; /* on `due`, or on none */
  pool__flows_t *flows;
  struct pool__call_s *call; /* whose it is */
  uint32_t index;            /* of the slot */
  pool_head_cb on_head;
  pool_body_cb on_body;
  pool_drain_cb on_drain;
  pool__upload_t upload;
  pool__buf_t held;        /* bytes that were read and not looked at */
  size_t held_from;        /* those before it were */
  uint64_t moved;          /* bytes, either way, since `moved_from` */
  uint64_t moved_from;     /* ms */
  unsigned is_used : 1;    /* the slot was set up once */
  unsigned has_upload : 1; /* the request's body is one */
  unsigned expects : 1;    /* it is held back for a 100 (Continue) */
  unsigned paused : 1;     /* by its consumer */
  unsigned was_paused : 1; /* at some time: what took long says nothing */
  unsigned head_seen : 1;  /* of the answer */
  unsigned told : 1;       /* something of the answer, to the user */
} pool__flow_t;

void pool__flows_init(pool__flows_t *flows, pool__mem_t *mem, size_t high);

/* Frees the slots; none may be in use. */
void pool__flows_clear(pool__flows_t *flows);

/* Whether a request needs one. */
static inline int pool__flow_is_for(const pool_request_t *request) {
  return ((request->flags & (POOL_STREAM | POOL_EXPECT)) |
          (uintptr_t)request->on_head | (uintptr_t)request->on_body) != 0;
}

/* One for a request, whose upload is still to be begun. NULL: no memory. */
pool__flow_t *pool__flow_take(pool__flows_t *flows,
                              const pool_request_t *request);
void pool__flow_give(pool__flow_t *flow);

/* For another attempt. */
void pool__flow_rewind(pool__flow_t *flow);

/* Nothing of a body has gone either way, or it is there still: the request may
 * be sent anew. */
static inline int pool__flow_is_whole(const pool__flow_t *flow) {
  return !flow->told && pool__upload_can_rewind(&flow->upload);
}

/* It has something to do, or to tell, in its next turn. */
void pool__flow_set_due(pool__flow_t *flow);

/* Keeps bytes that cannot be looked at now. UV_ENOMEM. */
int pool__flow_hold(pool__flow_t *flow, const char *bytes, size_t len);

/* What was kept, and how much of it; 0: nothing. */
static inline size_t pool__flow_held(const pool__flow_t *flow) {
  return flow->held.len - flow->held_from;
}

/* Of what was kept only the last `len` bytes are still to be looked at. */
void pool__flow_keep(pool__flow_t *flow, size_t len);

/* Its consumer pauses. */
static inline void pool__flow_pause(pool__flow_t *flow) {
  flow->paused = flow->was_paused = 1;
}

/* Nothing moves because of the user, not of the network. `has_head`: of the
 * answer. */
int pool__flow_waits(const pool__flow_t *flow, int has_head);

/* Its request's body comes from the user in pieces. */
static inline int pool__flow_is_written(const pool__flow_t *flow) {
  return flow->has_upload && flow->upload.whole == NULL;
}

/* How long it took is, or may be, the user's doing. */
static inline int pool__flow_is_slowed(const pool__flow_t *flow) {
  return flow->was_paused ||
         (pool__flow_is_written(flow) && !pool__upload_is_over(&flow->upload));
}

/* Bytes have moved; and a new count begins. */
static inline void pool__flow_count(pool__flow_t *flow, size_t bytes) {
  flow->moved += bytes;
}
static inline void pool__flow_count_from(pool__flow_t *flow, uint64_t now) {
  flow->moved = 0;
  flow->moved_from = now;
}

#endif
