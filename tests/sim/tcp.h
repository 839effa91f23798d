/* Virtual TCP: connections of two ends, each owned by a file of the process
 * or by an actor that plays a server.
 *
 * One direction is one queue of bytes in three parts:
 *
 *    read <- | ready | in flight | queued | <- written
 *
 * `ready` has arrived; `flight` is on the way and arrives in order, after the
 * path's latency; `queued` waits until the reader has room. A writer is held
 * up by its own buffer (queued and in flight count), a reader's room bounds
 * what is ready or in flight: so a reader that stops, stops the writer.
 *
 * How ends die is Linux's way, as far as a program can tell:
 *  - FIN comes behind the bytes; from then on reading gives 0, also when a
 *    reset follows.
 *  - After a reset what had arrived can still be read, then the error comes
 *    once, from whichever call is first, then 0.
 *  - Closing with bytes unread, or with SO_LINGER 0, sends a reset, but not
 *    after FIN both ways. Bytes that reach an end that is closed are answered
 *    by one.
 *
 * Ends are found by reference and live as long as their connection, which goes
 * when both ends are closed. */
#ifndef SIM_TCP_H_
#define SIM_TCP_H_

#include <stddef.h>
#include <stdint.h>

typedef struct tcp_s tcp_t;
typedef struct tcp_end_s tcp_end_t;

typedef enum {
  TCP_CONNECTING,
  TCP_OPEN,
  TCP_DEAD /* reset, or never opened */
} tcp_state_t;

/* How bytes travel. All zeroes: at once, with room for 64 KiB. */
typedef struct {
  uint32_t latency_us;  /* one way */
  uint32_t jitter_us;   /* on top, at most */
  uint32_t segment;     /* bytes that arrive at once, at most; 0: any number */
  uint32_t send_room;   /* a writer's buffer */
  uint32_t server_room; /* what the server's side takes in unread */
  uint32_t client_room; /* what the client's side does */
} tcp_path_t;

/* Bytes one way. */
typedef struct {
  char *bytes;
  size_t room;  /* of the ring; a power of two */
  size_t first; /* where `ready` begins in it */
  size_t ready;
  size_t flight;
  size_t queued;
  uint64_t last_at;  /* when the latest thing sent arrives */
  uint64_t *packets; /* what is on the way, in order: a ring */
  uint32_t packet_room;
  uint32_t packet_first;
  uint32_t packet_count;
  uint64_t ready_turn; /* tcp_turn() when the first byte now ready came */
  unsigned fin_wanted : 1;
  unsigned fin_sent : 1;
} tcp_flow_t;

struct tcp_end_s {
  tcp_t *conn;
  tcp_end_t *peer;
  tcp_state_t state;
  int error;               /* the socket's: told once */
  unsigned no_more_in : 1; /* FIN has arrived, or reset */
  unsigned had_fin : 1;    /* FIN has arrived */
  unsigned no_more_out : 1;
  unsigned closed : 1;  /* by its owner */
  unsigned lingers : 1; /* SO_LINGER 0: closing resets */
  unsigned is_client : 1;
  unsigned is_corked : 1; /* what is written is not sent yet */
  unsigned is_asking : 1; /* it wrote since bytes were last taken from it */
  unsigned is_over : 1;   /* FIN has come both ways: nobody is owed anything */
  uint64_t over_turn;     /* tcp_turn() when FIN or reset came; 0: none did */
  uint64_t read_turn;     /* when bytes were last taken from it */
  uint64_t taken;         /* how many ever were */
  tcp_flow_t in;          /* bytes to this end */
  size_t lost; /* bytes from it that nothing was heard of when it died */
  /* The owner: told whenever something changed for this end. */
  void (*changed)(tcp_end_t *end);
  void *owner;
  uint64_t tag; /* the owner's */
};

/* Who waits for connections at a port. */
typedef struct {
  /* A client's SYN has come: returns 0 and the server's end is yours; or -1:
   * refused; or 1: dropped, the client tries again in a second. */
  int (*on_syn)(void *arg, tcp_end_t *server);
  void *arg;
} tcp_listener_t;

/* A port, and what is known of it. */
typedef struct {
  int port;
  int v6;
  tcp_listener_t listener; /* without on_syn: nobody */
  uint64_t hold;           /* nothing gets through until then */
  uint32_t clients;        /* ends of clients that are not closed */
  uint32_t conns;          /* connections that are not gone */
} tcp_place_t;

struct tcp_s {
  tcp_end_t client;
  tcp_end_t server;
  tcp_path_t path;
  tcp_place_t *place;  /* where it goes */
  uint32_t generation; /* of the slot's use: plans for an older one are void */
  tcp_t *next_free;
  uint64_t id; /* from 1, in the order of the connects */
};

void tcp_begin(uint64_t seed);
void tcp_end(void);

/* Whoever listens at a port; NULL for nobody any more. */
void tcp_listen(int port, int v6, const tcp_listener_t *listener);
int tcp_listens(int port, int v6);

/* A client's end that is CONNECTING to a port. Its owner is set by the caller.
 * `lost`: nothing ever comes of it. `error`: it ends so after the latency. */
tcp_end_t *tcp_connect(int port, int v6, const tcp_path_t *path, int lost,
                       int error);

/* What a program does with an end; as the system calls do. A negative errno,
 * or the result. */
int64_t tcp_read(tcp_end_t *end, void *to, size_t len, int peek);
int64_t tcp_write(tcp_end_t *end, const void *from, size_t len);
int tcp_shutdown(tcp_end_t *end);
void tcp_close(tcp_end_t *end);
int tcp_take_error(tcp_end_t *end);
void tcp_cork(tcp_end_t *end, int on); /* off: what was written goes out */
size_t tcp_unacknowledged(const tcp_end_t *end);
uint32_t tcp_poll(const tcp_end_t *end); /* EPOLL* */

/* What actors do besides. Unlike a program's, their writes know no limit. */
void tcp_send(tcp_end_t *end, const void *from, size_t len);
void tcp_reset(tcp_end_t *end); /* closes, with a reset */

/* The network's whims. */
void tcp_break(tcp_end_t *end,
               int error); /* this end sees the connection die */
void tcp_delay_ready(tcp_end_t *end, size_t keep); /* the rest comes in a bit */

/* Holds back all that travels to or from a port until that time. */
void tcp_hold(int port, int v6, uint64_t until_us);

/* Marks a poll of the process: see ready_turn. */
void tcp_next_turn(void);
uint64_t tcp_turn(void);

/* Client ends that are not closed: of one port, and of all. */
uint32_t tcp_clients_of(int port, int v6);
uint32_t tcp_clients(void);

/* Calls `cb` for each connection there whose server end is open; it may close
 * that one. */
void tcp_each_server(int port, int v6, void (*cb)(tcp_end_t *server, void *arg),
                     void *arg);

#endif
