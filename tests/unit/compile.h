/* compile.h: plugins made while a test runs, with the compiler that built the program (CC) and the public headers of
 * the source tree (FPCORE_SRC). */
#ifndef TESTS_UNIT_COMPILE_H
#define TESTS_UNIT_COMPILE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A schedule plugin `NAME` with further descriptor fields or other text in the places marked by the arguments. */
#define SCHEDULE_SOURCE(name, option_rows, extra_fields, list)                                                         \
    "#include <fpcore/schedule.h>\n"                                                                                   \
    "struct s { fpc_self self; double a; int64_t b; };\n"                                                              \
    "static double factor(const fpc_self *s, const fpc_clock *c, const fpc_history *h)\n"                              \
    "{ (void)c; (void)h; return ((const struct s *)s)->a; }\n"                                                         \
    "static const fpc_option options[] = {" option_rows "{0}};\n"                                                      \
    "static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};\n"                                 \
    "static const fpc_plugin p = {FPC_PLUGIN_HEAD, .kind = FPC_SCHEDULE, .name = \"" name                              \
    "\", .summary = \"Sums.\",\n"                                                                                      \
    " .version = \"1.0\", .license = \"MIT\", .options = options, .self_size = sizeof(struct s), .vtbl = "             \
    "&vtbl,\n" extra_fields "};\n" list "\n"

#define OPTION_A "FPC_OPTION_REAL(struct s, a, \"0.5\", 0, 1, \"prob\", \"how much\"),"

/* 0: FOLDER/FILE.so is there. */
static inline int compile_plugin(const char *folder, const char *file, const char *source)
{
    const char *cc = getenv("CC"), *src = getenv("FPCORE_SRC");
    char path[640], command[2400];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s.c", folder, file);
    f = fopen(path, "w");
    if (!f)
        return -1;
    fputs(source, f);
    fclose(f);
    snprintf(command, sizeof command, "%s -std=c11 -w -shared -fPIC -fvisibility=hidden -I%s/include %s -o %s/%s.so",
             cc && *cc ? cc : "cc", src && *src ? src : ".", path, folder, file);
    return system(command) | unlink(path);
}

#endif
