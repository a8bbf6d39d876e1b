/* folder_parts.c: masks that come in parts, as those of CelebAMask-HQ do: a file NAME_CLASS.png for each class that a
 * picture shows, black where the class is not. The option `parts` says which lies over which; the parts of a picture
 * are painted into one mask when it is read. A class without file is not in the picture. */
#include <stdlib.h>
#include <string.h>
#include "folder.h"

/* ---- the option ---- */

static fpc_status refuse(const folder *f, const char *item, size_t n, const char *why)
{
    const char *list = "";
    for (int32_t i = 0; i < f->n_classes && list; i++)
        list = fpc_sprintf(f->self.arena, "%s%s%s", list, i ? ", " : "", f->order.names[i]);
    return fpc_fail(f->self.ctx, FPC_EINVAL,
                    "%s: %s.parts = %s: `%.*s` %s; it is `all`, or the names of classes in the order in which their "
                    "parts are painted, of %s",
                    fpc_origin(&f->self, "parts"), f->self.label, f->parts, (int)n, item, why, list ? list : "them");
}

static fpc_status take_name(folder *f, const char *item, size_t n, int16_t rank)
{
    for (int32_t i = 0; i < f->n_classes; i++)
        if (strlen(f->order.names[i]) == n && !strncmp(f->order.names[i], item, n)) {
            if (f->order.rank[i] >= 0)
                return refuse(f, item, n, "is there twice");
            f->order.rank[i] = rank;
            return FPC_OK;
        }
    return refuse(f, item, n, "is no class");
}

/* What says how a whole mask is named and read has nothing to say of parts. */
static fpc_status check_others(const folder *f)
{
    const char *const key[] = {"mask_suffix", "map", "ignore_colour"};
    const char *const value[] = {f->mask_suffix, f->map, f->ignore_colour};
    for (int i = 0; i < 3; i++)
        if (*value[i])
            return fpc_fail(
                f->self.ctx, FPC_EINVAL,
                "%s: %s.%s goes with whole masks, and %s.parts says that they come in parts, NAME_CLASS.png",
                fpc_origin(&f->self, key[i]), f->self.label, key[i], f->self.label);
    return FPC_OK;
}

fpc_status fpc_folder_parts(folder *f, const fpc_dataset_info *info)
{
    fpc_status status;
    int16_t rank = 0;
    if (!*f->parts)
        return FPC_OK;
    f->order.classes = info->classes;
    f->order.names = info->class_names;
    for (int i = 0; i < 256; i++)
        f->order.rank[i] = -1;
    if ((status = check_others(f)))
        return status;
    if (!strcmp(f->parts, "all")) {
        for (int32_t i = 0; i < info->classes && i < 256; i++)
            f->order.rank[i] = (int16_t)i;
        return FPC_OK;
    }
    for (const char *item = f->parts, *next; item; item = next) {
        item += strspn(item, " \t");
        size_t n = strcspn(item, ",");
        next = item[n] ? item + n + 1 : NULL;
        while (n && strchr(" \t", item[n - 1]))
            n--;
        if ((status = take_name(f, item, n, rank++)))
            return status;
    }
    return FPC_OK;
}

/* ---- names ---- */

int32_t fpc_folder_part(const folder_order *o, const char *name, size_t n, size_t *stem)
{
    int32_t label = -1;
    size_t most = 0;
    for (int32_t i = 0; i < o->classes; i++) {
        const size_t c = strlen(o->names[i]);
        if (c > most && c + 1 < n && name[n - c - 1] == '_' && !strncmp(name + n - c, o->names[i], c)) {
            label = i;
            most = c;
            *stem = n - c - 1;
        }
    }
    return label;
}

const char *fpc_folder_key(const char *stem)
{
    if (stem[strspn(stem, "0123456789")])
        return stem;
    while (stem[0] == '0' && stem[1])
        stem++;
    return stem;
}

static int by_rank(const void *a, const void *b)
{
    const folder_piece *x = a, *y = b;
    const int order = strcmp(x->stem, y->stem);
    return order ? order : x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : strcmp(x->name, y->name);
}

/* The parts of `files`, sorted by what they are of, and each once. */
static fpc_status make_pieces(fpc_self *self, const fpc_dataset_audit *audit, const folder_order *o,
                              const folder_files *files, folder_piece *piece, int64_t *n)
{
    for (int64_t i = 0; i < files->n; i++) {
        const char *name = files->file[i].name, *slash = strrchr(files->file[i].stem, '/');
        size_t at = 0;
        const int32_t label = fpc_folder_part(o, name, (size_t)(strrchr(name, '.') - name), &at);
        piece[i] = (folder_piece){fpc_folder_key(slash ? slash + 1 : files->file[i].stem), name, o->rank[label],
                                  (int16_t)label};
    }
    qsort(piece, (size_t)files->n, sizeof *piece, by_rank);
    for (int64_t i = 0; i < files->n; i++) {
        if (!i || strcmp(piece[i].stem, piece[*n - 1].stem) != 0 || piece[i].rank != piece[*n - 1].rank) {
            piece[(*n)++] = piece[i];
            continue;
        }
        const fpc_status status =
            fpc_fail(self->ctx, FPC_EFORMAT, "%s: %s and %s are the same part of picture %s; remove one", files->path,
                     piece[*n - 1].name, piece[i].name, piece[i].stem);
        if (!audit)
            return status;
        audit->flaw(audit->arg, "part that is there twice", 0, piece[i].name, NULL);
    }
    return FPC_OK;
}

fpc_status fpc_folder_group(fpc_self *self, const fpc_dataset_audit *audit, const folder_order *o, folder_files *files)
{
    folder_piece *piece = fpc_alloc(self->arena, (size_t)files->n * sizeof *piece);
    int64_t *first = fpc_alloc(self->arena, ((size_t)files->n + 1) * sizeof *first), n = 0;
    fpc_status status;
    if (!piece || !first)
        return FPC_ENOMEM;
    if ((status = make_pieces(self, audit, o, files, piece, &n)))
        return status;
    files->n = 0;
    for (int64_t i = 0; i < n; i++)
        if (!i || strcmp(piece[i].stem, piece[i - 1].stem) != 0) {
            first[files->n] = i;
            files->file[files->n++] = (folder_file){piece[i].stem, piece[i].name};
        }
    first[files->n] = n;
    files->first = first;
    files->piece = piece;
    return FPC_OK;
}

/* 7.jpg and 007.jpg would have the same parts. */
fpc_status fpc_folder_shared(const folder *f, const folder_files *images, const folder_files *masks)
{
    int64_t *of = fpc_alloc(f->self.arena, ((size_t)masks->n + 1) * sizeof *of);
    if (!of)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < images->n; i++) {
        const int64_t at = fpc_folder_find(masks, images->file[i].stem);
        if (at < 0)
            continue;
        if (of[at]) {
            const fpc_status status = fpc_fail(
                f->self.ctx, FPC_EFORMAT,
                "%s: %s and %s are one number, so that which of them the parts %s/%s are of cannot be told",
                images->path, images->file[of[at] - 1].name, images->file[i].name, masks->path, masks->file[at].name);
            if (!f->audit)
                return status;
            f->audit->flaw(f->audit->arg, "two pictures of one number", 0, images->file[i].name, NULL);
        }
        of[at] = i + 1;
    }
    return FPC_OK;
}

/* ---- pixels ---- */

/* Paints one part. The value of what is the part: all of its pixels have to agree, as a smoothed mask's, one of several
 * classes or a picture do not. */
static fpc_status paint(const folder *f, const char *path, const fpc_image *part, uint8_t label, fpc_image *mask)
{
    uint32_t on = 0;
    for (int64_t i = 0; i < (int64_t)part->w * part->h; i++) {
        uint32_t value = 0;
        for (int32_t c = 0; c < part->c; c++)
            value = value << 8 | part->pixel[i * part->c + c];
        if (!value)
            continue;
        if (on && value != on)
            return fpc_fail(f->self.ctx, FPC_EFORMAT,
                            "%s: a part is black where its class is not and of one value where it is; this one holds "
                            "%s%0*x and %0*x (at x %lld, y %lld), as a mask does that was smoothed, or that has "
                            "several classes",
                            path, part->c == 3 ? "the colours " : "", 2 * part->c, (unsigned)on, 2 * part->c,
                            (unsigned)value, (long long)(i % part->w), (long long)(i / part->w));
        on = value;
        mask->pixel[i] = label;
    }
    return FPC_OK;
}

fpc_status fpc_folder_join(const folder *f, fpc_arena *scratch, const folder_files *masks, int64_t at, fpc_image *out)
{
    *out = (fpc_image){.c = 1};
    for (int64_t i = masks->first[at]; i < masks->first[at + 1]; i++) {
        const folder_piece *p = &masks->piece[i];
        const char *path = fpc_sprintf(scratch, "%s/%s", masks->path, p->name);
        fpc_image part;
        fpc_status status =
            path ? fpc_image_open(f->self.ctx, scratch, path,
                                  FPC_IMAGE_MASK | FPC_IMAGE_CODED | (unsigned)f->orientation, &part, NULL)
                 : FPC_ENOMEM;
        if (status)
            return status;
        if (!out->pixel) {
            out->w = part.w, out->h = part.h;
            if (!(out->pixel = fpc_alloc(scratch, (size_t)part.w * (size_t)part.h))) /* of zeros, the ground */
                return FPC_ENOMEM;
        }
        if (part.w != out->w || part.h != out->h)
            return fpc_fail(f->self.ctx, FPC_EFORMAT,
                            "%s: %d x %d, but %s of the same picture is %d x %d; its parts have one size", path, part.w,
                            part.h, masks->file[at].name, out->w, out->h);
        if ((status = paint(f, path, &part, (uint8_t)p->label, out)))
            return status;
    }
    return FPC_OK;
}
