#!/bin/sh
# embed.sh NAME=FILE ...: prints a C source in which each file is a list of lines, fpc_page_NAME, that ends with NULL.
set -eu
printf '/* Made by core/cmd/report/page/embed.sh. */\n#include "cmd/report/page/page.h"\n#include <stddef.h>\n'
for pair; do
    printf '\nconst char *const fpc_page_%s[] = {\n' "${pair%%=*}"
    sed 's/[\\"]/\\&/g; s/^/    "/; s/$/\\n",/' "${pair#*=}"
    printf '    NULL};\n'
done
