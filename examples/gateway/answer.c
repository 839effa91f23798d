/* What is answered: of our own, or what the servers say as it comes. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "fields.h"

/* Our part of a head of the servers, at most. */
#define OWN_FIELDS 256u

/* --- answers of our own ----------------------------------------------------
 */

static const char *reason_of(int status) {
  switch (status) {
  case 100:
    return "Continue";
  case 200:
    return "OK";
  case 400:
    return "Bad Request";
  case 414:
    return "URI Too Long";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "";
  }
}

static void count(client_t *client, int status) {
  client->server->answers[status / 100 <= 5 ? status / 100 : 0]++;
}

/* An HTTP/1.0 client waits for the end of the connection unless it is told. */
static const char *connection_of(const client_t *client) {
  if (client->is_last)
    return "Connection: close\r\n";
  return client->is_http_1_0 ? "Connection: keep-alive\r\n" : "";
}

/* An answer with a text, and the end of the exchange. */
void answer_with(client_t *client, int status, const char *text,
                 size_t text_len) {
  char head[256];
  int n = snprintf(head, sizeof head,
                   "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n"
                   "Content-Length: %zu\r\n%s%s\r\n",
                   status, reason_of(status), text_len,
                   status == 503 ? "Retry-After: 1\r\n" : "",
                   connection_of(client));

  client_put(client, head, (size_t)n);
  if (!client->to_head)
    client_put(client, text, text_len);
  count(client, status);
  client->answering = client->answered = 1;
}

void answer_refuse(client_t *client, int status) {
  char text[64];
  int n = snprintf(text, sizeof text, "%d %s\n", status, reason_of(status));

  answer_with(client, status, text, (size_t)n);
}

/* --- answers of the servers ------------------------------------------------
 */

int answer_status_of(int error) {
  switch (error) {
  case UV_ETIMEDOUT:
    return 504;
  case POOL_EOVERLOADED:
  case POOL_EUNHEALTHY:
  case POOL_ENOENDPOINT:
  case POOL_ECLOSING:
  case UV_ENOMEM:
    return 503;
  case UV_EINVAL:
    return 400;
  default:
    return 502;
  }
}

static int has_content(const client_t *client, int status) {
  return !client->to_head && status != 204 && status != 304;
}

/* How the body ends, where the servers say no length. */
static void choose_framing(client_t *client, const pool_result_t *head) {
  if (!has_content(client, head->status))
    return;
  client->is_chunked = !client->is_http_1_0;
  client->is_open = client->is_http_1_0;
  client->is_last |= client->is_open;
}

static char *append(char *at, const char *bytes, size_t len) {
  memcpy(at, bytes, len);
  return at + len;
}

static char *append_text(char *at, const char *text) {
  return append(at, text, strlen(text));
}

static char *append_field(char *at, const pool_header_t *header) {
  at = append(at, header->name, header->name_len);
  at = append(at, ": ", 2);
  at = append(at, header->value, header->value_len);
  return append(at, "\r\n", 2);
}

static char *append_status(char *at, int status) {
  char digits[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                   (char)('0' + status % 10), ' '};

  at = append_text(at, "HTTP/1.1 ");
  at = append(at, digits, sizeof digits);
  at = append_text(at, reason_of(status));
  return append(at, "\r\n", 2);
}

/* At most. */
static size_t head_room(const pool_result_t *head) {
  size_t room = OWN_FIELDS;
  size_t i;

  for (i = 0; i < head->header_count; i++)
    room += head->headers[i].name_len + head->headers[i].value_len + 4;
  return room;
}

static void put_head(client_t *client, const pool_result_t *head,
                     const pool_header_t *length) {
  char *start = client_room(client, head_room(head));
  char *at = start;
  size_t i;

  if (start == NULL)
    return;
  at = append_status(at, head->status);
  for (i = 0; i < head->header_count; i++)
    if (fields_is_for_client(head, &head->headers[i]))
      at = append_field(at, &head->headers[i]);
  if (length != NULL)
    at = append_field(at, length);
  if (client->is_chunked)
    at = append_text(at, "Transfer-Encoding: chunked\r\n");
  at = append_text(at, "Via: 1.1 httpool\r\n");
  at = append_text(at, connection_of(client));
  at = append(at, "\r\n", 2);
  client_took(client, (size_t)(at - start));
}

int answer_on_head(pool_t *pool, pool_call_t call, const pool_result_t *head,
                   void *data) {
  client_t *client = data;
  const pool_header_t *length = fields_length(head);

  (void)pool;
  (void)call;
  if (client->closing)
    return POOL_GO_ON;
  client->answering = 1;
  client->is_last |= client->stage == CLIENT_BODY || client->server->stopping;
  if (length == NULL)
    choose_framing(client, head);
  put_head(client, head, length);
  count(client, head->status);
  return POOL_GO_ON;
}

int answer_on_body(pool_t *pool, pool_call_t call, const char *bytes,
                   size_t len, void *data) {
  client_t *client = data;
  char size[32];

  (void)pool;
  (void)call;
  if (client->is_chunked) {
    snprintf(size, sizeof size, "%zx\r\n", len);
    client_put_text(client, size);
  }
  client_put(client, bytes, len);
  if (client->is_chunked)
    client_put(client, "\r\n", 2);
  if (client->closing || out_waiting(&client->out) <= CLIENT_OUT_HIGH)
    return POOL_GO_ON;
  client->paused = 1;
  return POOL_PAUSE;
}

void answer_on_done(const pool_result_t *result, void *data) {
  client_t *client = data;

  client->has_call = 0;
  if (client->closing) {
    client_maybe_free(client);
    return;
  }
  client->paused = 0;
  if (result->error == 0) {
    if (client->is_chunked)
      client_put_text(client, "0\r\n\r\n");
    client->answered = 1;
  } else if (client->answering) {
    /* Cut short: the client has to see that. */
    if (client->is_open)
      client_reset(client);
    else
      client_close(client);
    return;
  } else {
    client->is_last |= client->stage == CLIENT_BODY;
    answer_refuse(client, answer_status_of(result->error));
  }
  client_process(client);
}
