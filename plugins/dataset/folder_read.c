/* folder_read.c: one sample of dataset/folder: decodes picture and mask, checks sizes and labels, resizes, and puts
 * right the masks whose sides a list says are exchanged. In an audit every flaw is reported with its kind. */
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

static fpc_status read_image(const folder *f, fpc_arena *scratch, fpc_part part, const folder_file *file,
                             const char *path, int32_t *w, int32_t *h, uint8_t *to)
{
    fpc_image image;
    fpc_status status = fpc_image_read(f->self.ctx, scratch, path, &image);
    if (status != FPC_OK)
        return flawed(f, part, file->stem, "unreadable picture", status);
    *w = image.w, *h = image.h;
    if (f->audit)
        f->audit->picture(f->audit->arg, image.w, image.h);
    if (image.w != f->w || image.h != f->h) {
        if (!f->size)
            return flawed(f, part, file->stem, "picture of another size",
                          fpc_fail(f->self.ctx, FPC_EFORMAT,
                                   "%s: %d x %d, but the set's pictures are %d x %d; %s.size = N resizes all", path,
                                   image.w, image.h, f->w, f->h, f->self.label));
        status = fpc_image_resize(f->self.ctx, scratch, &image, f->w, f->h, &image);
    }
    if (status == FPC_OK)
        memcpy(to, image.pixel, (size_t)f->w * (size_t)f->h * 3);
    return status;
}

/* w, h: of the picture's file. */
static fpc_status read_mask(const folder *f, fpc_arena *scratch, fpc_part part, const folder_file *file,
                            const char *path, const char *of, int32_t w, int32_t h, uint8_t *to)
{
    fpc_image mask;
    fpc_status status = fpc_mask_read(f->self.ctx, scratch, path, &mask);
    if (status != FPC_OK)
        return flawed(f, part, file->stem, "unreadable mask", status);
    if (mask.w != w || mask.h != h)
        return flawed(f, part, file->stem, "mask of another size",
                      fpc_fail(f->self.ctx, FPC_EFORMAT, "%s: %d x %d, but its picture %s is %d x %d", path, mask.w,
                               mask.h, of, w, h));
    status = fpc_folder_labels(f, scratch, path, &mask);
    if (status != FPC_OK)
        return flawed(f, part, file->stem, "label out of range", status);
    status = fpc_mask_resize(f->self.ctx, scratch, &mask, f->w, f->h, &mask);
    if (status == FPC_OK)
        memcpy(to, mask.pixel, (size_t)f->w * (size_t)f->h);
    return status;
}

static fpc_status mask_of(const folder *f, fpc_arena *scratch, fpc_part part, int64_t at, const char *image_path,
                          int32_t w, int32_t h, uint8_t *to)
{
    const folder_part *p = &f->part[part];
    const folder_file *file = &p->images->file[at];
    const int64_t found = fpc_folder_find(p->masks, file->stem);
    if (found < 0) /* only an audit opens a set like that */
        return flawed(f, part, file->stem, "missing mask",
                      fpc_fail(f->self.ctx, FPC_ENOENT, "%s has no mask: %s/%s.png is not there", image_path,
                               p->masks->path, file->stem));
    const char *path = fpc_sprintf(scratch, "%s/%s", p->masks->path, p->masks->file[found].name);
    const fpc_status status = path ? read_mask(f, scratch, part, file, path, image_path, w, h, to) : FPC_ENOMEM;
    for (int64_t i = 0; status == FPC_OK && p->exchange && p->exchange[at] && i < (int64_t)f->w * f->h; i++)
        to[i] = f->mirrored[to[i]];
    return status;
}

fpc_status fpc_folder_read(const fpc_self *self, fpc_arena *scratch, fpc_part part, int64_t index, fpc_sample *out)
{
    const folder *f = (const folder *)self;
    const folder_part *p = &f->part[part];
    const folder_file *file = &p->images->file[p->index[index]];
    const char *path = fpc_sprintf(scratch, "%s/%s", p->images->path, file->name);
    int32_t w = 0, h = 0;
    if (!path)
        return FPC_ENOMEM;
    fpc_status status = read_image(f, scratch, part, file, path, &w, &h, out->image);
    if (status == FPC_OK && out->mask && p->masks)
        status = mask_of(f, scratch, part, p->index[index], path, w, h, out->mask);
    else if (status == FPC_OK && out->mask)
        memset(out->mask, f->ignore_label < 0 ? 0 : (int)f->ignore_label, (size_t)f->w * (size_t)f->h);
    return status == FPC_OK ? fpc_folder_name(self, part, index, out->id, out->id_cap) : status;
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
