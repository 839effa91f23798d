/* What is known of the ports that anybody listens or connects to. */
#ifndef SIM_PLACES_H_
#define SIM_PLACES_H_

#include "tcp.h"

void places_begin(void);

/* Found, or made; good as long as there is a listener or a connection. */
tcp_place_t *places_find(int port, int v6);

#endif
