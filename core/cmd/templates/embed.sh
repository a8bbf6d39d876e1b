#!/bin/sh
# embed.sh FILE.c.in ...: prints templates.c, the files' text as C strings, by kind.
set -eu
printf '/* Made by core/cmd/templates/embed.sh. */\n#include "cmd/templates/templates.h"\n\nconst fpc_template fpc_templates[] = {\n'
for file; do
    kind=$(basename "$file" .c.in)
    printf '    {"%s",\n' "$kind"
    sed 's/[\\"]/\\&/g; s/^/     "/; s/$/\\n"/' "$file"
    printf '    },\n'
done
printf '    {0}};\n'
