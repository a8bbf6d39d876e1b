/* ref.c: the backend of plain loops (kernels/ref), in float or in double. It is the oracle that other backends are
 * tested against, and what to read to learn what an op computes; for training choose `cpu`. One thread, no tiles. */
#include <fpcore/backend.h>
#include <stdio.h>

struct ref {
    fpc_self self;
    int64_t real;
};

/* kernels/ref/NAME.c, compiled for both types */
/* clang-format off */
#define FAMILIES(X)                                                                                                    \
    X(linear) X(conv) X(norm) X(attention) X(pointwise) X(resize) X(image) X(image_colour) X(image_filter)            \
    X(image_jpeg) X(image_mix) X(loss) X(loss_pixel) X(loss_distance) X(train)
/* clang-format on */
#define DECLARE(family) extern const fpc_kernel fpc_ref_##family##_f32[], fpc_ref_##family##_f64[];
FAMILIES(DECLARE)
#define NAME_F32(family) fpc_ref_##family##_f32,
#define NAME_F64(family) fpc_ref_##family##_f64,
static const fpc_kernel *const single[] = {FAMILIES(NAME_F32) NULL};
static const fpc_kernel *const exact[] = {FAMILIES(NAME_F64) NULL};

static fpc_status open_device(fpc_self *self, fpc_device *device)
{
    struct ref *r = (struct ref *)self;
    const int is_double = r->real == FPC_F64;
    snprintf(device->name, sizeof device->name, "reference loops in %s", is_double ? "double" : "float");
    device->real = (uint32_t)r->real;
    device->threads = 1;
    device->tile_bytes = 0;
    device->host = 1;
    return FPC_OK;
}

static const fpc_kernel *const *kernels(fpc_self *self)
{
    return ((struct ref *)self)->real == FPC_F64 ? exact : single;
}

static const fpc_choice reals[] = {{"float", FPC_F32, "32 bits, like the other backends"},
                                   {"double", FPC_F64, "64 bits: the truth that tests compare with"},
                                   {0}};
static const fpc_option options[] = {
    FPC_OPTION_CHOICE(struct ref, real, "float", reals, "the type of all real numbers"), {0}};
static const fpc_backend_vtbl vtbl = {
    .size = sizeof vtbl, .kernel_size = sizeof(fpc_kernel), .open = open_device, .kernels = kernels};
static const fpc_plugin ref = {
    FPC_PLUGIN_HEAD,    .kind = FPC_BACKEND,
    .name = "ref",      .summary = "Plain readable loops in float or double: slow, and the oracle of the tests.",
    .version = "1.0",   .license = "MIT",
    .options = options, .self_size = sizeof(struct ref),
    .vtbl = &vtbl};
FPC_PLUGINS(&ref)
