/* get: one GET, as a whole program.
 *
 *   get 127.0.0.1:8080 /users/42 */
#include <signal.h>
#include <stdio.h>

#include <httpool.h>

static void on_user(const pool_result_t *result, void *data) {
  int *error = data;

  *error = result->error;
  if (result->error == 0)
    printf("%d, %zu bytes\n%s\n", result->status, result->body_len,
           result->body);
}

int main(int argc, char **argv) {
  uv_loop_t *loop = uv_default_loop();
  pool_t *users = NULL;
  int error;

  if (argc != 3) {
    fprintf(stderr, "usage: get ADDRESS:PORT /PATH\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  error = pool_create(&users, loop, NULL);
  if (error == 0)
    error = pool_add_endpoint(users, argv[1]);
  if (error == 0)
    error = pool_get(users, argv[2], on_user, &error);
  uv_run(loop, UV_RUN_DEFAULT); /* returns when nothing is pending */
  if (error != 0)
    fprintf(stderr, "get: %s\n", pool_strerror(error));

  pool_close(users, NULL, NULL);
  uv_run(loop, UV_RUN_DEFAULT); /* returns when the pool is gone */
  uv_loop_close(loop);
  return error == 0 ? 0 : 1;
}
