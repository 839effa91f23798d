/* The catalogue: every way in which a world departs from the dull one where a
 * request of no kind gets a plain answer.
 *
 * Each kind counts its hits. A row says how many times out of 10,000 it may
 * strike when it is switched on, how a call may end that it struck (`hit`), and
 * how others may end on its account (`spill`). Servers and connects strike
 * calls that are known: where such a call can end in one way only, `hit` has
 * one bit, and that is what universes with a single kind hold it to. All other
 * groups strike nobody by name: there calls may end as `spill` says, and no
 * more of them badly than it struck, unless kind_is_wide().
 *
 * How to add one, for a new capability or a new fault:
 *  1. a row here, in the group that says who does it;
 *  2. the deed: host.c (system calls, connects), answer.c (what servers send),
 *     origin.c (what their connections do), chaos.c (whole servers, the clock,
 *     memory), user.c, asks.c and streams.c (users); world_strikes() asks
 *     whether it is to happen and counts it;
 *  3. its oracle, if `hit` and `spill` do not say it all: oracle.c for what
 *     holds after every poll, judge.c for how calls end, universe.c for phases;
 *  4. sim --only NAME --universes 50, then break what it is about in src/ and
 *     see that it is caught; that is a patch for tests/planted. */
#ifndef SIM_KINDS_H_
#define SIM_KINDS_H_

#include <stdint.h>

/* How a call ends. */
#define END_OK      0x001u
#define END_HANGUP  0x002u
#define END_RESET   0x004u /* ECONNRESET */
#define END_PIPE    0x008u /* EPIPE */
#define END_PARSE   0x010u
#define END_LARGE   0x020u /* POOL_ETOOLARGE */
#define END_TIME    0x040u /* ETIMEDOUT */
#define END_MEMORY  0x080u /* ENOMEM, ENOBUFS */
#define END_CANCEL  0x100u
#define END_CONNECT 0x200u  /* an error of a connect */
#define END_CLOSED  0x400u  /* POOL_ECLOSING */
#define END_NOWHERE 0x800u  /* POOL_ENOENDPOINT */
#define END_REJECT  0x1000u /* POOL_EREJECTED */
#define END_SICK    0x2000u /* POOL_EUNHEALTHY */
#define END_BROKEN  (END_HANGUP | END_RESET | END_PIPE)
#define END_LENGTH  0x4000u /* POOL_ELENGTH: nobody else's doing */
#define END_ANY     0x3fffu

/* What a connection may do to the next call on it, when the server ends it at
 * rest: the request may be on its way already. */
#define END_RACE (END_OK | END_BROKEN)

/* XX(NAME, "text", group, chance, hit, spill) */
#define KIND_MAP(XX)                                                           \
  /* connects, by endpoint */                                                  \
  XX(REFUSED, "refused", CONNECT, 3000, END_OK, END_CONNECT)                   \
  XX(REFUSED_AT_ONCE, "refused-at-once", CONNECT, 3000, END_OK, END_CONNECT)   \
  XX(LOST, "black-hole", CONNECT, 2000, END_OK, END_CONNECT)                   \
  XX(SLOW_CONNECT, "slow-connect", CONNECT, 3000, END_OK, END_CONNECT)         \
  XX(NO_ADDRESS, "EADDRNOTAVAIL", CONNECT, 2000, END_OK, END_CONNECT)          \
  XX(NO_NETWORK, "ENETUNREACH", CONNECT, 2000, END_OK, END_CONNECT)            \
  XX(NO_HOST, "EHOSTUNREACH", CONNECT, 2000, END_OK, END_CONNECT)              \
  XX(FORBIDDEN, "EACCES", CONNECT, 2000, END_OK, END_CONNECT)                  \
  XX(SYN_TIMEOUT, "connect-ETIMEDOUT", CONNECT, 2000, END_OK, END_CONNECT)     \
  XX(BACKLOG, "backlog-full", CONNECT, 2000, END_OK, END_CONNECT)              \
  XX(FIN_AT_ONCE, "accept-then-FIN", CONNECT, 2000, END_RACE,                  \
     END_RACE | END_CONNECT)                                                   \
  XX(RESET_AT_ONCE, "accept-then-RST", CONNECT, 2000, END_RACE,                \
     END_RACE | END_CONNECT)                                                   \
  XX(SPEAKS_FIRST, "speaks-first", CONNECT, 2000, END_OK | END_PARSE,          \
     END_OK | END_PARSE | END_CONNECT)                                         \
  /* system calls of the process */                                            \
  XX(NO_FILES, "EMFILE", HOST, 2000, END_OK, END_OK | END_CONNECT)             \
  XX(NO_FILES_AT_ALL, "ENFILE", HOST, 2000, END_OK, END_OK | END_CONNECT)      \
  XX(NO_SOCKET_MEMORY, "socket-ENOBUFS", HOST, 2000, END_OK,                   \
     END_OK | END_MEMORY)                                                      \
  XX(SHORT_READ, "short-read", HOST, 2000, END_OK, END_OK)                     \
  XX(SHORT_WRITE, "short-write", HOST, 2000, END_OK, END_OK)                   \
  XX(READ_EINTR, "read-EINTR", HOST, 500, END_OK, END_OK)                      \
  XX(WRITE_EINTR, "write-EINTR", HOST, 500, END_OK, END_OK)                    \
  XX(PEEK_EINTR, "recv-EINTR", HOST, 2000, END_OK, END_OK)                     \
  XX(POLL_EINTR, "epoll_wait-EINTR", HOST, 300, END_OK, END_OK)                \
  XX(READ_AGAIN, "read-EAGAIN", HOST, 500, END_OK, END_OK)                     \
  XX(WRITE_AGAIN, "write-EAGAIN", HOST, 1000, END_OK, END_OK)                  \
  XX(WRITE_RESET, "write-ECONNRESET", HOST, 100, END_OK, END_RACE)             \
  XX(WRITE_PIPE, "write-EPIPE", HOST, 100, END_OK, END_RACE)                   \
  XX(WRITE_NO_MEMORY, "write-ENOBUFS", HOST, 100, END_OK, END_OK | END_MEMORY) \
  XX(READ_RESET, "read-ECONNRESET", HOST, 100, END_OK, END_OK | END_RESET)     \
  XX(READ_TIMED_OUT, "read-ETIMEDOUT", HOST, 100, END_OK, END_OK | END_TIME)   \
  XX(NO_NODELAY, "setsockopt-EINVAL", HOST, 1000, END_OK,                      \
     END_OK | END_CONNECT)                                                     \
  /* how bytes travel, by connection */                                        \
  XX(SMALL_SEGMENTS, "small-segments", PATH, 3000, END_OK, END_OK)             \
  XX(SMALL_WINDOW, "small-window", PATH, 3000, END_OK, END_OK)                 \
  XX(SMALL_BUFFER, "small-send-buffer", PATH, 3000, END_OK, END_OK)            \
  /* good answers that are not plain, by request */                            \
  XX(CHUNKED, "chunked", ANSWER, 2000, END_OK, END_OK)                         \
  XX(CHUNK_EXTENSIONS, "chunk-extensions", ANSWER, 1000, END_OK, END_OK)       \
  XX(TRAILERS, "trailers", ANSWER, 1000, END_OK, END_OK)                       \
  XX(LARGE_BODY, "large-body", ANSWER, 100, END_OK, END_OK)                    \
  XX(NO_CONTENT, "204", ANSWER, 1000, END_OK, END_OK)                          \
  XX(NOT_MODIFIED, "304-with-length", ANSWER, 1000, END_OK, END_OK)            \
  XX(UNAVAILABLE, "503", ANSWER, 1000, END_OK, END_OK)                         \
  XX(BROKEN, "500", ANSWER, 1000, END_OK, END_OK)                              \
  XX(OPEN_END, "until-EOF", ANSWER, 500, END_OK, END_OK)                       \
  XX(SAYS_CLOSE, "says-close", ANSWER, 1000, END_OK, END_OK)                   \
  XX(SAYS_CLOSE_STAYS, "says-close-stays", ANSWER, 500, END_OK, END_OK)        \
  XX(OLD_VERSION, "HTTP/1.0", ANSWER, 500, END_OK, END_OK)                     \
  XX(OLD_KEEPS, "HTTP/1.0-keep-alive", ANSWER, 1000, END_OK, END_OK)           \
  XX(INTERIM, "1xx", ANSWER, 1000, END_OK, END_OK)                             \
  XX(KEEP_ALIVE_HINT, "keep-alive-hint", ANSWER, 1000, END_OK, END_OK)         \
  XX(MANY_FIELDS, "200-fields", ANSWER, 100, END_OK, END_OK)                   \
  XX(DRIP, "drip", ANSWER, 300, END_OK, END_OK)                                \
  XX(SLOW, "slow-answer", ANSWER, 300, END_OK, END_OK)                         \
  XX(EARLY, "early-answer", ANSWER, 1000, END_OK, END_OK)                      \
  XX(EARLY_KEEPS, "early-answer-keeps", ANSWER, 1000, END_OK, END_OK)          \
  XX(EARLY_RESET, "early-answer-RST", ANSWER, 1000, END_OK, END_OK)            \
  XX(SLOW_READER, "slow-reader", ANSWER, 300, END_OK, END_OK)                  \
  XX(EARLY_HALF, "early-answer-FIN", ANSWER, 1000, END_OK, END_OK)             \
  XX(OPEN_END_HALF, "until-half-close", ANSWER, 500, END_OK, END_OK)           \
  XX(EXPECT_IGNORED, "expect-ignored", ANSWER, 3000, END_OK, END_OK)           \
  XX(EXPECT_FINAL, "expect-final", ANSWER, 3000, END_OK, END_OK)               \
  /* bad answers, by request */                                                \
  XX(STUCK, "stuck", BAD, 100, END_TIME, END_OK)                               \
  XX(STUCK_IN_HEAD, "stuck-in-head", BAD, 100, END_TIME, END_OK)               \
  XX(STUCK_IN_BODY, "stuck-in-body", BAD, 100, END_TIME, END_OK)               \
  XX(DRIP_FOR_EVER, "drip-for-ever", BAD, 100, END_TIME, END_OK)               \
  XX(DEAF, "deaf", BAD, 100, END_TIME, END_OK)                                 \
  XX(FIN_BEFORE, "FIN-no-answer", BAD, 500, END_HANGUP, END_OK)                \
  XX(RESET_BEFORE, "RST-no-answer", BAD, 500, END_RESET, END_OK)               \
  XX(FIN_IN_HEAD, "FIN-in-head", BAD, 500, END_HANGUP, END_OK)                 \
  XX(RESET_IN_HEAD, "RST-in-head", BAD, 500, END_HANGUP | END_RESET, END_OK)   \
  XX(FIN_IN_BODY, "FIN-in-body", BAD, 500, END_HANGUP, END_OK)                 \
  XX(RESET_IN_BODY, "RST-in-body", BAD, 500, END_HANGUP | END_RESET, END_OK)   \
  XX(FIN_IN_CHUNK, "FIN-in-chunk", BAD, 500, END_HANGUP, END_OK)               \
  XX(OPEN_END_RESET, "until-EOF-RST", BAD, 500, END_RESET, END_OK)             \
  XX(GARBAGE, "garbage", BAD, 500, END_PARSE, END_OK)                          \
  XX(BAD_CHUNK, "bad-chunk", BAD, 500, END_PARSE, END_OK)                      \
  XX(BARE_LF, "bare-LF", BAD, 500, END_PARSE, END_OK)                          \
  XX(BOTH_FRAMINGS, "length-and-chunked", BAD, 500, END_PARSE, END_OK)         \
  XX(TWO_LENGTHS, "two-lengths", BAD, 500, END_PARSE, END_OK)                  \
  XX(OTHER_PROTOCOL, "HTTP/2.0", BAD, 500, END_PARSE, END_OK)                  \
  XX(UPGRADE, "101", BAD, 500, END_PARSE, END_OK)                              \
  XX(INTERIM_FLOOD, "1xx-flood", BAD, 300, END_PARSE, END_OK)                  \
  XX(HUGE_HEAD, "huge-head", BAD, 100, END_LARGE, END_OK)                      \
  XX(HUGE_BODY, "huge-body", BAD, 300, END_LARGE, END_OK)                      \
  XX(ENDLESS_BODY, "endless-body", BAD, 50, END_LARGE, END_OK)                 \
  XX(TOO_MANY_FIELDS, "too-many-fields", BAD, 100, END_LARGE, END_OK)          \
  /* a good answer, and then its connection goes wrong */                      \
  XX(EXTRA_BYTES, "bytes-behind", AFTER, 500, END_OK, END_OK | END_PARSE)      \
  XX(EXTRA_LATER, "bytes-later", AFTER, 300, END_OK, END_RACE | END_PARSE)     \
  XX(FIN_AFTER, "FIN-behind", AFTER, 500, END_OK, END_RACE)                    \
  XX(RESET_AFTER, "RST-behind", AFTER, 500, END_OK, END_RACE)                  \
  XX(FIN_IDLE, "FIN-idle", AFTER, 500, END_OK, END_RACE)                       \
  XX(RESET_IDLE, "RST-idle", AFTER, 500, END_OK, END_RACE)                     \
  XX(HALF_CLOSE, "half-close", AFTER, 300, END_OK, END_RACE)                   \
  /* whole servers, the network, the clock, memory: now and then */            \
  XX(CRASH, "crash", CHAOS, 3000, END_ANY, END_RACE | END_CONNECT)             \
  XX(RESTART, "restart", CHAOS, 3000, END_ANY, END_RACE | END_CONNECT)         \
  XX(FREEZE, "freeze", CHAOS, 3000, END_OK | END_TIME,                         \
     END_OK | END_TIME | END_CONNECT)                                          \
  XX(ALL_DOWN, "all-down", CHAOS, 1000, END_ANY, END_RACE | END_CONNECT)       \
  XX(CLOCK_JUMP, "clock-jump", CHAOS, 2000, END_OK | END_TIME,                 \
     END_OK | END_TIME | END_CONNECT)                                          \
  XX(NO_MEMORY, "no-memory", CHAOS, 5000, END_OK | END_MEMORY,                 \
     END_OK | END_MEMORY)                                                      \
  /* what users do */                                                          \
  XX(CANCEL, "cancel", USER, 500, END_OK | END_CANCEL, END_OK)                 \
  XX(CANCEL_OLD, "cancel-too-late", USER, 500, END_OK, END_OK)                 \
  XX(CANCEL_IN_CALLBACK, "cancel-in-callback", USER, 300, END_OK, END_OK)      \
  XX(REQUEST_IN_CALLBACK, "request-in-callback", USER, 500, END_OK, END_OK)    \
  XX(BLOCKED_LOOP, "blocked-loop", USER, 3, END_OK | END_TIME,                 \
     END_OK | END_TIME | END_CONNECT)                                          \
  XX(BURST, "burst", USER, 30, END_OK, END_OK | END_TIME)                      \
  XX(SHORT_DEADLINE, "short-deadline", USER, 300, END_OK | END_TIME, END_OK)   \
  XX(NO_DEADLINE, "no-deadline", USER, 300, END_OK, END_OK)                    \
  XX(SAYS_LAST, "request-says-close", USER, 300, END_OK, END_OK)               \
  XX(LONG_HEAD, "long-request-head", USER, 300, END_OK, END_OK)                \
  XX(BAD_REQUEST, "bad-request", USER, 100, END_OK, END_OK)                    \
  XX(PAUSE, "pause", USER, 300, END_OK, END_OK)                                \
  XX(PAUSE_FIRST, "pause-at-first", USER, 500, END_OK, END_OK)                 \
  XX(PAUSED_FOR_EVER, "paused-for-ever", USER, 30, END_OK, END_OK)             \
  XX(SLOW_WRITER, "slow-writer", USER, 200, END_OK, END_OK)                    \
  XX(WRONG_LENGTH, "wrong-length", USER, 1000, END_OK, END_OK)                 \
  XX(LIMIT_CHANGED, "limit-changed", USER, 100, END_OK, END_OK)                \
  XX(ENDPOINT_REMOVED, "endpoint-removed", USER, 30, END_OK,                   \
     END_OK | END_NOWHERE | END_CONNECT)                                       \
  XX(CLOSE_IN_CALLBACK, "close-in-callback", ENDING, 0, END_OK, END_OK)        \
  XX(CLOSE_IN_EVENT, "close-in-event", ENDING, 0, END_OK, END_OK)              \
  XX(CLOSE_BUSY, "close-with-calls", ENDING, 0, END_OK, END_OK)                \
  XX(DRAIN, "drain-and-close", ENDING, 0, END_OK, END_OK)

#define XX(name, text, group, chance, hit, spill) KIND_##name,
typedef enum { KIND_MAP(XX) KINDS } kind_t;
#undef XX

#define KIND_NONE KINDS /* a plain answer */

typedef enum {
  GROUP_CONNECT,
  GROUP_HOST,
  GROUP_PATH,
  GROUP_ANSWER,
  GROUP_BAD,
  GROUP_AFTER,
  GROUP_CHAOS,
  GROUP_USER,
  GROUP_ENDING
} group_t;

typedef struct {
  const char *name;
  group_t group;
  uint32_t chance;
  uint32_t hit;
  uint32_t spill;
} kind_info_t;

const kind_info_t *kind_info(kind_t kind);

/* One strike may fail any number of calls: of a server that goes, with all that
 * is there, or of time that is lost. */
int kind_is_wide(kind_t kind);

/* The kind of that name, or KIND_NONE. */
kind_t kind_find(const char *name);

#endif
