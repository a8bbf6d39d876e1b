# flags.m4: compiler flags by part of the tree. FPC_FLAGS sets WARN_CFLAGS, OPT_CFLAGS, KERNEL_OPT_CFLAGS, SAN_CFLAGS.
# No part uses -ffast-math: results must not depend on what a compiler may reorder.
AC_DEFUN([FPC_TRY_CFLAG], [
    fpc_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_MSG_CHECKING([whether $CC takes $1])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes]); $2="[$]$2 $1"], [AC_MSG_RESULT([no])])
    CFLAGS=$fpc_save_CFLAGS
])

AC_DEFUN([FPC_FLAGS], [
    WARN_CFLAGS=
    dnl -Wno-pass-failed: clang may leave a loop as it is that gcc unrolls; that is no fault.
    m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
        -Wwrite-strings -Wvla -Wno-psabi -Wno-pass-failed], [FPC_TRY_CFLAG(flag, [WARN_CFLAGS])])
    AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])

    OPT_CFLAGS="-std=gnu11 -O2"
    KERNEL_OPT_CFLAGS="-std=gnu11 -O3"
    EMULATE_OPT_CFLAGS=-O2
    SAN_CFLAGS=
    AS_IF([test "$enable_sanitizers" = yes && test "$enable_tsan" = yes],
        [AC_MSG_ERROR([--enable-sanitizers and --enable-tsan exclude each other])])
    AS_IF([test "$enable_sanitizers" = yes],
        [SAN_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"])
    AS_IF([test "$enable_tsan" = yes], [SAN_CFLAGS="-fsanitize=thread -fno-omit-frame-pointer"])
    AS_IF([test -n "$SAN_CFLAGS"], [
        OPT_CFLAGS="-std=gnu11 -O1"
        KERNEL_OPT_CFLAGS="-std=gnu11 -O1"
        EMULATE_OPT_CFLAGS=-O1
        AC_MSG_CHECKING([whether $CC can link with $SAN_CFLAGS])
        fpc_save_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS $SAN_CFLAGS"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
            [AC_MSG_RESULT([no]); AC_MSG_ERROR([this compiler has no such sanitizer])])
        CFLAGS=$fpc_save_CFLAGS])
    AM_CONDITIONAL([SANITIZE], [test -n "$SAN_CFLAGS"])
    AC_SUBST([WARN_CFLAGS])
    AC_SUBST([OPT_CFLAGS])
    AC_SUBST([KERNEL_OPT_CFLAGS])
    AC_SUBST([EMULATE_OPT_CFLAGS])
    AC_SUBST([SAN_CFLAGS])
])
