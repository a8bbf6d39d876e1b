/* pairs.c: which picture has which mask, by the names of their files: a mask is a PNG file whose name begins as its
 * picture's does. Where names can be paired in several ways, all are tried, and the best counts. */
#define _GNU_SOURCE
#include "cmd/setup/pairs.h"
#include "base/message.h"
#include "base/text.h"

#include <fpcore/image.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { TRIED = 16, NAME = 1024 }; /* pairs of suffixes; bytes of a name that is looked for, with its suffix */

/* In one folder nothing but the suffix tells which of two PNG files is the mask. */
static const char *const suffixes[] = {"_mask",  "-mask",  ".mask",   "_masks", "_seg",         "_segmentation",
                                       "_label", "-label", "_labels", "_gt",    "_groundtruth", "_annotation",
                                       "_annot", "_L",     "_target", NULL};

int fpc_pairs_suffix(const char *tail)
{
    for (const char *const *s = suffixes; *s; s++)
        if (!strcasecmp(*s + 1, tail))
            return 1;
    return 0;
}

/* ---- folders ---- */

const char *fpc_finder_join(fpc_finder *f, const char *a, const char *b)
{
    const char *path = !strcmp(a, ".") ? fpc_strdup(f->arena, b) : fpc_sprintf(f->arena, "%s/%s", a, b);
    if (!path)
        f->status = FPC_ENOMEM;
    return path ? path : "";
}

static void add(fpc_finder *f, const char ***list, int64_t *n, int64_t *room, const char *name)
{
    if (*n == *room) {
        const int64_t more = *room ? 2 * *room : 64;
        const char **larger = fpc_alloc(f->arena, (size_t)more * sizeof *larger);
        if (!larger) {
            f->status = FPC_ENOMEM;
            return;
        }
        if (*n)
            memcpy(larger, *list, (size_t)*n * sizeof *larger);
        *list = larger;
        *room = more;
    }
    if (!((*list)[*n] = fpc_strdup(f->arena, name)))
        f->status = FPC_ENOMEM;
    else
        ++*n;
}

fpc_listing fpc_finder_look(fpc_finder *f, const char *sub)
{
    fpc_listing l = {.sub = sub};
    const char *path = fpc_sprintf(f->arena, "%s/%s", f->out->root, sub);
    DIR *dir = path && !f->status ? opendir(path) : NULL;
    const struct dirent *entry;

    while (dir && !f->status && (entry = readdir(dir))) {
        struct stat about;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &about, 0))
            continue;
        if (S_ISDIR(about.st_mode))
            add(f, &l.subs, &l.n_subs, &l.subs_room, entry->d_name);
        else if (fpc_image_named(entry->d_name))
            add(f, &l.name, &l.n, &l.room, entry->d_name);
        else if (!l.n_others++ && !(l.other = fpc_strdup(f->arena, entry->d_name)))
            f->status = FPC_ENOMEM;
    }
    l.there = dir != NULL;
    if (dir)
        closedir(dir);
    if (l.n)
        qsort(l.name, (size_t)l.n, sizeof *l.name, fpc_by_text);
    if (l.n_subs)
        qsort(l.subs, (size_t)l.n_subs, sizeof *l.subs, fpc_by_text);
    return l;
}

const char *fpc_named_next(fpc_named *s)
{
    for (; *s->names; s->names++, s->at = 0)
        while (s->at < s->in->n_subs) {
            const char *sub = s->in->subs[s->at++];
            const size_t n = strlen(*s->names);
            if (!strncasecmp(sub, *s->names, n) && !strcasecmp(sub + n, s->tail))
                return sub;
        }
    return NULL;
}

/* ---- pairs ---- */
static int is_mask(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && !strcasecmp(dot, ".png");
}

static size_t stem_of(const char *name)
{
    return (size_t)(strrchr(name, '.') - name);
}

/* The name of the mask of a picture; NULL: it has none. */
static const char *mask_of(const fpc_listing *masks, const char *image, const fpc_pairs *p)
{
    static const char *const endings[] = {".png", ".PNG", ".Png"};
    const size_t n = stem_of(image), tail = strlen(p->image_suffix);
    char name[NAME];
    const char *want = name;

    if (n <= tail || memcmp(image + n - tail, p->image_suffix, tail) != 0)
        return NULL;
    for (int i = 0; i < 3 && masks->n; i++) {
        const int bytes = snprintf(name, sizeof name, "%.*s%s%s", (int)(n - tail), image, p->mask_suffix, endings[i]);
        const char **hit =
            bytes > 0 && bytes < NAME ? bsearch(&want, masks->name, (size_t)masks->n, sizeof want, fpc_by_text) : NULL;
        if (hit)
            return *hit;
    }
    return NULL;
}

/* Whether a file of the folder of pictures is one: in a folder that both share, masks are not. */
static int is_picture(const fpc_listing *images, const fpc_listing *masks, const char *name, const fpc_pairs *p)
{
    const size_t n = stem_of(name), tail = strlen(p->image_suffix), other = strlen(p->mask_suffix);
    if (n <= tail || memcmp(name + n - tail, p->image_suffix, tail) != 0)
        return 0;
    return strcmp(images->sub, masks->sub) != 0 || !other || n <= other ||
           memcmp(name + n - other, p->mask_suffix, other) != 0;
}

/* Counts what the suffixes of p pair, and lists it where list is 1. */
static void count_pairs(fpc_finder *f, const fpc_listing *images, const fpc_listing *masks, fpc_pairs *p, int list)
{
    p->n = p->alone = 0;
    if (list) {
        p->image = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *p->image);
        p->mask = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *p->mask);
    }
    if (list && (!p->image || !p->mask)) {
        f->status = FPC_ENOMEM;
        return;
    }
    for (int64_t i = 0; i < images->n && !f->status; i++) {
        if (!is_picture(images, masks, images->name[i], p))
            continue;
        const char *mask = mask_of(masks, images->name[i], p);
        if (mask && list) {
            p->image[p->n] = images->name[i];
            p->mask[p->n] = mask;
        }
        p->n += mask != NULL;
        p->alone += mask == NULL;
    }
}

/* Masks that number the objects of a picture, as many data sets have them beside those of classes. Labels of theirs
 * mean something else in each picture. */
static int of_objects(const fpc_pairs *p)
{
    return strcasestr(p->mask_suffix, "instance") || strcasestr(p->mask_suffix, "object");
}

int fpc_pairs_better(const fpc_pairs *p, const fpc_pairs *than)
{
    if (!p->n || !than->n)
        return p->n > than->n;
    return of_objects(p) != of_objects(than) ? of_objects(than) : p->n > than->n;
}

static void keep_better(fpc_finder *f, const fpc_listing *images, const fpc_listing *masks, const char *image_suffix,
                        const char *mask_suffix, fpc_pairs *best)
{
    fpc_pairs p = {
        .images = images->sub, .masks = masks->sub, .image_suffix = image_suffix, .mask_suffix = mask_suffix};
    count_pairs(f, images, masks, &p, 0);
    if (fpc_pairs_better(&p, best))
        *best = p;
}

/* The suffixes that a first picture may have, by what it shares with names of masks. */
static void try_suffixes(fpc_finder *f, const fpc_listing *images, const fpc_listing *masks, fpc_pairs *best)
{
    const char *image = images->name[0];
    const size_t n = stem_of(image);
    size_t most = 0;

    for (int pass = 0, tried = 0; pass < 2; pass++)
        for (int64_t i = 0; i < masks->n && tried < TRIED && !f->status; i++) {
            const char *mask = masks->name[i];
            const size_t m = stem_of(mask);
            size_t same = 0;
            while (same < n && same < m && image[same] == mask[same])
                same++;
            if (!is_mask(mask) || !same || same < most)
                continue;
            most = same;
            if (!pass)
                continue;
            while (same > 1 && same < n && strchr("_-.", image[same - 1])) /* "_rgb", and not "rgb" */
                same--;
            const char *a = fpc_sprintf(f->arena, "%.*s", (int)(n - same), image + same),
                       *b = fpc_sprintf(f->arena, "%.*s", (int)(m - same), mask + same);
            if (!a || !b) {
                f->status = FPC_ENOMEM;
                return;
            }
            keep_better(f, images, masks, a, b, best);
            tried++;
        }
}

fpc_pairs fpc_pairs_find(fpc_finder *f, const fpc_listing *images, const fpc_listing *masks)
{
    const int one = !strcmp(images->sub, masks->sub);
    fpc_pairs best = {.images = images->sub, .masks = masks->sub, .image_suffix = "", .mask_suffix = ""};

    if (!images->n || !masks->n)
        return best;
    if (!one)
        keep_better(f, images, masks, "", "", &best);
    for (const char *const *s = suffixes; *s && (one || !best.n); s++)
        keep_better(f, images, masks, "", *s, &best);
    if (!best.n && !one)
        try_suffixes(f, images, masks, &best);
    if (best.n)
        count_pairs(f, images, masks, &best, 1);
    return best;
}
