/* One client, for client.c and answer.c. */
#ifndef GATEWAY_CLIENT_H_
#define GATEWAY_CLIENT_H_

#include "gateway.h"
#include "inbound.h"
#include "out.h"

#define CLIENT_IN_ROOM  32768u
#define CLIENT_OUT_HIGH 65536u /* more waits: the pool is paused */
#define CLIENT_OUT_LOW  16384u

typedef enum {
  CLIENT_HEAD,
  CLIENT_BODY,
  CLIENT_WAITING,
  CLIENT_LINGERING
} client_stage_t;

struct client_s {
  client_t *next, *prev;
  client_t *next_unflushed;
  server_t *server;
  uv_tcp_t tcp;
  client_stage_t stage;
  inbound_t inbound;
  char *in; /* [CLIENT_IN_ROOM], while there is something in it */
  size_t in_from, in_len;
  const char *piece; /* of a body, in `in`, that had to wait */
  size_t piece_len;
  out_t out;
  pool_call_t call;
  uint64_t idle_since; /* between requests */
  uint64_t head_since; /* its first byte is here since then; 0 */
  uint64_t body_due;   /* more of a body, by then */
  uint64_t out_since;  /* since then nothing of what waits has left; 0 */
  uint64_t linger_due;
  int has_call;     /* its callback is still to come */
  int answering;    /* the head of an answer was put out */
  int answered;     /* all of it */
  int is_chunked;   /* the answer is */
  int is_open;      /* it ends with the connection */
  int to_head;      /* the request was HEAD */
  int is_http_1_0;  /* and from such a client */
  int is_last;      /* the connection ends with this answer */
  int paused;       /* the pool is */
  int reading;      /* the socket is being read */
  int at_end;       /* the client will send no more */
  int is_unflushed; /* on that list */
  int closing;
  int closed;
  int busy; /* process() is under way */
  char peer[64];
};

/* Of a zeroed one with its server and an uv_tcp_t that is made: the rest. */
void client_init(client_t *client);

/* Does all that can be done with what is there. */
void client_process(client_t *client);

/* Frees it if nothing of it is left. */
void client_maybe_free(client_t *client);

/* Closes it so that it cannot be taken for an orderly end. */
void client_reset(client_t *client);

/* Gathers bytes for it. */
void client_put(client_t *client, const char *bytes, size_t len);
void client_put_text(client_t *client, const char *text);

/* Where up to so many bytes can be written for it, and client_took() says how
 * many were. NULL: it is being closed. */
char *client_room(client_t *client, size_t len);
void client_took(client_t *client, size_t len);

/* Answers by itself: the exchange is answered then. */
void answer_with(client_t *client, int status, const char *text,
                 size_t text_len);
void answer_refuse(client_t *client, int status);

/* The status that an error of the pool's is answered with. */
int answer_status_of(int error);

/* Callbacks of a call whose data is the client. */
int answer_on_head(pool_t *pool, pool_call_t call, const pool_result_t *head,
                   void *data);
int answer_on_body(pool_t *pool, pool_call_t call, const char *bytes,
                   size_t len, void *data);
void answer_on_done(const pool_result_t *result, void *data);

#endif
