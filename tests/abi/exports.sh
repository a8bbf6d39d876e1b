#!/bin/sh
# What libfpcore.so exports: under FPCORE_1 exactly the FPC_API functions of the public headers, everything else under
# FPCORE_PRIVATE with the prefix fpc_; and nothing that an older list had has gone.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

lib=$FPCORE_BUILD/.libs/libfpcore.so
if ! command -v readelf >/dev/null; then
    echo "readelf is not installed"
    exit 77
fi
# NAME@@VERSION of defined symbols
readelf --dyn-syms -W "$lib" | awk '$7 != "UND" && ($5 == "GLOBAL" || $5 == "WEAK") { print $8 }' |
    grep -E '@' | sed 's/@@/@/' | sort -u >exported
sed -n 's/^\(.*\)@FPCORE_1$/\1/p' exported | grep -v '^FPCORE_1$' >public
# fpc_plugins_v1 is a plugin's, made by a macro
cat "$FPCORE_SRC"/include/fpcore/*.h | grep '^FPC_API ' | grep -oE 'fpc_[a-z0-9_]+\(' | tr -d '(' |
    grep -v '^fpc_plugins_v' | sort -u >declared
if diff declared public >out; then ok "FPCORE_1 is what the headers declare"; else not_ok "FPCORE_1 is what the headers declare (< headers, > library)" out; fi
grep -vE '@FPCORE_1$' exported | grep -vE '^fpc_[a-z0-9_]+@FPCORE_PRIVATE$|^FPCORE_(1|PRIVATE)@' >out
if [ -s out ]; then not_ok "all other exports are private and begin with fpc_" out; else ok "all other exports are private and begin with fpc_"; fi
[ -s public ] && ok "there are public functions" || not_ok "there are public functions"
exit $bad
