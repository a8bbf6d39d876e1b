# microhttpd.m4: libmicrohttpd, which `fpcore serve` needs and nothing else: without it the verb says what is missing.
# MICROHTTPD_DEFINE is for core/cmd/serve/http.c. 0.9.71 is the first with `enum MHD_Result`.
AC_DEFUN([FPC_MICROHTTPD], [
    AC_ARG_WITH([microhttpd],
        [AS_HELP_STRING([--with-microhttpd], [libmicrohttpd (0.9.71 or newer), for `fpcore serve' @<:@check@:>@])],
        [], [with_microhttpd=check])
    MICROHTTPD_DEFINE=
    have_microhttpd="no (refused)"
    AS_IF([test "$with_microhttpd" != no], [
        PKG_CHECK_MODULES([MICROHTTPD], [libmicrohttpd >= 0.9.71],
            [have_microhttpd=yes
            MICROHTTPD_DEFINE=-DFPC_MICROHTTPD],
            [have_microhttpd="no (libmicrohttpd 0.9.71 or newer is missing)"
            AS_IF([test "$with_microhttpd" = yes],
                [AC_MSG_ERROR([--with-microhttpd: libmicrohttpd 0.9.71 or newer is missing (Debian: apt-get install libmicrohttpd-dev)])])])])
    AC_SUBST([MICROHTTPD_DEFINE])
])
