/* utf8_stream.h - turns a stream of bytes into valid UTF-8. */
#ifndef QW_UTF8_STREAM_H
#define QW_UTF8_STREAM_H
#include "base/buf.h"

/* Holds back an incomplete sequence at the end until the next push. {0} is empty. */
struct utf8_stream { char held[4]; int n; };
/* Appends to out what is complete, with U+FFFD in place of each maximal invalid subpart. */
void utf8_push(struct utf8_stream *s, const char *p, size_t n, struct buf *out);
/* At the end of the stream: what is still held back becomes one U+FFFD. */
void utf8_finish(struct utf8_stream *s, struct buf *out);

#endif
