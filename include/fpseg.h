/* fpseg.h: libfpseg, a trained network in a C or C++ program: one file that `fpcore pack` wrote goes in, pictures go
 * in, labels come out. The library needs nothing but libc, libm and threads; of fpcore's headers it is the only one.
 *
 *   fps_model *model;
 *   fps_session *session;
 *   char why[256];
 *   if (fps_open("face.fps", &model, why, sizeof why) || fps_session_new(model, NULL, &session, why, sizeof why))
 *       return complain(why);
 *   fps_segment(session, rgb, width, height, 0, labels, 0);
 *   fps_session_free(session);
 *   fps_close(model);
 *
 * Labels are those of `fpcore predict` on the same processor, byte for byte. The library never prints, ends the
 * process, reads the environment, or changes locale or signals. A session allocates nothing once it has seen a picture
 * of the largest size.
 *
 * Threads: a model is read only and may serve any number of them; a session belongs to one at a time, and to the
 * process that made it: a fork copies none of its threads, so that the child neither uses nor frees it but makes its
 * own. */
#ifndef FPSEG_H
#define FPSEG_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FPS_API __attribute__((visibility("default")))
#else
#define FPS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fps_model fps_model;
typedef struct fps_session fps_session;

/* What functions return; the sentence says more. */
typedef enum fps_status {
    FPS_OK = 0,
    FPS_EINVAL = -1,  /* an argument makes no sense */
    FPS_ENOMEM = -2,  /* memory, or threads */
    FPS_EIO = -3,     /* the file cannot be read */
    FPS_EFORMAT = -4, /* the file is none of `fpcore pack`, or damaged, or of a later format */
    FPS_EFAIL = -5    /* anything else; a bug of this library */
} fps_status;

/* Reads and checks a file. why: the sentence of a failure, cut to n bytes; may be NULL. *out is NULL after one. */
FPS_API fps_status fps_open(const char *path, fps_model **out, char *why, size_t n);
/* The same of a file in memory, which must stay as it is until fps_close. */
FPS_API fps_status fps_open_memory(const void *data, size_t bytes, fps_model **out, char *why, size_t n);
FPS_API void fps_close(fps_model *); /* after its sessions; NULL is nothing */

/* What a model is; the texts live as long as it does. size: sizeof(fps_about), set by the caller. */
typedef struct fps_about {
    uint32_t size;
    int32_t height, width; /* of the pictures that the network sees; those of other sizes are resized to it */
    int32_t classes;
    const char *const *class_names; /* [classes] */
    const uint8_t (*palette)[3];    /* [classes], RGB; NULL: the model has no colours */
    const char *name;               /* "microsegformer" */
    int64_t parameters;
} fps_about;
FPS_API void fps_model_about(const fps_model *, fps_about *);

/* size: sizeof(fps_options). NULL or zeros: the defaults. */
typedef struct fps_options {
    uint32_t size;
    int32_t threads; /* of this session; 0: one. Results do not depend on it */
} fps_options;
FPS_API fps_status fps_session_new(const fps_model *, const fps_options *, fps_session **out, char *why, size_t n);
FPS_API void fps_session_free(fps_session *); /* NULL is nothing */

/* The class of each pixel. rgb: height rows of width pixels of three bytes; stride: bytes from row to row, 0: 3 *
 * width. labels: height rows of width bytes, likewise. At most 16384 pixels on a side and 64 megapixels. Pictures of
 * another size than the network's are resized as fpcore does (antialiased bilinear; their ratio is kept where the
 * network was trained so), and the network's scores are enlarged, not its labels. */
FPS_API fps_status fps_segment(fps_session *, const uint8_t *rgb, int32_t width, int32_t height, ptrdiff_t stride,
                               uint8_t *labels, ptrdiff_t label_stride);
/* The probability of each class on a grid of the network's size that lies over all of the picture: out has height *
 * width * classes of fps_about. */
FPS_API fps_status fps_probabilities(fps_session *, const uint8_t *rgb, int32_t width, int32_t height, ptrdiff_t stride,
                                     float *out);
/* The sentence of the last call of this session that failed; "". */
FPS_API const char *fps_session_error(const fps_session *);
/* "0.1.0" */
FPS_API const char *fps_version(void);

#ifdef __cplusplus
}
#endif
#endif
