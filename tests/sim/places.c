#include "places.h"

#include <stdlib.h>
#include <string.h>

#include "timeline.h"

#define PLACES_MAX 128u

static tcp_place_t places[PLACES_MAX];
static uint32_t place_count;

void places_begin(void) {
  memset(places, 0, sizeof places);
  place_count = 0;
}

/* Nothing is known of it that matters. */
static int is_forgettable(const tcp_place_t *place) {
  return place->listener.on_syn == NULL && place->conns == 0 &&
         place->hold <= timeline_now();
}

static tcp_place_t *take_place(void) {
  uint32_t i;

  if (place_count < PLACES_MAX)
    return &places[place_count++];
  for (i = 0; i < PLACES_MAX; i++)
    if (is_forgettable(&places[i]))
      return &places[i];
  abort(); /* bounded */
}

tcp_place_t *places_find(int port, int v6) {
  tcp_place_t *place;
  uint32_t i;

  for (i = 0; i < place_count; i++)
    if (places[i].port == port && places[i].v6 == v6)
      return &places[i];
  place = take_place();
  memset(place, 0, sizeof *place);
  place->port = port;
  place->v6 = v6;
  return place;
}

void tcp_listen(int port, int v6, const tcp_listener_t *listener) {
  static const tcp_listener_t nobody;

  places_find(port, v6)->listener = listener == NULL ? nobody : *listener;
}

int tcp_listens(int port, int v6) {
  return places_find(port, v6)->listener.on_syn != NULL;
}

void tcp_hold(int port, int v6, uint64_t until_us) {
  places_find(port, v6)->hold = until_us;
}

uint32_t tcp_clients_of(int port, int v6) {
  return places_find(port, v6)->clients;
}
