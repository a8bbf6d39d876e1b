# Kernels are convenience libraries inside the backend plugins. ref: plain loops, once in float and once in double.
# cpu: one source at three levels of instructions, and what works on activations again at each of them and at a fourth,
# which has bf16 units, for activations in bf16 (FPC_HALF); plugins/backend/cpu.c picks one at run time.
kernel_cflags = $(KERNEL_OPT_CFLAGS) $(WARN_CFLAGS) $(SAN_CFLAGS) -fvisibility=hidden

noinst_LTLIBRARIES += libref_f32.la libref_f64.la
libref_f32_la_SOURCES = $(ref_sources)
libref_f32_la_CPPFLAGS = $(AM_CPPFLAGS) -DFPC_REAL=float -DFPC_REAL_BITS=32
libref_f32_la_CFLAGS = $(kernel_cflags) -ffp-contract=off
libref_f64_la_SOURCES = $(ref_sources)
libref_f64_la_CPPFLAGS = $(AM_CPPFLAGS) -DFPC_REAL=double -DFPC_REAL_BITS=64
libref_f64_la_CFLAGS = $(kernel_cflags) -ffp-contract=off

# A section for each function, so that libfpseg leaves out what only training calls.
cpu_cflags = $(kernel_cflags) -ffunction-sections -fdata-sections -fno-math-errno -fno-trapping-math -ffp-contract=fast

noinst_LTLIBRARIES += libcpu_generic.la libcpu_generic_half.la libcpu_common.la
half_cppflags = $(AM_CPPFLAGS) -DFPC_HALF
libcpu_generic_la_SOURCES = $(cpu_sources)
libcpu_generic_la_CFLAGS = $(cpu_cflags)
libcpu_generic_half_la_SOURCES = $(cpu_half_sources)
libcpu_generic_half_la_CPPFLAGS = $(half_cppflags)
libcpu_generic_half_la_CFLAGS = $(cpu_cflags)
libcpu_common_la_SOURCES = $(cpu_common_sources)
libcpu_common_la_CFLAGS = $(cpu_cflags)
cpu_libs = libcpu_common.la libcpu_generic.la libcpu_generic_half.la
if X86
wider_libs = libcpu_avx2.la libcpu_avx2_half.la libcpu_avx512.la libcpu_avx512_half.la libcpu_avx512_bf16_half.la
noinst_LTLIBRARIES += $(wider_libs)
avx512_cflags = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
libcpu_avx2_la_SOURCES = $(cpu_sources)
libcpu_avx2_la_CFLAGS = $(cpu_cflags) -mavx2 -mfma
libcpu_avx2_half_la_SOURCES = $(cpu_half_sources)
libcpu_avx2_half_la_CPPFLAGS = $(half_cppflags)
libcpu_avx2_half_la_CFLAGS = $(cpu_cflags) -mavx2 -mfma
libcpu_avx512_la_SOURCES = $(cpu_sources)
libcpu_avx512_la_CFLAGS = $(cpu_cflags) $(avx512_cflags)
libcpu_avx512_half_la_SOURCES = $(cpu_half_sources)
libcpu_avx512_half_la_CPPFLAGS = $(half_cppflags)
libcpu_avx512_half_la_CFLAGS = $(cpu_cflags) $(avx512_cflags)
libcpu_avx512_bf16_half_la_SOURCES = $(cpu_half_sources)
libcpu_avx512_bf16_half_la_CPPFLAGS = $(half_cppflags)
libcpu_avx512_bf16_half_la_CFLAGS = $(cpu_cflags) $(avx512_cflags) -mavx512bf16
cpu_libs += $(wider_libs)
endif

include kernels/files.mk
include kernels/cuda/local.mk
