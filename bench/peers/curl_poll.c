/* libcurl's multi interface with its own loop: curl_multi_poll(). */
#include "curl.h"

int main(int argc, char **argv) {
  CURLM *multi = curl_prepare(argc, argv);
  int running;

  curl_start_all(multi);
  do {
    curl_multi_poll(multi, NULL, 0, 1000, NULL);
    curl_multi_perform(multi, &running);
  } while (curl_take_done(multi));
  curl_finish(multi);
  return 0;
}
