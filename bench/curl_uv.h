/* libcurl's multi interface on a libuv loop: curl_multi_socket_action(), by
 * the callbacks for sockets and for the timer. */
#ifndef BENCH_CURL_UV_H_
#define BENCH_CURL_UV_H_

#include <curl/curl.h>
#include <uv.h>

/* `on_act` is called after libcurl has done something: transfers may have
 * ended, which curl_multi_info_read() tells. Once in a process. */
void curl_uv_begin(uv_loop_t *loop, CURLM *multi, void (*on_act)(void));

/* When no transfer is in hand; before curl_multi_cleanup(), which closes the
 * sockets and so lets go of the loop. May be called by `on_act`. */
void curl_uv_end(void);

/* Exits unless it is CURLM_OK. */
void curl_uv_must(const char *what, CURLMcode code);

#endif
