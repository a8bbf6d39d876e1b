/* c_frame.c: how a network's C file begins and ends, as it stands there: what it offers, and the functions that it
 * offers. @ is the file's prefix, $ the same in capitals. Each comes in two kinds: weights inside of the file, or in
 * one beside it, which the caller hands over. */
#include "cmd/export/c.h"

/* What is offered. weights: the parameter of calls that are handed them. */
#define ENTRIES(weights)                                                                                               \
    "void @_labels(" weights "const uint8_t *rgb, uint8_t *labels, float *arena)\n"                                    \
    "{\n"                                                                                                              \
    "    labels_of(rgb, weights, labels, arena);\n"                                                                    \
    "}\n"                                                                                                              \
    "\n"                                                                                                               \
    "void @_scores(" weights "const uint8_t *rgb, float *scores, float *arena)\n"                                      \
    "{\n"                                                                                                              \
    "    scores_of(rgb, weights, scores, arena);\n"                                                                    \
    "}\n"                                                                                                              \
    "\n"                                                                                                               \
    "size_t @_arena(int width, int height)\n"                                                                          \
    "{\n"                                                                                                              \
    "    return arena_of(width, height);\n"                                                                            \
    "}\n"                                                                                                              \
    "\n"                                                                                                               \
    "int @_segment(" weights "const uint8_t *rgb, int width, int height, uint8_t *labels, float *arena)\n"             \
    "{\n"                                                                                                              \
    "    return segment(rgb, width, height, weights, labels, arena);\n"                                                \
    "}\n"

const char fpc_c_entries_inside[] = ENTRIES("");

const char fpc_c_entries_beside[] =
    "int @_weights(const uint8_t *bytes, size_t n, float *weights)\n"
    "{\n"
    "    uint64_t digest = 14695981039346656037u;\n"
    "\n"
    "    if (n != $_WEIGHTS_BYTES)\n"
    "        return 1;\n"
    "    bytes += n - 4 * (size_t)$_WEIGHTS;\n"
    "    for (size_t i = 0; i < 4 * (size_t)$_WEIGHTS; i++)\n"
    "        digest = (digest ^ bytes[i]) * 1099511628211u;\n"
    "    if (digest != WEIGHTS_DIGEST)\n"
    "        return 1;\n"
    "    for (size_t i = 0; i < $_WEIGHTS; i++, bytes += 4) {\n"
    "        const uint32_t bits = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] "
    "<< 24;\n"
    "        memcpy(&weights[i], &bits, sizeof bits);\n"
    "    }\n"
    "    return 0;\n"
    "}\n"
    "\n" ENTRIES("const float *weights, ");

const char fpc_c_interface[] =
    " * Interface, for the part of a program that calls it:\n"
    " *\n"
    " *     #define $_INTERFACE\n"
    " *     #include \"@.c\"\n"
    " *\n"
    " * and this file is compiled for itself: cc -O3 -c @.c. Link with -lm. It is C99, and C++11 as well. It writes to "
    "no\n"
    " * variable of its own, so threads may call it at the same time, each with an arena of its own.\n"
    " */\n"
    "#ifndef $_H\n"
    "#define $_H\n"
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "\n";

#define CALLS_BEGIN                                                                                                    \
    "#ifdef __cplusplus\n"                                                                                             \
    "extern \"C\" {\n"                                                                                                 \
    "#endif\n"                                                                                                         \
    "\n"                                                                                                               \
    "extern const char *const @_class_names[$_CLASSES];\n"                                                             \
    "extern const uint8_t @_palette[$_CLASSES][3];\n"                                                                  \
    "\n"
#define CALLS(weights)                                                                                                 \
    "/* Labels ($_HEIGHT,$_WIDTH) of a picture: RGB, ($_HEIGHT,$_WIDTH,3). arena: $_ARENA\n"                           \
    " * floats, whatever they hold: `static float arena[$_ARENA]`, where one picture at a time is labelled. */\n"      \
    "void @_labels(" weights "const uint8_t *rgb, uint8_t *labels, float *arena);\n"                                   \
    "/* Scores ($_HEIGHT,$_WIDTH,$_CLASSES) instead: the highest is the label. */\n"                                   \
    "void @_scores(" weights "const uint8_t *rgb, float *scores, float *arena);\n"                                     \
    "\n"                                                                                                               \
    "/* Labels (height,width) of a picture of any size, up to $_LARGEST on a side. arena: @_arena(width, height) "     \
    "floats.\n"                                                                                                        \
    " * 0: done; 1: no such size can be. */\n"                                                                         \
    "int @_segment(" weights "const uint8_t *rgb, int width, int height, uint8_t *labels, float *arena);\n"            \
    "/* 0: no such size can be. */\n"                                                                                  \
    "size_t @_arena(int width, int height);\n"                                                                         \
    "\n"                                                                                                               \
    "#ifdef __cplusplus\n"                                                                                             \
    "}\n"                                                                                                              \
    "#endif\n"                                                                                                         \
    "#endif\n"

const char fpc_c_calls_inside[] = CALLS_BEGIN CALLS("");

const char fpc_c_calls_beside[] = CALLS_BEGIN
    "/* The $_WEIGHTS weights out of @.bin, whose $_WEIGHTS_BYTES bytes lie in memory. 0: done; 1: they are not\n"
    " * the ones that belong to this file. Where floats are IEEE 754 and little-endian, what lies 64 bytes into the "
    "file is\n"
    " * the weights themselves, in flash or mapped: `(const float *)(bytes + 64)`, without this call. */\n"
    "int @_weights(const uint8_t *bytes, size_t n, float *weights);\n"
    "\n" CALLS("const float *weights, ");

const char fpc_c_start[] =
    "#ifndef $_INTERFACE\n"
    "#include <math.h>\n"
    "#include <string.h>\n"
    "\n"
    "#ifdef __cplusplus\n"
    "#define RESTRICT __restrict\n"
    "#else\n"
    "#define RESTRICT restrict\n"
    "#endif\n"
    "/* gcc -O3 takes short loops apart before it looks for vectors in them, and then finds worse ones. */\n"
    "#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8\n"
    "#define AS_VECTOR _Pragma(\"GCC unroll 1\")\n"
    "#else\n"
    "#define AS_VECTOR\n"
    "#endif\n"
    "\n"
    "/* Work on its own: inlined and specialised for each call it would be large, not fast. */\n"
    "#if defined(__clang__)\n"
    "#define APART __attribute__((__noinline__))\n"
    "#elif defined(__GNUC__)\n"
    "#define APART __attribute__((__noinline__, __noclone__))\n"
    "#else\n"
    "#define APART\n"
    "#endif\n"
    "\n"
    "/* Outputs of a product that are computed together; pixels that look at others together. */\n"
    "enum { LANES = 8, QUERIES = 16 };\n";
