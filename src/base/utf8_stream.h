/* utf8_stream.h - a stream of bytes that becomes text, with what is invalid replaced. */
#ifndef QW_UTF8_STREAM_H
#define QW_UTF8_STREAM_H
#include "base/buf.h"

/* A stream of bytes that becomes text: an incomplete sequence at the end is held back until the
 * next push. {0} is empty. */
struct utf8_stream { char held[4]; int n; };
/* Append the text that is complete to out, with U+FFFD for each maximal invalid subpart. */
void utf8_push(struct utf8_stream *s, const char *p, size_t n, struct buf *out);
/* The end: what is still held becomes one U+FFFD. */
void utf8_finish(struct utf8_stream *s, struct buf *out);

#endif
