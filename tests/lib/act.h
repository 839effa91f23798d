/* What happens in scenes (see scene.h): for their table, scenarios.c. */
#ifndef ACT_H_
#define ACT_H_

#include "scene.h"

#define ACT_SOON_MS 50u /* a timeout that is waited for */

/* Bytes of which no two pieces are the same; there is no NUL. */
void act_fill(char *bytes, size_t len);

/* The second server refuses connections; or there is an address where connects
 * hang. */
void prepare_refusal(scene_t *scene);
void prepare_hole(scene_t *scene);

/* Requests. */
void act_get_one(scene_t *scene);
void act_get_many(scene_t *scene);
void act_get_warm(scene_t *scene);
void act_get_in_turn(scene_t *scene);
void act_get_two_soon(scene_t *scene); /* with a deadline */
void act_head(scene_t *scene);
void act_head_of_400(scene_t *scene); /* bytes */
void act_head_of_6000(scene_t *scene);
void act_post_small(scene_t *scene);
void act_post_large(scene_t *scene);
void act_post_copied(scene_t *scene);

/* Endpoints. */
void act_with_second(scene_t *scene);
void act_with_hole(scene_t *scene);
void act_add_first(scene_t *scene);
void act_add_while_pending(scene_t *scene);
void act_remove_while_pending(scene_t *scene);
void act_remove_refused(scene_t *scene);
void act_remove_last(scene_t *scene);

/* Connections at rest. */
void act_stale(scene_t *scene);
void act_unsolicited(scene_t *scene);

/* Ends before an answer. */
void act_cancel_early(scene_t *scene);
void act_cancel_late(scene_t *scene);
void act_cancel_sending(scene_t *scene);
void act_drain(scene_t *scene);
void act_close_pending(scene_t *scene);

/* Bodies that flow. */
void act_stream_paused(scene_t *scene);
void act_stream_chunks(scene_t *scene);
void act_stream_length(scene_t *scene);
void act_stream_expects(scene_t *scene);
void act_stream_cancelled(scene_t *scene);
void act_stream_closed(scene_t *scene);
void act_stream_early(scene_t *scene);

/* What callbacks do. */
void act_get_in_callback(scene_t *scene);
void act_get_in_event(scene_t *scene);
void act_cancel_in_callback(scene_t *scene);
void act_close_in_callback(scene_t *scene);

#endif
