/* What both loops with libcurl share: transfers, each an easy handle that is
 * used again for the next request, and what is done when one has ended. */
#ifndef BENCH_CURL_H_
#define BENCH_CURL_H_

#include "../common.h"

#include <curl/curl.h>

/* Reads the options; makes the multi handle and the transfers. */
CURLM *curl_prepare(int argc, char **argv);

void curl_start_all(CURLM *multi);

/* Takes what has ended and starts what comes next. Returns 0 when nothing is
 * in hand any more. */
int curl_take_done(CURLM *multi);

void curl_finish(CURLM *multi);

#endif
