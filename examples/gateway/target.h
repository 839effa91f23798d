/* Request targets (RFC 9112 3.2): a path in origin-form, "*", or the
 * absolute-form that a proxy is sent, which names the server too. */
#ifndef GATEWAY_TARGET_H_
#define GATEWAY_TARGET_H_

typedef struct {
  const char *path;
  const char *authority; /* for Host; NULL: that field says it */
} target_t;

/* Takes a target apart, where it is: `text` may be changed. 0, or the status of
 * a refusal. */
int target_read(target_t *target, char *text, int is_options);

#endif
