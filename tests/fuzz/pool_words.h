/* What the servers of fuzz_pool can say without spelling it. */
#ifndef POOL_WORDS_H_
#define POOL_WORDS_H_

/* Part of an answer: a line, a chunk, an end. Any number will do. */
const char *words_piece(unsigned n);

/* An answer, or what may be taken for one. */
const char *words_whole(unsigned n);

#endif
