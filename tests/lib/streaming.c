#include "streaming.h"

static int on_head(pool_t *pool, pool_call_t call, const pool_result_t *head,
                   void *data) {
  stream_t *stream = ((record_t *)data)->then_data;

  FIXTURE_CHECK(stream->fx, pool == stream->fx->pool);
  FIXTURE_CHECK(stream->fx, stream->heads == 0);
  stream->heads++;
  FIXTURE_CHECK(stream->fx, stream->pieces == 0);
  FIXTURE_CHECK(stream->fx, head->error == 0);
  FIXTURE_CHECK(stream->fx, head->phase == POOL_RECEIVING);
  FIXTURE_CHECK(stream->fx, head->body_len == 0);
  FIXTURE_CHECK(stream->fx, !stream->fx->in_call);
  stream->status = head->status;
  stream->call = call;
  return stream->on_head == NULL ? POOL_GO_ON : stream->on_head(stream);
}

static int on_body(pool_t *pool, pool_call_t call, const char *bytes,
                   size_t len, void *data) {
  stream_t *stream = ((record_t *)data)->then_data;
  size_t i;

  (void)pool;
  (void)call;
  FIXTURE_CHECK(stream->fx, len > 0);
  FIXTURE_CHECK(stream->fx, stream->heads == 1);
  FIXTURE_CHECK(stream->fx, !stream->fx->in_call);
  for (i = 0; i < len; i++, stream->len++) {
    if (stream->len < sizeof stream->text - 1)
      stream->text[stream->len] = bytes[i];
    stream->sum = stream->sum * 31 + (unsigned char)bytes[i];
  }
  stream->pieces++;
  return stream->on_piece == NULL ? POOL_GO_ON : stream->on_piece(stream);
}

static void on_drain(pool_t *pool, pool_call_t call, void *data) {
  stream_t *stream = ((record_t *)data)->then_data;

  (void)pool;
  (void)call;
  FIXTURE_CHECK(stream->fx, !stream->fx->in_call);
  stream->drains++;
  if (stream->on_drain != NULL)
    stream->on_drain(stream);
}

/* Makes a request whose answer is streamed. */
void stream_ask(stream_t *stream, fixture_t *fx, const pool_request_t *given) {
  pool_request_t request = {.path = "/x"};

  if (given != NULL)
    request = *given;
  if (request.path == NULL)
    request.path = "/x";
  request.on_head = on_head;
  request.on_body = on_body;
  request.on_drain = on_drain;
  stream->fx = fx;
  stream->record = fixture_record(fx);
  stream->record->then_data = stream;
  fx->in_call = 1;
  stream->record->rc = pool_request(fx->pool, &request, fixture_done,
                                    stream->record, &stream->call);
  fx->in_call = 0;
  stream->record->call = stream->call;
}

int stream_write(stream_t *stream, const char *bytes, size_t len) {
  int rc;

  stream->fx->in_call = 1;
  rc = pool_write(stream->fx->pool, stream->call, bytes, len);
  stream->fx->in_call = 0;
  return rc;
}

int stream_end(stream_t *stream) {
  int rc;

  stream->fx->in_call = 1;
  rc = pool_end(stream->fx->pool, stream->call);
  stream->fx->in_call = 0;
  return rc;
}

int stream_resume(stream_t *stream) {
  int rc;

  stream->fx->in_call = 1;
  rc = pool_resume(stream->fx->pool, stream->call);
  stream->fx->in_call = 0;
  return rc;
}

static char big[BIG + 1];
static char big_answer[BIG + 100];
static size_t big_len;

uint64_t stream_sum(const char *bytes, size_t len) {
  uint64_t sum = 0;
  size_t i;

  for (i = 0; i < len; i++)
    sum = sum * 31 + (unsigned char)bytes[i];
  return sum;
}

static void fill(void) {
  size_t head, i;

  for (i = 0; i < BIG; i++)
    big[i] = (char)('a' + i * 7 % 23);
  head = (size_t)snprintf(big_answer, sizeof big_answer,
                          "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG);
  memcpy(big_answer + head, big, BIG);
  big_len = head + BIG;
}

const char *stream_big(void) {
  if (big_len == 0)
    fill();
  return big;
}

const char *stream_big_answer(size_t *len) {
  if (big_len == 0)
    fill();
  *len = big_len;
  return big_answer;
}

int stream_pause_once(void *me) {
  stream_t *stream = me;

  return stream->pieces == 1 ? POOL_PAUSE : POOL_GO_ON;
}

int stream_pause_each(void *me) {
  (void)me;
  return POOL_PAUSE;
}

const char *stream_last_request(const fixture_t *fx) {
  return fx->server->records[fx->server->seen - 1].bytes;
}
