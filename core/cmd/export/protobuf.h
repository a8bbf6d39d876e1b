/* protobuf.h: how exports write protocol buffers: fields behind one another in a buffer that grows. A buffer that once
 * failed (no memory, a text that is NULL) takes nothing any more, so that whoever fills it asks `failed` once, at the
 * end. */
#ifndef CORE_CMD_EXPORT_PROTOBUF_H
#define CORE_CMD_EXPORT_PROTOBUF_H

#include <fpcore/base.h>

typedef struct fpc_proto {
    fpc_arena *arena;
    uint8_t *data;
    size_t n, cap;
    int failed;
} fpc_proto;

void fpc_proto_int(fpc_proto *, int field, int64_t v);
void fpc_proto_float(fpc_proto *, int field, float v);
void fpc_proto_bytes(fpc_proto *, int field, const void *data, size_t n);
/* Text is UTF-8, or readers refuse the whole file: other bytes become `?`. NULL: the buffer has failed. */
void fpc_proto_text(fpc_proto *, int field, const char *text);
/* Such a text; NULL: no memory. */
const char *fpc_proto_utf8(fpc_arena *, const char *text);
/* A message in a field; of one that failed, the outer one fails as well. */
void fpc_proto_message(fpc_proto *, int field, const fpc_proto *inner);

#endif
