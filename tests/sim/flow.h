/* The bytes of one direction of a connection, and the packets that are on
 * their way: two rings. See tcp.h. */
#ifndef SIM_FLOW_H_
#define SIM_FLOW_H_

#include "tcp.h"

/* A flow with nothing in it. Memory of a size that most need stays. */
tcp_flow_t flow_fresh(const tcp_flow_t *old);

/* Frees its memory. */
void flow_clear(tcp_flow_t *flow);

/* Packets are numbers; first in, first out. There has to be one to take. */
void flow_add_packet(tcp_flow_t *flow, uint64_t packet);
uint64_t flow_take_packet(tcp_flow_t *flow);

/* Adds bytes to what is queued. */
void flow_put(tcp_flow_t *flow, const char *from, size_t len);

/* Copies of what is ready, or takes it away; so much has to be there. */
void flow_get(const tcp_flow_t *flow, char *to, size_t len);
void flow_skip(tcp_flow_t *flow, size_t len);

#endif
