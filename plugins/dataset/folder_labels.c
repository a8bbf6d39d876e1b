/* folder_labels.c: from the values of a mask's file to labels: the option `map`, and the refusal of what is no label.
 * Masks that painting programs and other tools write often hold other numbers than labels, above all 0 and 255, so the
 * refusal looks at the whole mask to say what it probably is. */
#include <stdlib.h>
#include <string.h>
#include "folder.h"

/* More values than a mask by hand has; values that a sentence lists; the largest value, of 16 bits. */
enum { SMOOTHED = 32, SHOWN = 6, MOST = 65535 };

/* ---- the option `map` ---- */
static fpc_status refuse_map(const folder *f, const char *item, const char *why)
{
    return fpc_fail(f->self.ctx, FPC_EINVAL,
                    "%s.map = %s: `%.*s` %s; it is a list of VALUE:LABEL, as in `0:0, 255:1`, of values 0 .. %d, each "
                    "once, and labels 0 .. %d%s",
                    f->self.label, f->map, (int)strcspn(item, ","), item, why, MOST, f->n_classes - 1,
                    f->ignored < 0 ? "" : " or the ignore_label");
}

/* A number without sign; NULL: there is none. */
static const char *take_number(const char *text, long *out)
{
    char *end;

    text += strspn(text, " \t");
    if (*text < '0' || *text > '9')
        return NULL;
    *out = strtol(text, &end, 10);
    return end + strspn(end, " \t");
}

fpc_status fpc_folder_map(folder *f)
{
    const size_t bytes = (MOST + 1) * sizeof *f->label_of;
    if (!*f->map)
        return FPC_OK;
    if (!(f->label_of = fpc_alloc(f->self.arena, bytes)))
        return FPC_ENOMEM;
    memset(f->label_of, 0xff, bytes);
    for (const char *item = f->map, *next; item; item = next) {
        long value, label;
        item += strspn(item, " \t");
        next = strchr(item, ',');
        next = next ? next + 1 : NULL;
        const char *end = take_number(item, &value);
        if (!end || *end != ':' || !(end = take_number(end + 1, &label)) || (*end && *end != ','))
            return refuse_map(f, item, "is not VALUE:LABEL");
        if (value > MOST)
            return refuse_map(f, item, "has a value that no mask holds");
        if (label >= f->n_classes && label != f->ignored)
            return refuse_map(f, item, "has a label that no class has");
        if (f->label_of[value] >= 0)
            return refuse_map(f, item, "names its value for the second time");
        f->label_of[value] = (int16_t)label;
    }
    return FPC_OK;
}

/* ---- what is no label ---- */
static int value_at(const fpc_image *mask, int64_t i)
{
    return mask->c == 2 ? mask->pixel[2 * i] << 8 | mask->pixel[2 * i + 1] : mask->pixel[i];
}

/* Of those up to 255. */
typedef struct values {
    int64_t of[256], pixels;
    int kinds;
} values;

static values count_values(const fpc_image *mask)
{
    values v = {.pixels = (int64_t)mask->w * mask->h};

    for (int64_t i = 0; i < v.pixels; i++)
        if (value_at(mask, i) < 256)
            v.kinds += v.of[value_at(mask, i)]++ == 0;
    return v;
}

/* "0:0, 85:1, 170:2" for the values of a mask in their order; what counts nowhere stays as it is. */
static const char *likely_map(const folder *f, fpc_arena *scratch, const values *v)
{
    const char *text = "";
    int label = 0, shown = 0;

    for (int value = 0; value < 256 && text; value++) {
        if (!v->of[value])
            continue;
        if (shown++ == SHOWN)
            return fpc_sprintf(scratch, "%s ...", text);
        text = fpc_sprintf(scratch, "%s%s%d:%d", text, *text ? ", " : "", value, value == f->ignored ? value : label);
        label += value != f->ignored;
    }
    return text;
}

/* What to do about it, by what the mask as a whole looks like. */
static const char *advice(const folder *f, fpc_arena *scratch, const values *v, int64_t wrong, int first)
{
    const int64_t painted = v->pixels - v->of[0];
    const char *map = likely_map(f, scratch, v), *text = "";

    if (v->kinds > SMOOTHED)
        text = fpc_sprintf(scratch,
                           "; the mask holds %d different values, as one does that was smoothed, enlarged or stored "
                           "with losses; an index mask has one value for each class",
                           v->kinds);
    else if (v->kinds == 2 && v->of[0] && v->of[255] && map)
        text = fpc_sprintf(scratch,
                           "; it is a mask in black and white, of the values 0 and 255 alone: `map = %s` in [%s] reads "
                           "white as label 1",
                           map, f->self.label);
    else if (2 * wrong >= painted && map)
        text = fpc_sprintf(scratch,
                           "; where its values stand for labels, `map = %s` in [%s] says for which: each value of the "
                           "masks once, as VALUE:LABEL",
                           map, f->self.label);
    else if (f->ignored < 0 && v->of[first] == wrong)
        text =
            fpc_sprintf(scratch, "; `ignore_label = %d` in [%s] would make them count nowhere", first, f->self.label);
    return text ? text : "";
}

static fpc_status refuse_value(const folder *f, fpc_arena *scratch, const char *path, const fpc_image *mask,
                               int64_t first, int64_t wrong)
{
    const values v = count_values(mask);
    const int value = value_at(mask, first);
    const long long x = first % mask->w, y = first / mask->w;

    if (*f->map)
        return fpc_fail(f->self.ctx, FPC_EFORMAT,
                        "%s: value %d at x %lld, y %lld is not in %s.map = %s (%lld of the mask's pixels in all); "
                        "every value of the masks has to be there, what counts nowhere too",
                        path, value, x, y, f->self.label, f->map, (long long)wrong);
    if (value > 255)
        return fpc_fail(f->self.ctx, FPC_EFORMAT,
                        "%s: value %d at x %lld, y %lld of a mask of 16 bits; labels are 0 .. %d. `map = 0:0, %d:1` in "
                        "[%s] would say which label it stands for",
                        path, value, x, y, f->n_classes - 1, value, f->self.label);
    return fpc_fail(
        f->self.ctx, FPC_EFORMAT,
        "%s: label %d at x %lld, y %lld; there %s %d %s, so labels are 0 .. %d (%lld %s of the mask %s beyond)%s", path,
        value, x, y, f->n_classes == 1 ? "is" : "are", f->n_classes, f->n_classes == 1 ? "class" : "classes",
        f->n_classes - 1, (long long)wrong, wrong == 1 ? "pixel" : "pixels", wrong == 1 ? "is" : "are",
        advice(f, scratch, &v, wrong, value));
}

fpc_status fpc_folder_labels(const folder *f, fpc_arena *scratch, const char *path, fpc_image *mask)
{
    const int64_t n = (int64_t)mask->w * mask->h;
    int64_t first = -1, wrong = 0;

    if (mask->c == 3)
        return fpc_folder_colours(f, scratch, path, mask);
    for (int64_t i = 0; i < n; i++) {
        const int value = value_at(mask, i);
        if (*f->map ? f->label_of[value] < 0 : value >= f->n_classes && value != f->ignored)
            first = wrong++ ? first : i;
    }
    if (wrong)
        return refuse_value(f, scratch, path, mask, first, wrong);
    for (int64_t i = 0; i < n && (*f->map || mask->c == 2); i++) { /* two bytes become one */
        const int value = value_at(mask, i);
        mask->pixel[i] = (uint8_t)(*f->map ? f->label_of[value] : value);
    }
    mask->c = 1;
    return FPC_OK;
}
