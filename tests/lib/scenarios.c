/* The scenes themselves. None takes longer than a moment of real time, so that
 * they can be played on the real kernel too. */
#include "act.h"

#define FIELD(n) "X-Header-" #n ": value of " #n "\r\n"
#define FIELDS(n)                                                              \
  FIELD(n##0)                                                                  \
  FIELD(n##1)                                                                  \
  FIELD(n##2)                                                                  \
  FIELD(n##3)                                                                  \
  FIELD(n##4)                                                                  \
  FIELD(n##5)                                                                  \
  FIELD(n##6)                                                                  \
  FIELD(n##7)                                                                  \
  FIELD(n##8)                                                                  \
  FIELD(n##9)
#define HUNDRED                                                                \
  "HTTP/1.1 200 OK\r\n" FIELDS(0) FIELDS(1) FIELDS(2) FIELDS(3) FIELDS(4)      \
      FIELDS(5) FIELDS(6) FIELDS(7) FIELDS(8)                                  \
          FIELDS(9) "Content-Length: 2\r\n\r\nok"
#define CHUNKED                                                                \
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                      \
  "5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\nC: d\r\n\r\n"
#define INTERIMS                                                               \
  "HTTP/1.1 100 Continue\r\n\r\n"                                              \
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
#define HALF       "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf."
#define LARGE_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"
#define LARGE_SIZE (sizeof LARGE_HEAD - 1 + 200000)

static char large[LARGE_SIZE + 1] = LARGE_HEAD; /* the rest is filled in */

static const server_step_t hundred[] = {EXPECT(), SEND(HUNDRED), REPEAT()};
static const server_step_t chunked[] = {EXPECT(), DRIP(CHUNKED, 7), REPEAT()};
static const server_step_t bulky[] = {EXPECT(), SEND_BYTES(large, LARGE_SIZE),
                                      REPEAT()};
static const server_step_t open_ended[] = {
    EXPECT(), SEND("HTTP/1.1 200 OK\r\n\r\nto the end"), TURN(1), CLOSE()};
static const server_step_t interims[] = {EXPECT(), SEND(INTERIMS), TURN(1),
                                         REPLY(), REPEAT()};
static const server_step_t closing[] = {
    EXPECT(),
    SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
         "ok"),
    CLOSE()};
static const server_step_t silent[] = {EXPECT(), HANG()};
static const server_step_t deaf[] = {DEAF(), HANG()};
static const server_step_t half[] = {EXPECT(), SEND(HALF), HANG()};
static const server_step_t resetting[] = {EXPECT(), SEND(HALF), TURN(1),
                                          RESET()};
static const server_step_t slow_reader[] = {DEAF(),   TURN(3), HEAR(),
                                            EXPECT(), REPLY(), REPEAT()};

static const server_step_t hanging_up[] = {EXPECT(), CLOSE()};
static const server_step_t replay[] = {EXPECT(), REPLY(), EXPECT(), CLOSE()};
static const server_step_t busy[] = {
    EXPECT(),
    SEND("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
    EXPECT(), REPLY(), REPEAT()};

static const server_step_t early[] = {
    EXPECT_HEAD(), SEND("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"),
    HANG()};
static const server_step_t continues[] = {EXPECT_HEAD(),
                                          SEND("HTTP/1.1 100 Continue\r\n\r\n"),
                                          DELAY(5), REPLY(), HANG()};

static int on_retry(pool_t *pool, const pool_result_t *result, void *data) {
  (void)pool;
  (void)data;
  return result->status == 503 ? pool_result_retry_after(result) : POOL_KEEP;
}

/* --- the table ------------------------------------------------------------ */

static const scenario_t table[] = {
    {.name = "plain", .act = act_get_one},
    {.name = "warm", .act = act_get_warm},
    {.name = "in-line", .config = {.max_connections = 1}, .act = act_get_many},
    {.name = "side-by-side", .act = act_get_many},
    {.name = "post-small", .act = act_post_small},
    {.name = "post-copied", .act = act_post_copied},
    {.name = "post-large", .act = act_post_large},
    {.name = "post-slow", .script = slow_reader, .act = act_post_large},
    {.name = "head", .config = {.max_connections = 1}, .act = act_head},
    {.name = "head-of-400", .act = act_head_of_400},
    {.name = "head-of-6000", .act = act_head_of_6000},
    {.name = "hundred-fields", .script = hundred, .act = act_get_one},
    {.name = "chunked", .script = chunked, .act = act_get_one},
    {.name = "large-answer", .script = bulky, .act = act_get_one},
    {.name = "open-ended", .script = open_ended, .act = act_get_one},
    {.name = "interims", .script = interims, .act = act_get_one},
    {.name = "says-close",
     .script = closing,
     .config = {.max_connections = 1},
     .act = act_get_many},
    {.name = "reset-in-body",
     .script = resetting,
     .errors = {POOL_EHANGUP, UV_ECONNRESET},
     .act = act_get_one},
    {.name = "stale", .act = act_stale},
    {.name = "unsolicited", .act = act_unsolicited},
    {.name = "refused",
     .errors = {UV_ECONNREFUSED},
     .prepare = prepare_refusal,
     .act = act_with_second},
    {.name = "black-hole",
     .config = {.connect_timeout_ms = ACT_SOON_MS, .max_connections = 1},
     .errors = {UV_ETIMEDOUT},
     .prepare = prepare_hole,
     .act = act_with_hole},
    {.name = "two-endpoints",
     .config = {.max_connections = 1, .max_requests = 1},
     .act = act_with_second},
    {.name = "added-first", .bare = 1, .act = act_add_first},
    {.name = "added-later",
     .config = {.max_connections = 1},
     .act = act_add_while_pending},
    {.name = "removed",
     .config = {.max_connections = 2},
     .act = act_remove_while_pending},
    {.name = "removed-refused",
     .errors = {UV_ECONNREFUSED},
     .prepare = prepare_refusal,
     .act = act_remove_refused},
    {.name = "removed-last",
     .config = {.max_connections = 1},
     .errors = {POOL_ENOENDPOINT},
     .act = act_remove_last},
    {.name = "cancel-early",
     .config = {.max_connections = 1},
     .errors = {UV_ECANCELED},
     .act = act_cancel_early},
    {.name = "cancel-sending",
     .script = deaf,
     .errors = {UV_ECANCELED},
     .act = act_cancel_sending},
    {.name = "cancel-late",
     .script = half,
     .errors = {UV_ECANCELED},
     .act = act_cancel_late},
    {.name = "cancel-in-callback",
     .config = {.max_connections = 2},
     .errors = {UV_ECANCELED},
     .act = act_cancel_in_callback},
    {.name = "deadline",
     .script = silent,
     .config = {.max_connections = 1},
     .errors = {UV_ETIMEDOUT},
     .act = act_get_two_soon},
    {.name = "head-timeout",
     .script = silent,
     .config = {.head_timeout_ms = ACT_SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = act_get_one},
    {.name = "stalled-answer",
     .script = half,
     .config = {.stall_timeout_ms = ACT_SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = act_get_one},
    {.name = "stalled-upload",
     .script = deaf,
     .config = {.stall_timeout_ms = ACT_SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = act_post_large},
    {.name = "one-request-each",
     .config = {.max_connections = 2, .max_requests = 1},
     .act = act_get_many},
    {.name = "in-callback",
     .config = {.max_connections = 1},
     .act = act_get_in_callback},
    {.name = "in-event", .act = act_get_in_event},
    {.name = "replayed",
     .script = replay,
     .config = {.max_attempts = 2},
     .errors = {POOL_EHANGUP},
     .act = act_get_warm},
    {.name = "retried-elsewhere",
     .script = hanging_up,
     .config = {.max_attempts = 3, .retry_delay_ms = 2, .max_connections = 2},
     .errors = {POOL_EHANGUP},
     .act = act_with_second},
    {.name = "refused-retried",
     .config = {.max_attempts = 3, .retry_delay_ms = 2},
     .errors = {UV_ECONNREFUSED},
     .prepare = prepare_refusal,
     .act = act_with_second},
    {.name = "attempt-timeout",
     .script = silent,
     .config = {.max_attempts = 2,
                .retry_delay_ms = 2,
                .attempt_timeout_ms = ACT_SOON_MS},
     .errors = {UV_ETIMEDOUT},
     .act = act_with_second},
    {.name = "rejected",
     .script = busy,
     .config = {.max_attempts = 3, .retry_delay_ms = 2, .on_retry = on_retry},
     .errors = {POOL_EREJECTED},
     .act = act_get_many},
    {.name = "taken-out",
     .script = hanging_up,
     .config = {.eject_after = 2},
     .errors = {POOL_EHANGUP},
     .act = act_with_second},
    {.name = "pinged",
     .script = hanging_up,
     .config = {.eject_after = 2, .ping_path = "/ping"},
     .errors = {POOL_EHANGUP, POOL_EUNHEALTHY},
     .act = act_get_in_turn},
    {.name = "stream-paused", .script = chunked, .act = act_stream_paused},
    {.name = "stream-large", .script = bulky, .act = act_stream_paused},
    {.name = "stream-chunks",
     .config = {.high_water_bytes = 4096},
     .errors = {UV_ECANCELED},
     .act = act_stream_chunks},
    {.name = "stream-length",
     .script = slow_reader,
     .config = {.high_water_bytes = 4096},
     .errors = {UV_ECANCELED},
     .act = act_stream_length},
    {.name = "stream-expects",
     .script = continues,
     .config = {.high_water_bytes = 8192, .expect_timeout_ms = ACT_SOON_MS},
     .errors = {UV_ECANCELED},
     .act = act_stream_expects},
    {.name = "stream-cancelled",
     .script = chunked,
     .errors = {UV_ECANCELED},
     .act = act_stream_cancelled},
    {.name = "stream-closed",
     .script = chunked,
     .errors = {POOL_ECLOSING},
     .act = act_stream_closed},
    {.name = "stream-early",
     .script = early,
     .errors = {UV_ECANCELED},
     .act = act_stream_early},
    {.name = "drain",
     .config = {.max_connections = 1},
     .errors = {POOL_ECLOSING},
     .act = act_drain},
    {.name = "close-pending",
     .script = silent,
     .errors = {POOL_ECLOSING},
     .act = act_close_pending},
    {.name = "close-in-callback",
     .config = {.max_connections = 2},
     .errors = {POOL_ECLOSING},
     .act = act_close_in_callback},
};

const scenario_t *scenarios(size_t *count) {
  act_fill(large + sizeof LARGE_HEAD - 1, 200000);
  *count = sizeof table / sizeof table[0];
  return table;
}
