/*
 * buf.h - byte buffers that wipe themselves, and a reader over bytes.
 *
 * Integers on the wire are big-endian.  A "string" on the wire is a 32-bit
 * length and that many bytes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/* data[0..len) is the content.  Only buf_* change the members. */
struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max;		/* bytes; growing beyond is TSR_TOO_LARGE */
};

/* An empty buffer that may grow to max bytes.  Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Wipe the content and keep the memory / wipe and release it. */
void buf_reset(struct buf *b);
void buf_free(struct buf *b);

/* Make room for n more bytes.  The old memory is wiped when it moves.
 * TSR_NOMEM, TSR_TOO_LARGE; on error nothing changed. */
int buf_reserve(struct buf *b, size_t n);

/* n bytes were read straight to data + len, into room that buf_reserve made:
 * they are content now. */
void buf_added(struct buf *b, size_t n);

/* Append; TSR_NOMEM, TSR_TOO_LARGE; on error nothing changed.  p does not
 * point into b. */
int buf_put(struct buf *b, const void *p, size_t n);
int buf_put_u8(struct buf *b, uint8_t v);
int buf_put_u16(struct buf *b, uint16_t v);
int buf_put_u32(struct buf *b, uint32_t v);
int buf_put_u64(struct buf *b, uint64_t v);
int buf_put_string(struct buf *b, const void *p, size_t n);	/* u32 length first */
int buf_put_cstr(struct buf *b, const char *s);			/* the characters alone */
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drop the first n bytes (n <= len) and wipe the space they leave. */
void buf_consume(struct buf *b, size_t n);

/* Keep the first n bytes (n <= len) and wipe those after them. */
void buf_cut(struct buf *b, size_t n);

/* A reader over memory that somebody else owns.  After a failed read the
 * position is unchanged and the outputs are not written. */
struct reader {
	const uint8_t *p;
	size_t left;
};

void reader_init(struct reader *r, const void *p, size_t n);

/* TSR_INVALID where too few bytes are left. */
int reader_u8(struct reader *r, uint8_t *v);
int reader_u16(struct reader *r, uint16_t *v);
int reader_u32(struct reader *r, uint32_t *v);
int reader_u64(struct reader *r, uint64_t *v);
int reader_bytes(struct reader *r, void *out, size_t n);

/* A string of at most max bytes; *p points into the memory read.
 * TSR_TOO_LARGE beyond max, TSR_INVALID when it is cut short. */
int reader_string(struct reader *r, size_t max, const uint8_t **p, size_t *n);

/* TSR_INVALID when bytes are left over. */
int reader_end(const struct reader *r);

#endif
