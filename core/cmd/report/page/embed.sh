#!/bin/sh
# embed.sh HEADER VARIABLE=FILE ...: prints a C source in which each file is a list of lines, VARIABLE, that ends with
# NULL; HEADER declares them.
set -eu
printf '/* Made by core/cmd/report/page/embed.sh. */\n#include "%s"\n#include <stddef.h>\n' "$1"
shift
for pair; do
    printf '\nconst char *const %s[] = {\n' "${pair%%=*}"
    sed 's/[\\"]/\\&/g; s/^/    "/; s/$/\\n",/' "${pair#*=}"
    printf '    NULL};\n'
done
