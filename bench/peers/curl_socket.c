/* libcurl's multi interface on libuv: curl_multi_socket_action(). */
#include "../curl_uv.h"
#include "curl.h"

static CURLM *multi;

static void on_act(void) {
  if (curl_take_done(multi))
    return;
  curl_uv_end();
  curl_finish(multi);
}

int main(int argc, char **argv) {
  multi = curl_prepare(argc, argv);
  curl_uv_begin(uv_default_loop(), multi, on_act);
  curl_start_all(multi);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return 0;
}
