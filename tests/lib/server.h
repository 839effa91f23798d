/* A scripted HTTP server on the loop of the test, for what real servers do and
 * should not do.
 *
 * A script is an array of steps, made with the macros below and ended by
 * HANG(), REPEAT() or a step that ends the connection; it must outlive the
 * server (static const, or string literals). Each connection runs one: the
 * n-th accepted takes the n-th that server_script() gave, later ones take the
 * one of server_default(), which is { EXPECT(), REPLY(), REPEAT() } at first.
 *
 * Nothing of the server keeps uv_run() alive but a step that is under way
 * (DELAY, TURN, DRIP, FLOOD): a test for an idle pool can wait for uv_run() to
 * return. Each step that sends does so in the stack of the previous step; TURN
 * waits for a poll of the loop. A peer that goes away ends the script. */
#ifndef SERVER_H_
#define SERVER_H_

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

typedef enum {
  SERVER_EXPECT,
  SERVER_EXPECT_HEAD,
  SERVER_REPLY,
  SERVER_SEND,
  SERVER_DRIP,
  SERVER_FLOOD,
  SERVER_TURN,
  SERVER_DELAY,
  SERVER_DEAF,
  SERVER_HEAR,
  SERVER_SHUTDOWN,
  SERVER_CLOSE,
  SERVER_RESET,
  SERVER_REPEAT,
  SERVER_HANG
} server_op_t;

typedef struct {
  server_op_t op;
  uint32_t n;        /* ms, turns, or the size of a drip's pieces */
  const char *bytes; /* what is sent, or has to be in the request */
  size_t len;
} server_step_t;

/* clang-format off */
/* Waits for a whole request: its head and Content-Length bytes, or chunks (of
 * text without a line "0"). It is counted and recorded. */
#define EXPECT() {SERVER_EXPECT, 0, NULL, 0}
/* As EXPECT; a request without that text in it counts as a mismatch. */
#define EXPECT_TEXT(text) {SERVER_EXPECT, 0, (text), sizeof(text) - 1}
/* Waits for the head only. The body is read (unless DEAF) and dropped. */
#define EXPECT_HEAD() {SERVER_EXPECT_HEAD, 0, NULL, 0}
/* 200 whose body is the path of the latest request; no body to HEAD. */
#define REPLY() {SERVER_REPLY, 0, NULL, 0}
#define SEND(text) {SERVER_SEND, 0, (text), sizeof(text) - 1}
#define SEND_BYTES(at, length) {SERVER_SEND, 0, (at), (length)}
/* Sends in pieces of `size` bytes, each in its own turn of the loop. */
#define DRIP(text, size) {SERVER_DRIP, (size), (text), sizeof(text) - 1}
#define DRIP_BYTES(at, length, size) {SERVER_DRIP, (size), (at), (length)}
/* Sends the text again and again, once every `ms` (0: each turn), until the
 * peer goes away. Keeps the loop alive. */
#define FLOOD(text, ms) {SERVER_FLOOD, (ms), (text), sizeof(text) - 1}
/* Waits for n turns of the loop: a poll lies between. */
#define TURN(count) {SERVER_TURN, (count), NULL, 0}
#define DELAY(ms) {SERVER_DELAY, (ms), NULL, 0}
/* Stops reading, and reads again. */
#define DEAF() {SERVER_DEAF, 0, NULL, 0}
#define HEAR() {SERVER_HEAR, 0, NULL, 0}
/* Half-close: FIN, and reading goes on. The script goes on too. */
#define SHUTDOWN() {SERVER_SHUTDOWN, 0, NULL, 0}
/* close(): FIN, or RST when there is something unread. */
#define CLOSE() {SERVER_CLOSE, 0, NULL, 0}
/* RST, what was sent before it may be lost. */
#define RESET() {SERVER_RESET, 0, NULL, 0}
/* From the first step again. */
#define REPEAT() {SERVER_REPEAT, 0, NULL, 0}
/* Nothing more, ever; reading goes on (unless DEAF), requests are counted. */
#define HANG() {SERVER_HANG, 0, NULL, 0}
/* clang-format on */

/* The usual answers. */
#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK_BODY  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

#define SERVER_SCRIPTS     64u
#define SERVER_RECORDS     1024u    /* requests that are kept */
#define SERVER_RECORD_SIZE 0x10000u /* bytes of each that are kept */

typedef struct {
  uint32_t connection; /* number of the connection it came on, from 0 */
  char *bytes;         /* what is kept of it; a NUL follows */
  size_t len;
} server_record_t;

typedef struct server_conn_s server_conn_t;

typedef struct {
  uv_loop_t *loop;
  uv_tcp_t *listener; /* NULL while it does not listen */
  int holder;         /* a bound socket that keeps the port ours */
  int port;
  int v6;
  char address[64]; /* "127.0.0.1:4711" or "[::1]:4711" */
  const server_step_t *scripts[SERVER_SCRIPTS];
  uint32_t script_count;
  const server_step_t *fallback; /* the default script */
  server_conn_t *conns;          /* that are open */
  uint32_t handles;              /* of ours that are not closed yet */

  uint32_t accepted;   /* connections so far */
  uint32_t open;       /* connections now */
  uint32_t peak_open;  /* the most at once */
  uint32_t resets;     /* connections that the peer ended with RST */
  uint32_t hangups;    /* connections that the peer ended with FIN */
  uint32_t seen;       /* requests so far, by EXPECT* or while in HANG */
  uint32_t mismatches; /* requests without the text of EXPECT_TEXT */
  uint64_t bytes_in;   /* bytes received so far */
  server_record_t records[SERVER_RECORDS];
} server_t;

/* Binds to a free port of 127.0.0.1 (or ::1), and listens. The struct must be
 * zeroed and stay where it is. 0, or an error (no IPv6 here). */
int server_open(server_t *server, uv_loop_t *loop, int v6);

/* As above without listening: connects are refused until server_listen(). */
int server_open_refusing(server_t *server, uv_loop_t *loop, int v6);

/* Listens (again) at the same port. */
int server_listen(server_t *server);

/* Listens no more: connects are refused. Connections stay. */
void server_refuse(server_t *server);

/* The script of the next connection that has none yet. */
void server_script(server_t *server, const server_step_t *steps);

/* The script of all connections without one of their own. */
void server_default(server_t *server, const server_step_t *steps);

/* Sends bytes on all open connections, now, whatever their scripts do. */
void server_send_all(server_t *server, const char *bytes, size_t len);

/* Closes all open connections now: with FIN, or RST. Not the listener. */
void server_close_all(server_t *server, int reset);

/* Ends everything; run the loop until server_closed(). */
void server_close(server_t *server);
int server_closed(const server_t *server);

/* Frees the records; after server_closed(). */
void server_clear(server_t *server);

/* A listener without a program behind it. */
typedef struct {
  int listener;
  int fillers[4];
  char address[64];
} hole_t;

/* `black`: connects hang, their SYN is dropped (the queue is full). Else they
 * succeed, and nobody ever reads. 0 or an error. */
int hole_open(hole_t *hole, int black);
void hole_close(hole_t *hole);

#endif
