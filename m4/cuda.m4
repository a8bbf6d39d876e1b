# cuda.m4: what the backend `cuda` needs. FPC_CXX looks for a C++17 compiler (without one there are neither CUDA nor its
# emulation for tests); FPC_CUDA for the CUDA Toolkit and cuDNN, unless they are refused: conditionals HAVE_CUDA and
# HAVE_CUDNN. The runtime is linked statically; the plugin opens cuBLASLt and cuDNN when a GPU is opened, and finds them
# by an rpath where they lie where they lay here.
AC_DEFUN([FPC_CXX], [
    have_cxx=no
    AC_LANG_PUSH([C++])
    fpc_save_CXXFLAGS=$CXXFLAGS
    CXXFLAGS="$CXXFLAGS -std=c++17"
    AC_MSG_CHECKING([whether $CXX compiles C++17])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <tuple>]],
        [[std::tuple<int, float> t(1, 2.0f); if constexpr (sizeof t > 1) return std::get<0>(t) - 1; return 1;]])],
        [have_cxx=yes])
    AC_MSG_RESULT([$have_cxx])
    CXXFLAGS=$fpc_save_CXXFLAGS
    AC_LANG_POP([C++])
    CXX_WARN_CFLAGS="-Wall -Wextra -Wno-unknown-pragmas -Wno-psabi"
    AS_IF([test "$enable_werror" = yes], [CXX_WARN_CFLAGS="$CXX_WARN_CFLAGS -Werror"])
    AC_SUBST([CXX_WARN_CFLAGS])
    AM_CONDITIONAL([EMULATION], [test "$have_cxx" = yes])
])

# FPC_FIND_DIR(VARIABLE, FILE, FOLDERS): the first folder with FILE; empty: none.
AC_DEFUN([FPC_FIND_DIR], [
    $1=
    for fpc_dir in $3; do
        AS_IF([test -e "$fpc_dir/$2"], [$1=$fpc_dir; break])
    done
])

# FPC_NO_CUDA(REASON): an error where CUDA was asked for, else a line of the summary.
AC_DEFUN([FPC_NO_CUDA], [
    AS_CASE([$with_cuda], [check], [have_cuda="no ($1)"], [AC_MSG_ERROR([--with-cuda: $1])])
])

AC_DEFUN([FPC_CUDA], [
    AC_ARG_WITH([cuda],
        [AS_HELP_STRING([--with-cuda@<:@=DIR@:>@], [the CUDA Toolkit (11.8 or newer), for the backend `cuda' @<:@check@:>@])],
        [], [with_cuda=check])
    AC_ARG_WITH([cudnn],
        [AS_HELP_STRING([--with-cudnn@<:@=DIR@:>@], [cuDNN (9 or newer), for its convolutions @<:@check@:>@])],
        [], [with_cudnn=check])
    AC_ARG_WITH([cuda-arch],
        [AS_HELP_STRING([--with-cuda-arch="CC ..."], [compute capabilities to compile for, the last one also as PTX for newer GPUs @<:@those of 80 90 100 120 that nvcc knows@:>@])],
        [], [with_cuda_arch=known])
    AC_ARG_VAR([NVCC], [CUDA compiler])
    AC_ARG_VAR([NVCCFLAGS], [CUDA compiler flags])

    have_cuda=yes
    AS_IF([test "$with_cuda" = no], [have_cuda="no (refused)"])
    AS_IF([test "$have_cuda" = yes && test -n "$SAN_CFLAGS"],
        [FPC_NO_CUDA([nvcc's objects know no sanitizers])])
    AS_IF([test "$have_cuda" = yes && test "$have_cxx" = no], [FPC_NO_CUDA([there is no C++17 compiler])])
    AS_IF([test "$have_cuda" = yes], [FPC_FIND_NVCC])
    AS_IF([test "$have_cuda" = yes], [FPC_FIND_CUDA])
    have_cudnn=no
    AS_IF([test "$have_cuda" = yes && test "$with_cudnn" != no], [FPC_FIND_CUDNN])
    AS_CASE([$have_cudnn:$with_cudnn],
        [yes:*|no:check|no:no], [],
        [AC_MSG_ERROR([--with-cudnn: CUDA itself is missing: $have_cuda])])

    AC_SUBST([CUDA_CPPFLAGS])
    AC_SUBST([CUDA_ARCH_FLAGS])
    AC_SUBST([CUDA_WARN_FLAGS])
    AC_SUBST([CUDA_LDFLAGS])
    AC_SUBST([CUDA_LIBS])
    AM_CONDITIONAL([HAVE_CUDA], [test "$have_cuda" = yes])
    AM_CONDITIONAL([HAVE_CUDNN], [test "$have_cudnn" = yes])
])

# NVCC and fpc_cuda_root, the toolkit's folder.
AC_DEFUN([FPC_FIND_NVCC], [
    AS_CASE([$with_cuda],
        [yes|check], [AC_PATH_PROG([NVCC], [nvcc], [], [$PATH$PATH_SEPARATOR/usr/local/cuda/bin])],
        [AC_PATH_PROG([NVCC], [nvcc], [], [$with_cuda/bin])])
    AS_IF([test -z "$NVCC"],
        [AS_CASE([$with_cuda],
            [yes|check], [FPC_NO_CUDA([nvcc is neither on PATH nor in /usr/local/cuda/bin])],
            [FPC_NO_CUDA([there is no $with_cuda/bin/nvcc])])],
        [AS_CASE([$with_cuda],
            [yes|check], [fpc_cuda_root=`AS_DIRNAME(["$NVCC"])`; fpc_cuda_root=`AS_DIRNAME(["$fpc_cuda_root"])`],
            [fpc_cuda_root=$with_cuda])])
])

# Adds -L and an rpath for a folder that the linker does not search by itself.
AC_DEFUN([FPC_ADD_LIBDIR], [
    AS_CASE([$1],
        [""|/lib|/usr/lib|/usr/lib64|/usr/lib/*-linux-gnu], [],
        [AS_CASE([" $CUDA_LDFLAGS "], [*" -L$1 "*], [], [CUDA_LDFLAGS="$CUDA_LDFLAGS -L$1 -R$1"])])
])

AC_DEFUN([FPC_FIND_CUDA], [
    fpc_lib_dirs="$fpc_cuda_root/lib64 $fpc_cuda_root/lib $fpc_cuda_root/targets/$host_cpu-linux/lib \
        $fpc_cuda_root/lib/$host_cpu-linux-gnu"
    FPC_FIND_DIR([fpc_cudart], [libcudart_static.a], [$fpc_lib_dirs])
    FPC_FIND_DIR([fpc_cublas], [libcublasLt.so], [$fpc_lib_dirs])
    FPC_FIND_DIR([fpc_include], [cublasLt.h], [$fpc_cuda_root/include $fpc_cuda_root/targets/$host_cpu-linux/include])
    AS_IF([test -z "$fpc_cudart"], [FPC_NO_CUDA([there is no libcudart_static.a in $fpc_cuda_root])])
    AS_IF([test -z "$fpc_cublas" || test -z "$fpc_include"],
        [FPC_NO_CUDA([there is no cuBLASLt (cublasLt.h, libcublasLt.so) in $fpc_cuda_root])])

    CUDA_CPPFLAGS=
    AS_IF([test "$fpc_include" != /usr/include], [CUDA_CPPFLAGS="-isystem $fpc_include"])
    CUDA_LDFLAGS=
    FPC_ADD_LIBDIR([$fpc_cublas])
    FPC_ADD_LIBDIR([$fpc_cudart])
    CUDA_LIBS="-lcudart_static -lrt -ldl -lpthread"

    AS_IF([test "$with_cuda_arch" = known], [
        fpc_known=`$NVCC --list-gpu-code 2>/dev/null`
        with_cuda_arch=
        for fpc_arch in 80 90 100 120; do
            AS_CASE([" "`echo $fpc_known`" "], [*" sm_$fpc_arch "*], [with_cuda_arch="$with_cuda_arch $fpc_arch"])
        done
        AS_IF([test -z "$with_cuda_arch"], [with_cuda_arch="80 90"])
    ])
    CUDA_ARCH_FLAGS=
    for fpc_arch in $with_cuda_arch; do
        CUDA_ARCH_FLAGS="$CUDA_ARCH_FLAGS -gencode arch=compute_$fpc_arch,code=sm_$fpc_arch"
    done
    CUDA_ARCH_FLAGS="$CUDA_ARCH_FLAGS -gencode arch=compute_$fpc_arch,code=compute_$fpc_arch"
    CUDA_WARN_FLAGS="-Wall -Wextra -Wno-unknown-pragmas"
    AS_IF([test "$enable_werror" = yes], [CUDA_WARN_FLAGS="$CUDA_WARN_FLAGS -Werror all-warnings"])

    AS_IF([test "$have_cuda" = yes], [
        AC_MSG_CHECKING([whether $NVCC compiles C++17 for $with_cuda_arch])
        cat >conftest.cu <<END
#include <cuda_bf16.h>
template <class F> __global__ void each(float *x, F f) { x[[threadIdx.x]] = f(x[[threadIdx.x]]); }
void twice(float *x) { each<<<1, 32>>>(x, [[=]] __device__(float v) { return 2 * v; }); }
END
        AS_IF([$NVCC $NVCCFLAGS -std=c++17 --extended-lambda $CUDA_ARCH_FLAGS -c conftest.cu -o conftest.$ac_objext \
            >conftest.out 2>&1], [AC_MSG_RESULT([yes])], [
            AC_MSG_RESULT([no])
            cat conftest.out >&AS_MESSAGE_LOG_FD
            FPC_NO_CUDA([nvcc cannot compile for compute capabilities $with_cuda_arch with this host compiler (config.log)])])
        rm -f conftest.cu conftest.out conftest.$ac_objext
    ])
])

AC_DEFUN([FPC_FIND_CUDNN], [
    AS_CASE([$with_cudnn],
        [yes|check], [fpc_roots="$fpc_cuda_root /usr /usr/local"],
        [fpc_roots=$with_cudnn])
    fpc_lib_dirs=
    fpc_include_dirs=
    for fpc_root in $fpc_roots; do
        fpc_lib_dirs="$fpc_lib_dirs $fpc_root/lib64 $fpc_root/lib $fpc_root/lib/$host_cpu-linux-gnu"
        fpc_include_dirs="$fpc_include_dirs $fpc_root/include $fpc_root/include/$host_cpu-linux-gnu"
    done
    FPC_FIND_DIR([fpc_include], [cudnn_version.h], [$fpc_include_dirs])
    FPC_FIND_DIR([fpc_cudnn], [libcudnn.so], [$fpc_lib_dirs])
    AS_IF([test -z "$fpc_include" || test -z "$fpc_cudnn"], [fpc_why="cudnn.h and libcudnn.so are not in:$fpc_lib_dirs"], [
        AC_MSG_CHECKING([for cuDNN 9 in $fpc_cudnn])
        fpc_version=`$SED -n 's/^#define CUDNN_MAJOR *//p' "$fpc_include/cudnn_version.h"`
        AC_MSG_RESULT([$fpc_version])
        AS_IF([test "0$fpc_version" -ge 9], [have_cudnn=yes], [fpc_why="version $fpc_version is too old, 9 is needed"])])
    AS_IF([test "$have_cudnn" = no && test "$with_cudnn" != check], [AC_MSG_ERROR([--with-cudnn: $fpc_why])])
    AS_IF([test "$have_cudnn" = yes], [
        AS_CASE([" $CUDA_CPPFLAGS "], [*" $fpc_include "*], [],
            [AS_IF([test "$fpc_include" != /usr/include], [CUDA_CPPFLAGS="$CUDA_CPPFLAGS -isystem $fpc_include"])])
        FPC_ADD_LIBDIR([$fpc_cudnn])
        CUDA_CPPFLAGS="$CUDA_CPPFLAGS -DFPC_HAVE_CUDNN"
    ])
])
