/* tiles.c: see tiles.h. Windows are asked for row by row. As soon as a window is there, the pixels are labelled of
 * which it is the last window, right and below: so only those scores are kept that a later window overlaps. The scores
 * are kept on the network's grid and never enlarged as a whole. As in scores.c, where all scores around a stretch of
 * pixels agree on their best class, of every window that lies there, so does every mean of them: only borders between
 * classes are computed. Everything happens in one thread and one order. */
#include "image/tiles.h"
#include "base/message.h"
#include "image/scores_private.h"
#include <math.h>
#include <string.h>

enum { LANES = FPC_SCORES_LANES };

static const double most_kept = 2.0 * (1 << 30); /* bytes */

/* ---- where windows lie ---- */

int32_t fpc_tiles_along(fpc_tiles t, int32_t length)
{
    const int32_t step = t.side - t.overlap;

    return t.side < 1 || length <= t.side ? 1 : 1 + (length - t.side + step - 1) / step;
}

int32_t fpc_tiles_start(fpc_tiles t, int32_t length, int32_t i)
{
    const int64_t gaps = fpc_tiles_along(t, length) - 1, way = length - t.side;

    if (gaps < 1)
        return 0;
    if (2 * i > gaps)
        return (int32_t)(way - fpc_tiles_start(t, length, (int32_t)(gaps - i)));
    return (int32_t)((2 * i * way + gaps - 1) / (2 * gaps)); /* the nearest pixel, of two the lower */
}

/* One direction of the picture. */
struct side {
    int32_t length, window; /* pixels of the picture and of each window */
    int32_t n, reach;       /* windows, and how many of them at most lie over one pixel */
    int32_t *start;         /* [n] */
    int32_t points;         /* of the grid of scores */
    fpc_scores_axis axis;   /* of the grid on a window */
    int32_t *point;         /* [window] the point before each pixel of a window */
    float *share;           /* [n][window] what a window counts at each of its pixels; 1 over all windows there */
};

static float weight_of(const struct side *s, int32_t i, int32_t at)
{
    const int32_t before = at - s->start[i], behind = s->window - 1 - before;

    return (float)(before < behind ? before : behind) + 0.5f; /* from the middle of the pixel to the window's border */
}

/* The lowest window over a pixel, going on from one over a pixel before it. */
static int32_t lowest(const struct side *s, int32_t at, int32_t from)
{
    while (s->start[from] + s->window <= at)
        from++;
    return from;
}

static fpc_status lay_windows(fpc_arena *arena, fpc_tiles tiles, int32_t length, int32_t points, struct side *s)
{
    *s = (struct side){.length = length, .points = points, .n = fpc_tiles_along(tiles, length)};
    s->window = s->n > 1 ? tiles.side : length;
    if (!(s->start = fpc_alloc(arena, (size_t)s->n * sizeof *s->start)))
        return FPC_ENOMEM;
    for (int32_t i = 0, low = 0; i < s->n; i++) {
        s->start[i] = fpc_tiles_start(tiles, length, i);
        low = lowest(s, s->start[i], low);
        s->reach = i - low + 1 > s->reach ? i - low + 1 : s->reach;
    }
    return FPC_OK;
}

static fpc_status make_tables(fpc_arena *arena, struct side *s)
{
    const size_t window = (size_t)s->window;
    fpc_status status = fpc_scores_axis_make(arena, s->points, s->window, &s->axis);

    if (status)
        return status;
    s->point = fpc_alloc(arena, window * sizeof *s->point);
    s->share = fpc_alloc(arena, ((size_t)s->n * window + LANES) * sizeof *s->share);
    if (!s->point || !s->share)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->points; i++)
        for (int32_t k = s->axis.first[i]; k < s->axis.first[i + 1]; k++)
            s->point[k] = i;
    for (int32_t at = 0, low = 0, high = 0; at < s->length; at++) {
        float sum = 0;
        low = lowest(s, at, low);
        while (high + 1 < s->n && s->start[high + 1] <= at)
            high++;
        for (int32_t i = low; i <= high; i++)
            sum += weight_of(s, i, at);
        for (int32_t i = low; i <= high; i++)
            s->share[(size_t)i * window + (size_t)(at - s->start[i])] = weight_of(s, i, at) / sum;
    }
    return FPC_OK;
}

/* ---- what is kept ---- */

struct piece { /* scores of a window, without the grid's rows above */
    float *score;
    uint8_t *best;
    int32_t top; /* the grid's row that stands first */
};

struct blend {
    struct side down, across;
    int32_t classes;
    int32_t n_whole;
    struct piece *whole; /* [n_whole] those of the row of windows under way, in turn */
    struct piece *kept;  /* [down.reach - 1][across.n] by how many rows of windows ago, from 1 on */
    float *left, *right; /* [across.reach][classes] between two rows of the grid */
    float *mean;         /* [classes] */
    float *line;         /* (across.length,classes) for `rows` */
    const fpc_score_rows *rows;
    uint8_t *labels;
};

static struct piece *piece_of(const struct blend *b, int32_t ago, int32_t column)
{
    return ago ? b->kept + (int64_t)(ago - 1) * b->across.n + column : b->whole + column % b->n_whole;
}

/* Rows of the grid that a window `ago` rows of windows above can still be asked for. */
static int32_t rows_kept(const struct side *down, int32_t ago)
{
    int32_t least = down->window - 1;

    for (int32_t i = ago; i < down->n; i++)
        least = down->start[i] - down->start[i - ago] < least ? down->start[i] - down->start[i - ago] : least;
    return down->points - down->point[least];
}

static size_t values_of(const struct blend *b, int32_t rows)
{
    return (size_t)rows * (size_t)b->across.points * (size_t)b->classes;
}

static double bytes_needed(const struct blend *b)
{
    const size_t each = sizeof(float), point = 1 + each * (size_t)b->classes;
    double rows = (double)b->n_whole * b->down.points;

    for (int32_t ago = 1; ago < b->down.reach; ago++)
        rows += (double)b->across.n * rows_kept(&b->down, ago);
    return rows * b->across.points * (double)point + (b->rows ? (double)b->across.length * (double)point : 0);
}

static fpc_status make_piece(const struct blend *b, fpc_arena *arena, int32_t rows, struct piece *p)
{
    p->score = fpc_alloc(arena, values_of(b, rows) * sizeof *p->score);
    p->best = fpc_alloc(arena, (size_t)rows * (size_t)b->across.points);
    return p->score && p->best ? FPC_OK : FPC_ENOMEM;
}

static fpc_status make_room(struct blend *b, fpc_arena *arena)
{
    const size_t mixed = (size_t)b->across.reach * (size_t)b->classes;
    fpc_status status = FPC_OK;

    b->whole = fpc_alloc(arena, (size_t)b->n_whole * sizeof *b->whole);
    b->kept = fpc_alloc(arena, (size_t)b->down.reach * (size_t)b->across.n * sizeof *b->kept);
    b->left = fpc_alloc(arena, mixed * sizeof *b->left);
    b->right = fpc_alloc(arena, mixed * sizeof *b->right);
    b->mean = fpc_alloc(arena, (size_t)b->classes * sizeof *b->mean);
    if (b->rows)
        b->line = fpc_alloc(arena, (size_t)b->across.length * (size_t)b->classes * sizeof *b->line);
    if (!b->whole || !b->kept || !b->left || !b->right || !b->mean || (b->rows && !b->line))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < b->n_whole && !status; i++)
        status = make_piece(b, arena, b->down.points, &b->whole[i]);
    for (int32_t ago = 1; ago < b->down.reach; ago++)
        for (int32_t c = 0; c < b->across.n && !status; c++)
            status = make_piece(b, arena, rows_kept(&b->down, ago), piece_of(b, ago, c));
    return status;
}

/* No pixel right of that column of windows needs it any more: what the next row of windows overlaps stays. */
static void keep(struct blend *b, int32_t row, int32_t column)
{
    const struct side *down = &b->down;
    const size_t line = values_of(b, 1);

    for (int32_t ago = down->reach - 1; ago > 0 && row + 1 < down->n; ago--) {
        const int32_t from = row + 1 - ago;
        if (from < 0 || down->start[row + 1] - down->start[from] >= down->window)
            continue;
        const struct piece *p = piece_of(b, ago - 1, column);
        struct piece *to = piece_of(b, ago, column);
        to->top = down->point[down->start[row + 1] - down->start[from]];
        const size_t skip = (size_t)(to->top - p->top), rows = (size_t)(down->points - to->top);
        memcpy(to->score, p->score + skip * line, rows * line * sizeof *to->score);
        memcpy(to->best, p->best + skip * (size_t)b->across.points, rows * (size_t)b->across.points);
    }
}

/* ---- labels ---- */

/* The windows over a row of pixels, and the pixels under way. */
struct place {
    int32_t y, row, top;         /* a pixel, the lowest and the highest row of windows over it */
    int32_t x, end, column, low; /* pixels x .. end - 1, the right and the left column of windows over them */
};

/* Around window (row, column): its points before the pixel (x,y), and how far from one to the next that is. */
struct corner {
    const struct piece *piece;
    int64_t upper, lower; /* points of the piece */
    int32_t next;         /* from them to those right of them: 0 or 1 */
    float down;           /* from upper to lower */
    float share;          /* of this row of windows */
};

static struct corner corner_of(const struct blend *b, const struct place *p, int32_t row, int32_t column)
{
    const struct side *down = &b->down, *across = &b->across;
    const int32_t y = p->y - down->start[row], i = down->point[y], j = across->point[p->x - across->start[column]];
    struct corner c = {.piece = piece_of(b, p->row - row, column)};

    c.upper = (int64_t)(i - c.piece->top) * across->points + j;
    c.lower = i + 1 < down->points ? c.upper + across->points : c.upper;
    c.next = j + 1 < across->points;
    c.down = down->axis.weight[y];
    c.share = down->share[(int64_t)row * down->window + y];
    return c;
}

/* The class that all points around agree on; -1: they do not. */
static int32_t agreed(const struct blend *b, const struct place *p)
{
    int32_t best = -1;

    for (int32_t column = p->low; column <= p->column; column++)
        for (int32_t row = p->top; row <= p->row; row++) {
            const struct corner c = corner_of(b, p, row, column);
            const uint8_t *upper = c.piece->best + c.upper, *lower = c.piece->best + c.lower;
            best = best < 0 ? *upper : best;
            if (upper[0] != best || upper[c.next] != best || lower[0] != best || lower[c.next] != best)
                return -1;
        }
    return best;
}

/* The scores left and right of the pixels, for each column of windows: the mean of its rows of windows. */
static void mix_rows(const struct blend *b, const struct place *p)
{
    const int32_t k = b->classes;

    for (int32_t column = p->low; column <= p->column; column++) {
        float *left = b->left + (int64_t)(column - p->low) * k, *right = b->right + (int64_t)(column - p->low) * k;
        for (int32_t row = p->top; row <= p->row; row++) {
            const struct corner at = corner_of(b, p, row, column);
            const float *u = at.piece->score + at.upper * k, *l = at.piece->score + at.lower * k;
            const float *un = u + at.next * k, *ln = l + at.next * k;
            for (int32_t c = 0; c < k; c++) {
                const float here = at.share * (u[c] + at.down * (l[c] - u[c]));
                const float next = at.share * (un[c] + at.down * (ln[c] - un[c]));
                left[c] = row > p->top ? left[c] + here : here;
                right[c] = row > p->top ? right[c] + next : next;
            }
        }
    }
}

/* Adds to the scores of a class, at LANES pixels from x on, what the columns of windows make of it. */
static void add_columns(const struct blend *b, const struct place *p, int32_t x, int32_t c, float *v)
{
    const struct side *across = &b->across;

    for (int32_t column = p->low; column <= p->column; column++) {
        const int64_t at = (int64_t)(column - p->low) * b->classes + c, from = x - across->start[column];
        const float *weight = across->axis.weight + from,
                    *share = across->share + column * (int64_t)across->window + from;
        const float low = b->left[at], step = b->right[at] - low;
        for (int i = 0; i < LANES; i++)
            v[i] += share[i] * (low + weight[i] * step);
    }
}

/* The mean scores of a pixel, behind mix_rows. */
static void mean_at(const struct blend *b, const struct place *p, int32_t x, float *v)
{
    const struct side *across = &b->across;
    const int32_t k = b->classes;

    memset(v, 0, (size_t)k * sizeof *v);
    for (int32_t column = p->low; column <= p->column; column++) {
        const int64_t at = x - across->start[column];
        const float *left = b->left + (int64_t)(column - p->low) * k,
                    *right = b->right + (int64_t)(column - p->low) * k;
        const float weight = across->axis.weight[at], share = across->share[column * (int64_t)across->window + at];
        for (int32_t c = 0; c < k; c++)
            v[c] += share * (left[c] + weight * (right[c] - left[c]));
    }
}

/* Where points lie as close as pixels, few of the lanes would be used: there classes go side by side. */
static void compute_few(const struct blend *b, const struct place *p, uint8_t *to)
{
    for (int32_t x = p->x; x < p->end; x++) {
        mean_at(b, p, x, b->mean);
        fpc_scores_best(b->mean, 1, b->classes, to + x);
    }
}

static void compute(const struct blend *b, const struct place *p, uint8_t *to)
{
    mix_rows(b, p);
    if (p->end - p->x < LANES / 2) {
        compute_few(b, p, to);
        return;
    }
    for (int32_t x = p->x; x < p->end; x += LANES) {
        float most[LANES];
        int32_t best[LANES] = {0};

        for (int i = 0; i < LANES; i++)
            most[i] = -INFINITY;
        for (int32_t c = 0; c < b->classes; c++) {
            float v[LANES] = {0};
            add_columns(b, p, x, c, v);
            for (int i = 0; i < LANES; i++) {
                best[i] = v[i] > most[i] ? c : best[i];
                most[i] = v[i] > most[i] ? v[i] : most[i];
            }
        }
        for (int i = 0; i < LANES && x + i < p->end; i++)
            to[x + i] = (uint8_t)best[i];
    }
}

/* As many pixels from x on as lie between the same points of the same windows. */
static int32_t stretch(const struct side *across, const struct place *p, int32_t most)
{
    int32_t end = across->start[p->low] + across->window;

    end = end < most ? end : most;
    for (int32_t column = p->low; column <= p->column; column++) {
        const int32_t start = across->start[column], next = start + across->axis.first[across->point[p->x - start] + 1];
        end = next < end ? next : end;
    }
    return end;
}

/* The first pixel of which no window up to i is the last one. */
static int32_t end_of(const struct side *s, int32_t i)
{
    return i + 1 < s->n ? s->start[i + 1] : s->length;
}

/* The pixels of which that window is the last. */
static void label(const struct blend *b, int32_t row, int32_t column)
{
    const struct side *down = &b->down, *across = &b->across;
    const int32_t end = end_of(across, column);
    const int32_t first_row = row + 1 - down->reach, first_column = column + 1 - across->reach;
    struct place p = {.row = row, .column = column, .top = first_row > 0 ? first_row : 0};

    for (p.y = down->start[row]; p.y < end_of(down, row); p.y++) {
        uint8_t *to = b->labels + (int64_t)p.y * across->length;
        p.top = lowest(down, p.y, p.top);
        p.low = first_column > 0 ? first_column : 0;
        for (p.x = across->start[column]; p.x < end; p.x = p.end) {
            p.low = lowest(across, p.x, p.low);
            p.end = stretch(across, &p, end);
            const int32_t best = agreed(b, &p);
            if (best >= 0)
                memset(to + p.x, best, (size_t)(p.end - p.x));
            else
                compute(b, &p, to);
        }
    }
}

/* The rows of pixels of which that row of windows, all of which are there, is the last; they have their labels. */
static fpc_status give_rows(const struct blend *b, int32_t row)
{
    const struct side *down = &b->down, *across = &b->across;
    const int32_t first_row = row + 1 - down->reach;
    struct place p = {.row = row, .top = first_row > 0 ? first_row : 0};
    fpc_status status = FPC_OK;

    for (p.y = down->start[row]; p.y < end_of(down, row) && !status; p.y++) {
        p.top = lowest(down, p.y, p.top);
        p.low = p.column = 0;
        for (p.x = 0; p.x < across->length; p.x = p.end) {
            p.low = lowest(across, p.x, p.low);
            p.column += p.x >= end_of(across, p.column);
            p.end = stretch(across, &p, end_of(across, p.column));
            mix_rows(b, &p);
            for (int32_t x = p.x; x < p.end; x++)
                mean_at(b, &p, x, b->line + (int64_t)x * b->classes);
        }
        status = b->rows->take(b->rows->arg, b->line, b->labels + (int64_t)p.y * across->length);
    }
    return status;
}

/* ---- all of it ---- */

static fpc_status take(struct blend *b, const fpc_tiles_source *from, int32_t row, int32_t column)
{
    const fpc_window window = {b->across.start[column], b->down.start[row], b->across.window, b->down.window};
    struct piece *p = piece_of(b, 0, column);
    const float *score;
    const fpc_status status = from->scores(from->arg, &window, &score);

    if (status)
        return status;
    memcpy(p->score, score, values_of(b, b->down.points) * sizeof *p->score);
    fpc_scores_best(p->score, (int64_t)b->down.points * b->across.points, b->classes, p->best);
    return FPC_OK;
}

static fpc_status blend_all(struct blend *b, const fpc_tiles_source *from)
{
    const int32_t behind = b->n_whole - 1; /* windows that stay whole behind the last one that was taken */
    fpc_status status;

    for (int32_t row = 0; row < b->down.n; row++) {
        for (int32_t column = 0; column < b->across.n; column++) {
            if ((status = take(b, from, row, column)))
                return status;
            label(b, row, column);
            if (column >= behind && !b->rows)
                keep(b, row, column - behind);
        }
        if (b->rows && (status = give_rows(b, row)))
            return status;
        for (int32_t column = b->rows ? 0 : b->across.n - behind; column < b->across.n; column++)
            keep(b, row, column);
    }
    return FPC_OK;
}

fpc_status fpc_tiles_labels(fpc_ctx *ctx, fpc_arena *scratch, fpc_tiles tiles, const fpc_tiles_source *from, int32_t h,
                            int32_t w, uint8_t *labels, const fpc_score_rows *rows)
{
    struct blend b = {.classes = from->classes, .labels = labels, .rows = rows};
    fpc_status status;

    if ((status = lay_windows(scratch, tiles, h, from->gh, &b.down)) ||
        (status = lay_windows(scratch, tiles, w, from->gw, &b.across)) || (status = make_tables(scratch, &b.down)) ||
        (status = make_tables(scratch, &b.across)))
        return status;
    b.n_whole = rows ? b.across.n : b.across.reach;
    if (bytes_needed(&b) > most_kept)
        return fpc_fail(ctx, FPC_EINVAL,
                        "a picture of %d x %d in tiles of %d that overlap by %d: %.1f GiB of scores would have to be "
                        "kept, and 2 may be; larger tiles or less overlap need less",
                        w, h, tiles.side, tiles.overlap, bytes_needed(&b) / (1 << 30));
    status = make_room(&b, scratch);
    return status ? status : blend_all(&b, from);
}
