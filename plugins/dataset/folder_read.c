/* folder_read.c: one sample of dataset/folder: decodes picture and mask, checks sizes and labels, resizes, and puts
 * right the masks whose sides a list says are exchanged. In an audit every flaw is reported with its kind. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <fpcore/image.h>
#include "folder.h"

/* What is wrong with a sample: the failure that fpc_fail recorded gets its kind in an audit. */
static fpc_status flawed(const folder *f, fpc_part part, const char *name, const char *kind, fpc_status status)
{
    if (f->audit)
        f->audit->flaw(f->audit->arg, kind, part, name, NULL);
    return status;
}

static void note(const folder *f, const char *kind, const char *sentence)
{
    const fpc_dataset_audit *audit = f->audit;

    if (audit && sentence && audit->size >= offsetof(fpc_dataset_audit, note) + sizeof audit->note && audit->note)
        audit->note(audit->arg, kind, sentence);
}

/* What an audit tells of a picture that is whole. */
static void note_facts(const folder *f, fpc_arena *scratch, const char *path, const fpc_image *image,
                       const fpc_image_facts *facts)
{
    f->audit->picture(f->audit->arg, image->w, image->h);
    if (facts->orientation > 1) {
        const char *kind =
            fpc_sprintf(scratch, "picture with the orientation tag %d, %s", facts->orientation,
                        f->orientation == FPC_IMAGE_STORED ? "read as it is stored" : "turned as the tag says");
        if (kind)
            note(f, kind, path);
    }
    if (*facts->oddity)
        note(f, "JPEG with a head that decoders warn of, though no pixel is lost",
             fpc_sprintf(scratch, "%s: %s", path, facts->oddity));
}

static fpc_status read_image(const folder *f, fpc_arena *scratch, fpc_part part, const folder_file *file,
                             const char *path, fpc_image *out)
{
    fpc_image_facts facts = {.size = sizeof facts};
    const fpc_status status = fpc_image_open(f->self.ctx, scratch, path, (unsigned)f->orientation, out, &facts);
    if (status != FPC_OK)
        return flawed(f, part, file->stem, "unreadable picture", status);
    if (f->audit)
        note_facts(f, scratch, path, out, &facts);
    return FPC_OK;
}

/* Whether pictures of the two sizes can show the same: their sides have one ratio, but for the rounding of a pixel of
 * the smaller one. */
static int same_shape(int64_t w, int64_t h, int64_t w2, int64_t h2)
{
    const int64_t off = w2 * h > h2 * w ? w2 * h - h2 * w : h2 * w - w2 * h;
    const int64_t a = w > h ? w : h, b = w2 > h2 ? w2 : h2;

    return off < (a > b ? a : b);
}

/* Masks are made smaller or larger with their picture, so where `size` is given they may be of another size already. */
static fpc_status check_mask_size(const folder *f, fpc_arena *scratch, const fpc_image *mask, const char *path,
                                  const char *of, int32_t w, int32_t h)
{
    const char *why;

    if (mask->w == w && mask->h == h)
        return FPC_OK;
    if (f->size.h && same_shape(w, h, mask->w, mask->h)) {
        note(f, "mask of another size than its picture, of the same shape",
             fpc_sprintf(scratch, "%s: %d x %d, its picture %d x %d", path, mask->w, mask->h, w, h));
        return FPC_OK;
    }
    if (same_shape(w, h, mask->w, mask->h))
        why = fpc_sprintf(scratch, "%s.size = N resizes both", f->self.label);
    else if (same_shape(w, h, mask->h, mask->w))
        why = fpc_sprintf(scratch,
                          "it lies on its side. Pictures are turned as their EXIF orientation says; %s.orientation = "
                          "%s reads them %s",
                          f->self.label, f->orientation ? "apply" : "file",
                          f->orientation ? "that way" : "as they are stored");
    else
        why = fpc_sprintf(scratch,
                          "they have other shapes (%.3f : 1 and %.3f : 1), so that one does not lie on the "
                          "other",
                          (double)mask->w / mask->h, (double)w / h);
    return fpc_fail(f->self.ctx, FPC_EFORMAT, "%s: %d x %d, but its picture %s is %d x %d; %s", path, mask->w, mask->h,
                    of, w, h, why ? why : "");
}

/* masks->file[at], which is `path` or begins with it. of: the picture's file, which is w x h. */
static fpc_status read_mask(const folder *f, fpc_arena *scratch, fpc_part part, const folder_file *file,
                            const folder_files *masks, int64_t at, const char *path, const char *of, int32_t w,
                            int32_t h, fpc_image *out)
{
    fpc_status status = masks->piece
                            ? fpc_folder_join(f, scratch, masks, at, out)
                            : fpc_image_open(f->self.ctx, scratch, path,
                                             FPC_IMAGE_MASK | FPC_IMAGE_CODED | (unsigned)f->orientation, out, NULL);
    if (status != FPC_OK)
        return flawed(f, part, file->stem, "unreadable mask", status);
    if ((status = check_mask_size(f, scratch, out, path, of, w, h)))
        return flawed(f, part, file->stem, "mask of another size", status);
    status = masks->piece ? FPC_OK : fpc_folder_labels(f, scratch, path, out);
    return status == FPC_OK ? FPC_OK : flawed(f, part, file->stem, "label out of range", status);
}

/* The labels of a picture, in the size of their file, with the sides that the list says. */
static fpc_status mask_of(const folder *f, fpc_arena *scratch, fpc_part part, int64_t at, const char *image_path,
                          int32_t w, int32_t h, fpc_image *out)
{
    const folder_part *p = &f->part[part];
    const folder_file *file = &p->images->file[at];
    const int64_t found = fpc_folder_find(p->masks, file->stem);
    if (found < 0) /* only an audit opens a set like that */
        return flawed(f, part, file->stem, "missing mask",
                      fpc_fail(f->self.ctx, FPC_ENOENT, "%s has no mask: %s/%s%s.png is not there", image_path,
                               p->masks->path, file->stem, p->masks->piece ? "_CLASS" : p->masks->suffix));
    const char *path = fpc_sprintf(scratch, "%s/%s", p->masks->path, p->masks->file[found].name);
    const fpc_status status =
        path ? read_mask(f, scratch, part, file, p->masks, found, path, image_path, w, h, out) : FPC_ENOMEM;
    for (int64_t i = 0; status == FPC_OK && p->exchange && p->exchange[at] && i < (int64_t)out->w * out->h; i++)
        out->pixel[i] = f->mirrored[out->pixel[i]];
    return status;
}

/* Picture and mask of a sample in the size of their files. */
static fpc_status read_files(const folder *f, fpc_arena *scratch, fpc_part part, int64_t index, int labels,
                             fpc_image *image, fpc_image *mask)
{
    const folder_part *p = &f->part[part];
    const folder_file *file = &p->images->file[p->index[index]];
    const char *path = fpc_sprintf(scratch, "%s/%s", p->images->path, file->name);
    fpc_status status;
    if (!path)
        return FPC_ENOMEM;
    if ((status = read_image(f, scratch, part, file, path, image)))
        return status;
    if (!f->size.h && (image->w != f->w || image->h != f->h))
        return flawed(f, part, file->stem, "picture of another size",
                      fpc_fail(f->self.ctx, FPC_EFORMAT,
                               "%s: %d x %d, but the set's pictures are %d x %d; %s.size = N resizes all", path,
                               image->w, image->h, f->w, f->h, f->self.label));
    return labels && p->masks ? mask_of(f, scratch, part, p->index[index], path, image->w, image->h, mask) : FPC_OK;
}

fpc_status fpc_folder_read(const fpc_self *self, fpc_arena *scratch, fpc_part part, int64_t index, fpc_sample *out)
{
    const folder *f = (const folder *)self;
    const size_t pixels = (size_t)f->w * (size_t)f->h;
    fpc_image image, seen, mask = {0};
    fpc_status status;
    if ((status = read_files(f, scratch, part, index, out->mask != NULL, &image, &mask)) ||
        (status = fpc_image_fit(self->ctx, scratch, &image, (fpc_fit)f->fit, f->w, f->h, &seen)) ||
        (mask.pixel && (status = fpc_mask_fit(self->ctx, scratch, &mask, image.w, image.h, (fpc_fit)f->fit, f->w, f->h,
                                              (uint8_t)f->border, &mask))))
        return status;
    memcpy(out->image, seen.pixel, pixels * 3);
    if (mask.pixel)
        memcpy(out->mask, mask.pixel, pixels);
    else if (out->mask)
        memset(out->mask, f->ignored < 0 ? 0 : f->ignored, pixels);
    return fpc_folder_name(self, part, index, out->id, out->id_cap);
}

fpc_status fpc_folder_native(const fpc_self *self, fpc_arena *scratch, fpc_part part, int64_t index,
                             fpc_native_sample *out)
{
    fpc_image image, mask = {0};
    fpc_status status = read_files((const folder *)self, scratch, part, index, 1, &image, &mask);
    if (!status && mask.pixel) /* it may be of another size, which the picture decides */
        status = fpc_mask_resize(self->ctx, scratch, &mask, image.w, image.h, &mask);
    if (status)
        return status;
    out->w = image.w, out->h = image.h;
    out->image = image.pixel;
    out->mask = mask.pixel;
    return FPC_OK;
}

fpc_status fpc_folder_name(const fpc_self *self, fpc_part part, int64_t index, char *id, size_t cap)
{
    const folder_part *p = &((const folder *)self)->part[part];
    if (id && cap)
        snprintf(id, cap, "%s", p->images->file[p->index[index]].stem);
    return FPC_OK;
}

fpc_status fpc_folder_file(const fpc_self *self, fpc_part part, int64_t index, char *path, size_t cap)
{
    const folder_part *p = &((const folder *)self)->part[part];
    const char *name = p->images->file[p->index[index]].name;
    if (!path || !cap || snprintf(path, cap, "%s/%s", p->images->path, name) >= (int)cap)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s/%s: the path is longer than %zu bytes", p->images->path, name, cap);
    return FPC_OK;
}
