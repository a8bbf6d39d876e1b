/* blobs.c: connected parts by union-find over the runs of rows. The root of a set is its first run, so that blobs come
 * out in the order of their first pixels, whatever the shapes. */
#include "image/blobs.h"

static int32_t count_runs(const uint8_t *labels, int32_t h, int32_t w)
{
    int64_t n = 0;

    for (int32_t y = 0; y < h; y++, labels += w) {
        n += w > 0;
        for (int32_t x = 1; x < w; x++)
            n += labels[x] != labels[x - 1];
    }
    return n > INT32_MAX ? -1 : (int32_t)n;
}

static void find_runs(const uint8_t *labels, fpc_blobs *b)
{
    int32_t n = 0;

    for (int32_t y = 0; y < b->h; y++, labels += b->w) {
        b->row_first[y] = n;
        for (int32_t x = 0; x < b->w; x++)
            if (!x || labels[x] != labels[x - 1]) {
                if (x)
                    b->run[n - 1].end = x;
                b->run[n] = (fpc_run){x, b->w, n};
                n++;
            }
    }
    b->row_first[b->h] = n;
}

/* The first run of the set; the way there becomes shorter. Until the sets are numbered, `blob` is another run of it. */
static int32_t root_of(fpc_run *run, int32_t i)
{
    while (run[i].blob != i) {
        run[i].blob = run[run[i].blob].blob;
        i = run[i].blob;
    }
    return i;
}

static void join(fpc_run *run, int32_t a, int32_t b)
{
    a = root_of(run, a);
    b = root_of(run, b);
    if (a < b)
        run[b].blob = a;
    else
        run[a].blob = b;
}

/* Pairs of runs, of row y and of the one above, that share columns: from the left, each once. */
typedef struct pairs {
    int32_t next_above, next_here; /* where the search goes on */
    int32_t above, here, shared;   /* the pair that was found */
} pairs;

static pairs pairs_of(const fpc_blobs *b, int32_t y)
{
    return (pairs){.next_above = b->row_first[y - 1], .next_here = b->row_first[y]};
}

static int next_pair(const fpc_blobs *b, int32_t y, pairs *p)
{
    while (p->next_above < b->row_first[y] && p->next_here < b->row_first[y + 1]) {
        const fpc_run *over = &b->run[p->above = p->next_above], *under = &b->run[p->here = p->next_here];
        const int32_t from = over->x > under->x ? over->x : under->x;
        p->shared = (over->end < under->end ? over->end : under->end) - from;
        p->next_above += over->end <= under->end;
        p->next_here += under->end <= over->end;
        if (p->shared > 0)
            return 1;
    }
    return 0;
}

static void join_rows(const uint8_t *labels, fpc_blobs *b)
{
    for (int32_t y = 1; y < b->h; y++) {
        const uint8_t *row = labels + (int64_t)y * b->w;
        pairs p = pairs_of(b, y);
        while (next_pair(b, y, &p))
            if (row[b->run[p.here].x] == row[b->run[p.above].x - (int64_t)b->w])
                join(b->run, p.above, p.here);
    }
}

/* A run's parent comes before it, so that it has its number already. */
static int32_t number_sets(fpc_blobs *b)
{
    int32_t n = 0;

    for (int32_t i = 0; i < b->n_runs; i++)
        b->run[i].blob = b->run[i].blob == i ? n++ : b->run[b->run[i].blob].blob;
    return n;
}

static void measure(const uint8_t *labels, fpc_blobs *b)
{
    for (int32_t y = 0; y < b->h; y++)
        for (int32_t i = b->row_first[y]; i < b->row_first[y + 1]; i++) {
            const fpc_run *r = &b->run[i];
            fpc_blob *to = &b->blob[r->blob];
            to->label = labels[(int64_t)y * b->w + r->x];
            to->pixels += r->end - r->x;
            to->at_border |= !y || y == b->h - 1 || !r->x || r->end == b->w;
        }
}

fpc_status fpc_blobs_find(fpc_arena *arena, const uint8_t *labels, int32_t h, int32_t w, fpc_blobs *b)
{
    const int32_t n = count_runs(labels, h, w);

    *b = (fpc_blobs){.h = h, .w = w, .n_runs = n};
    if (n < 0)
        return FPC_EINVAL;
    b->run = fpc_alloc(arena, ((size_t)n + 1) * sizeof *b->run);
    b->row_first = fpc_alloc(arena, ((size_t)h + 1) * sizeof *b->row_first);
    if (!b->run || !b->row_first)
        return FPC_ENOMEM;
    find_runs(labels, b);
    join_rows(labels, b);
    b->n = number_sets(b);
    if (!(b->blob = fpc_alloc(arena, ((size_t)b->n + 1) * sizeof *b->blob)))
        return FPC_ENOMEM;
    measure(labels, b);
    return FPC_OK;
}

void fpc_blobs_borders(const fpc_blobs *b, void (*tell)(void *arg, int32_t a, int32_t other, int32_t length), void *arg)
{
    for (int32_t y = 0; y < b->h; y++) {
        for (int32_t i = b->row_first[y] + 1; i < b->row_first[y + 1]; i++)
            tell(arg, b->run[i - 1].blob, b->run[i].blob, 1);
        if (!y)
            continue;
        pairs p = pairs_of(b, y);
        while (next_pair(b, y, &p))
            if (b->run[p.above].blob != b->run[p.here].blob)
                tell(arg, b->run[p.above].blob, b->run[p.here].blob, p.shared);
    }
}
