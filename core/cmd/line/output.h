/* output.h: whether a verb may write a file under the name that it was given: nothing is there, or a plain file that
 * the verb wrote itself or, with --force, of anybody. What is no file (a FIFO, a device) is neither opened nor
 * replaced. */
#ifndef CORE_CMD_LINE_OUTPUT_H
#define CORE_CMD_LINE_OUTPUT_H

#include <fpcore/base.h>

typedef enum fpc_output_state {
    FPC_OUTPUT_FREE,
    FPC_OUTPUT_REPLACED, /* a plain file that may go */
    FPC_OUTPUT_TAKEN,    /* somebody else's; so is a link that leads nowhere */
    FPC_OUTPUT_FOLDER,
    FPC_OUTPUT_SPECIAL /* a FIFO, a device, a socket */
} fpc_output_state;

/* may_replace: a plain file there is the verb's own, or --force is given. Nothing is opened. */
fpc_output_state fpc_output_look(const char *path, int may_replace);
/* The refusal of the last three, which says what would be right. verb: "fpcore export"; other: "name to --onnx", what
 * to give another of. FPC_OK: it may be written. */
fpc_status fpc_output_check(fpc_ctx *, const char *path, const char *verb, const char *other, int may_replace);

#endif
