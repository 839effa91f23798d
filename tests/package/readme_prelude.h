/* What the README's shorter pieces of C stand in: names that they use without
 * saying where these come from. A piece that has a main() does without. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <httpool.h>

static uv_loop_t *loop;
static pool_t *pool;
static pool_t *users;
static void *data;

static void on_done(const pool_result_t *result, void *arg);
static void on_user(const pool_result_t *result, void *arg);
static void on_closed(void *arg);
