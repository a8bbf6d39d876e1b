/* blocks.c: see blocks.h. */
#include "runtime/blocks.h"

static int larger(const fpc_lifetime *a, const fpc_lifetime *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->order < b->order;
}

static void sort_blocks(fpc_lifetime *b, int32_t n) /* heap sort: deterministic, no allocation */
{
    for (int32_t end = n, start = n / 2; end > 1;) {
        if (start > 0)
            start--;
        else {
            end--;
            const fpc_lifetime t = b[0];
            b[0] = b[end], b[end] = t;
        }
        for (int32_t root = start, child; (child = 2 * root + 1) < end; root = child) {
            child += child + 1 < end && larger(&b[child], &b[child + 1]);
            if (!larger(&b[root], &b[child]))
                break;
            const fpc_lifetime t = b[root];
            b[root] = b[child], b[child] = t;
        }
    }
}

size_t fpc_blocks_place(fpc_lifetime *b, int32_t n)
{
    size_t top = 0;
    sort_blocks(b, n);
    for (int32_t i = 0; i < n; i++) {
        size_t at = 0;
        for (int32_t moved = 1; moved;) { /* step over every placed block that overlaps in time and space */
            moved = 0;
            for (int32_t k = 0; k < i; k++)
                if (b[k].first <= b[i].last && b[i].first <= b[k].last && at < *b[k].offset + b[k].bytes &&
                    *b[k].offset < at + b[i].bytes) {
                    at = *b[k].offset + b[k].bytes;
                    moved = 1;
                }
        }
        *b[i].offset = at;
        top = at + b[i].bytes > top ? at + b[i].bytes : top;
    }
    return top;
}
