/* An intrusive, doubly linked list that knows its length.
 *
 * A thing is on at most one list by its link. Insert, remove and move are
 * O(1); nothing is allocated, so nothing can fail. */
#ifndef POOL_QUEUE_H_
#define POOL_QUEUE_H_

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pool__link_s pool__link_t;
struct pool__link_s {
  pool__link_t *prev; /* NULL when on no list */
  pool__link_t *next;
};

typedef struct {
  pool__link_t head; /* circular: head.next is the first */
  uint32_t length;
} pool__list_t;

/* The thing of `type` whose field `member` is `link`. */
#define POOL__OF(link, type, member)                                           \
  ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void pool__list_init(pool__list_t *list) {
  list->head.prev = list->head.next = &list->head;
  list->length = 0;
}

static inline int pool__list_empty(const pool__list_t *list) {
  return list->length == 0;
}

/* The first link, or NULL when the list is empty. */
static inline pool__link_t *pool__list_first(const pool__list_t *list) {
  return list->length == 0 ? NULL : list->head.next;
}

/* The link behind `link`, or NULL at the end. */
static inline pool__link_t *pool__list_next(const pool__list_t *list,
                                            const pool__link_t *link) {
  return link->next == &list->head ? NULL : link->next;
}

static inline int pool__link_listed(const pool__link_t *link) {
  return link->prev != NULL;
}

static inline void pool__list_insert(pool__list_t *list, pool__link_t *link,
                                     pool__link_t *before) {
  assert(!pool__link_listed(link));
  link->next = before;
  link->prev = before->prev;
  before->prev->next = link;
  before->prev = link;
  list->length++;
}

static inline void pool__list_append(pool__list_t *list, pool__link_t *link) {
  pool__list_insert(list, link, &list->head);
}

static inline void pool__list_prepend(pool__list_t *list, pool__link_t *link) {
  pool__list_insert(list, link, list->head.next);
}

/* `link` must be on this very list: the length could not be right otherwise. */
static inline void pool__list_remove(pool__list_t *list, pool__link_t *link) {
  assert(pool__link_listed(link));
  assert(list->length > 0);
  link->prev->next = link->next;
  link->next->prev = link->prev;
  link->prev = link->next = NULL;
  list->length--;
}

#endif
