#include "flow.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES 65536u

tcp_flow_t flow_fresh(const tcp_flow_t *old) {
  tcp_flow_t flow;

  memset(&flow, 0, sizeof flow);
  flow.packets = old->packets;
  flow.packet_room = old->packet_room;
  if (old->room > KEPT_BYTES) {
    free(old->bytes);
  } else {
    flow.bytes = old->bytes;
    flow.room = old->room;
  }
  return flow;
}

void flow_clear(tcp_flow_t *flow) {
  free(flow->bytes);
  free(flow->packets);
}

static void grow_packets(tcp_flow_t *flow) {
  uint32_t room = flow->packet_room == 0 ? 8 : flow->packet_room * 2;
  uint64_t *packets;
  uint32_t i;

  if (flow->packet_count < flow->packet_room)
    return;
  packets = malloc(room * sizeof *packets);
  if (packets == NULL)
    abort();
  for (i = 0; i < flow->packet_count; i++)
    packets[i] =
        flow->packets[(flow->packet_first + i) & (flow->packet_room - 1)];
  free(flow->packets);
  flow->packets = packets;
  flow->packet_room = room;
  flow->packet_first = 0;
}

void flow_add_packet(tcp_flow_t *flow, uint64_t packet) {
  grow_packets(flow);
  flow->packets[(flow->packet_first + flow->packet_count++) &
                (flow->packet_room - 1)] = packet;
}

uint64_t flow_take_packet(tcp_flow_t *flow) {
  uint64_t packet = flow->packets[flow->packet_first];

  flow->packet_first = (flow->packet_first + 1) & (flow->packet_room - 1);
  flow->packet_count--;
  return packet;
}

static void grow(tcp_flow_t *flow, size_t len) {
  size_t used = flow->ready + flow->flight + flow->queued;
  size_t room = flow->room == 0 ? 1024 : flow->room;
  size_t head;
  char *bytes;

  if (used + len <= flow->room)
    return;
  while (room < used + len)
    room *= 2;
  bytes = malloc(room);
  if (bytes == NULL)
    abort();
  head = flow->room - flow->first < used ? flow->room - flow->first : used;
  if (used > 0) {
    memcpy(bytes, flow->bytes + flow->first, head);
    memcpy(bytes + head, flow->bytes, used - head);
  }
  free(flow->bytes);
  flow->bytes = bytes;
  flow->room = room;
  flow->first = 0;
}

void flow_put(tcp_flow_t *flow, const char *from, size_t len) {
  size_t at, head;

  grow(flow, len);
  at = (flow->first + flow->ready + flow->flight + flow->queued) &
       (flow->room - 1);
  head = flow->room - at < len ? flow->room - at : len;
  memcpy(flow->bytes + at, from, head);
  memcpy(flow->bytes, from + head, len - head);
  flow->queued += len;
}

void flow_get(const tcp_flow_t *flow, char *to, size_t len) {
  size_t head = flow->room - flow->first < len ? flow->room - flow->first : len;

  memcpy(to, flow->bytes + flow->first, head);
  memcpy(to + head, flow->bytes, len - head);
}

void flow_skip(tcp_flow_t *flow, size_t len) {
  flow->first = (flow->first + len) & (flow->room - 1);
  flow->ready -= len;
}
