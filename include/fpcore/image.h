/* image.h: reading JPEG and PNG pictures and index masks, resizing them, writing PNG: for data sets of pictures. Files
 * are hostile: sizes are checked before memory is taken for them, and truncated or lying files get a sentence with
 * their path. Results lie in the arena. Re-entrant, any thread; an arena belongs to one. */
#ifndef FPCORE_IMAGE_H
#define FPCORE_IMAGE_H

#include <fpcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of what is read, written and resized: pixels on a side, and in all (64 Mpixel). */
enum { FPC_IMAGE_SIDE = 16384, FPC_IMAGE_PIXELS = 64 << 20 };

/* Never grows. c: 3 for pictures (RGB), 1 for masks (FPC_IMAGE_CODED has others). pixel: h*w*c bytes, rows from the
 * top, interleaved. */
typedef struct fpc_image {
    int32_t w, h, c;
    uint8_t *pixel;
} fpc_image;

/* Whether a file of that name is taken for a picture: .jpg, .jpeg or .png in any letter case, and no dot in front
 * (macOS leaves a ._NAME.jpg beside each file on the disks of others). For all that list folders. */
FPC_API int fpc_image_named(const char *name);
/* A picture as RGB, from JPEG or PNG, told apart by their contents; transparency is dropped. It comes the way up that
 * its EXIF orientation says. */
FPC_API fpc_status fpc_image_read(fpc_ctx *, fpc_arena *, const char *path, fpc_image *out);
/* A mask from PNG: the index of 8-bit palettes, or grey values as they are. RGB and 16-bit files are refused with a
 * sentence. */
FPC_API fpc_status fpc_mask_read(fpc_ctx *, fpc_arena *, const char *path, fpc_image *out);
/* The size of a JPEG or PNG file, from its head alone. */
FPC_API fpc_status fpc_image_size(fpc_ctx *, const char *path, int32_t *w, int32_t *h);
/* How a file is read: all bits, some or none. */
enum {
    FPC_IMAGE_MASK = 1,   /* labels, as fpc_mask_read */
    FPC_IMAGE_STORED = 2, /* as the file has it, not turned as its EXIF orientation says */
    FPC_IMAGE_CODED = 4 /* with FPC_IMAGE_MASK: whatever codes labels. c 1: as fpc_mask_read; c 2: grey of 16 bits, the
                           high byte first; c 3: RGB, whose colours stand for labels. Transparency is dropped */
};
/* What a file says beside its pixels. */
typedef struct fpc_image_facts {
    uint32_t size;
    int32_t orientation; /* of EXIF, 1 .. 8; 1: nothing is to be turned */
    char oddity[200]; /* what decoders warn of in its head though no pixel is lost, as phones write it; "": nothing */
} fpc_image_facts;
/* All ways of reading in one call. arena NULL: the size alone, from the head, without pixels. facts may be NULL. */
FPC_API fpc_status fpc_image_open(fpc_ctx *, fpc_arena *, const char *path, unsigned how, fpc_image *out,
                                  fpc_image_facts *facts);
/* c 3: RGB; c 1: a palette PNG where palette is given (n entries, 1 .. 256), else grey. Written to a temporary name,
 * then renamed. */
FPC_API fpc_status fpc_png_write(fpc_ctx *, const char *path, const fpc_image *, const uint8_t (*palette)[3],
                                 int32_t n);
/* n colours (at most 256) that are told apart, also on pictures, for labels that have none of their own: the first is
 * black, for the ground, the others are bright; a larger n begins with the same ones. */
FPC_API void fpc_palette_make(int32_t n, uint8_t (*rgb)[3]);
/* To w x h. Pictures (c 3): bilinear, with antialiasing when shrinking (triangle filter whose support grows with the
 * factor, as Pillow's BILINEAR). Masks (c 1): nearest, source index floor((i + 0.5) * in/out). `out` may be the input;
 * of equal size it is the input's pixels. */
FPC_API fpc_status fpc_image_resize(fpc_ctx *, fpc_arena *, const fpc_image *, int32_t w, int32_t h, fpc_image *out);
FPC_API fpc_status fpc_mask_resize(fpc_ctx *, fpc_arena *, const fpc_image *, int32_t w, int32_t h, fpc_image *out);

/* How pictures of all shapes come into one frame. */
typedef enum fpc_fit {
    FPC_FIT_SQUEEZE = 0, /* each side by its own factor: the ratio is lost */
    FPC_FIT_PAD,         /* the whole picture, its ratio kept, in the middle of the frame */
    FPC_FIT_CROP         /* its middle, its ratio kept, so large that it fills the frame */
} fpc_fit;
typedef struct fpc_box {
    int32_t x, y, w, h;
} fpc_box;
/* The box `from` of a picture comes into the box `to` of the frame. One of them is all of it. Sides are 1 to
 * FPC_IMAGE_SIDE. */
typedef struct fpc_fitted {
    fpc_box from, to;
} fpc_fitted;
FPC_API void fpc_fit_place(fpc_fit, int32_t w, int32_t h, int32_t frame_w, int32_t frame_h, fpc_fitted *out);
/* To a frame of w x h, as fpc_image_resize; beside the picture it is black. */
FPC_API fpc_status fpc_image_fit(fpc_ctx *, fpc_arena *, const fpc_image *, fpc_fit, int32_t w, int32_t h,
                                 fpc_image *out);
/* The mask of a picture of of_w x of_h, which itself may be of another size, to where that lies in the frame, as
 * fpc_mask_resize; beside it stands the label `border`. */
FPC_API fpc_status fpc_mask_fit(fpc_ctx *, fpc_arena *, const fpc_image *, int32_t of_w, int32_t of_h, fpc_fit,
                                int32_t w, int32_t h, uint8_t border, fpc_image *out);

#ifdef __cplusplus
}
#endif
#endif
