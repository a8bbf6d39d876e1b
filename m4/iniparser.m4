# iniparser.m4: iniparser has a pkg-config file from 4.2 on only. Debian keeps the header in a folder of its own, others
# do not; INIPARSER_CFLAGS makes `#include <iniparser.h>` work with either.
AC_DEFUN([FPC_INIPARSER], [
    INIPARSER_CFLAGS=
    INIPARSER_LIBS=
    AC_CHECK_HEADER([iniparser.h], [fpc_iniparser=yes], [fpc_iniparser=no])
    AS_IF([test "$fpc_iniparser" = no], [
        AC_CHECK_HEADER([iniparser/iniparser.h], [
            AC_MSG_CHECKING([for the folder of iniparser.h])
            fpc_dir=`echo '#include <iniparser/iniparser.h>' | $CC $CPPFLAGS $CFLAGS -E - 2>/dev/null |
                $SED -n 's,^# 1 "\(.*\)/iniparser\.h".*,\1,p' | $SED 1q`
            AC_MSG_RESULT([$fpc_dir])
            INIPARSER_CFLAGS="-I$fpc_dir"
        ], [AC_MSG_ERROR([iniparser.h is missing (Debian: apt-get install libiniparser-dev)])])])
    fpc_save_LIBS=$LIBS
    AC_CHECK_LIB([iniparser], [iniparser_load], [INIPARSER_LIBS=-liniparser],
        [AC_MSG_ERROR([libiniparser is missing (Debian: apt-get install libiniparser-dev)])])
    LIBS=$fpc_save_LIBS
    AC_SUBST([INIPARSER_CFLAGS])
    AC_SUBST([INIPARSER_LIBS])
])
