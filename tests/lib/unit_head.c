#include "unit_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit_mem.h"

pool_request_t unit_request(const char *method, const char *path) {
  pool_request_t request;

  memset(&request, 0, sizeof request);
  request.method = method;
  request.path = path;
  return request;
}

pool_request_t unit_request_with(pool_header_t *header, const char *name,
                                 size_t name_len, const char *value,
                                 size_t value_len) {
  pool_request_t request = unit_request(NULL, "/");

  header->name = name;
  header->name_len = name_len;
  header->value = value;
  header->value_len = value_len;
  request.headers = header;
  request.header_count = 1;
  return request;
}

static char *gather(const pool__head_t *head, size_t *len) {
  uv_buf_t pieces[POOL__HEAD_PIECES];
  unsigned count =
      pool__head_pieces(head, UNIT_HOST, strlen(UNIT_HOST), pieces);
  size_t sum = 0;
  unsigned i;
  char *bytes;

  assert_true(count <= POOL__HEAD_PIECES);
  for (i = 0; i < count; i++) {
    assert_true(pieces[i].len > 0);
    sum += pieces[i].len;
  }
  bytes = malloc(sum + 1);
  assert_non_null(bytes);
  *len = 0;
  for (i = 0; i < count; i++) {
    memcpy(bytes + *len, pieces[i].base, pieces[i].len);
    *len += pieces[i].len;
  }
  bytes[*len] = '\0';
  return bytes;
}

static void expect_usable(pool__head_t *head) {
  pool_request_t request = unit_request(NULL, "/after");
  size_t len;
  char *bytes;

  assert_int_equal(pool__head_write(head, &request, UNIT_HEAD_MAX), 0);
  bytes = gather(head, &len);
  assert_string_equal(bytes, "GET /after HTTP/1.1\r\n" UNIT_HOST "\r\n");
  free(bytes);
}

char *unit_head_bytes(const pool_request_t *request, size_t *len) {
  pool__head_t *head = calloc(1, sizeof *head);
  char *bytes = NULL;
  pool__mem_t mem;
  unit_mem_t unit;
  size_t ignored;
  int err;

  assert_non_null(head);
  unit_mem_init(&unit, &mem);
  pool__head_init(head, &mem);
  err = pool__head_write(head, request, UNIT_HEAD_MAX);
  if (err == 0) {
    bytes = gather(head, len == NULL ? &ignored : len);
  } else {
    assert_int_equal(err, UV_EINVAL);
    assert_int_equal(unit.calls, 0);
    expect_usable(head);
  }
  pool__head_reset(head);
  pool__head_clear(head);
  unit_mem_check(&unit, &mem);
  free(head);
  return bytes;
}

void unit_head_refuses(const pool_request_t *request) {
  char *bytes = unit_head_bytes(request, NULL);

  if (bytes != NULL)
    print_error("sent: %s\n", bytes);
  assert_null(bytes);
}

void unit_head_sends(const pool_request_t *request, const char *expected) {
  char *bytes = unit_head_bytes(request, NULL);

  assert_non_null(bytes);
  assert_string_equal(bytes, expected);
  free(bytes);
}
