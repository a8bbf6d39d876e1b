/* json.h: JSON (RFC 8259) as a tree, for libfpseg, which stands alone: no library, no locale, no global state. Texts
 * are hostile: depth and size are limited. Writing is the program's, by jansson. Thread: any. */
#ifndef CORE_SEG_JSON_H
#define CORE_SEG_JSON_H

#include <fpcore/base.h>

typedef enum seg_json_type { SEG_NULL = 1, SEG_BOOL, SEG_NUMBER, SEG_TEXT, SEG_LIST, SEG_OBJECT } seg_json_type;

typedef struct seg_json {
    const char *key;  /* of an object's member; else NULL */
    const char *text; /* SEG_TEXT, UTF-8, without zero bytes inside */
    double number;    /* SEG_NUMBER; SEG_BOOL: 0 or 1 */
    struct seg_json *first, *next;
    int32_t n; /* children */
    uint8_t type;
} seg_json;

/* name: of the text, for messages ("face.fps: header"). bytes: at most SEG_JSON_MOST. */
enum { SEG_JSON_MOST = 16 << 20, SEG_JSON_DEPTH = 32 };
fpc_status seg_json_read(fpc_ctx *, fpc_arena *, const char *name, const char *text, size_t bytes, seg_json **out);
/* A member by its key, the first of that name; NULL: none, or no object. */
const seg_json *seg_json_get(const seg_json *, const char *key);
/* Whether it is a whole number from lo to hi, which goes to *out. */
int seg_json_whole(const seg_json *, int64_t lo, int64_t hi, int64_t *out);

#endif
