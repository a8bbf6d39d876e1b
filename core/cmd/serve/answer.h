/* answer.h: what the server says, as texts: of the model, of a mask, of a failure; and the page. */
#ifndef CORE_CMD_SERVE_ANSWER_H
#define CORE_CMD_SERVE_ANSWER_H

#include "cmd/serve/serve.h"

/* {"name", "model", "version", "parameters", "width", "height", "orientation", "classes": [{"index", "name", "rgb"}],
 * "limits"}. NULL: no memory. */
const char *fpc_serve_tell_model(fpc_arena *, const fpc_serve_model *, const fpc_serve_limits *);
/* hands.answer, arg the fpc_serve_model: a palette PNG, the bytes of `fpcore predict`; or {"width", "height",
 * "classes": [{"index", "name", "rgb", "pixels", "share", "box": [x, y, w, h]}]} of the classes that there are, with
 * "png", the mask in base64, where it is asked for. */
fpc_status fpc_serve_tell_mask(void *model, fpc_serve_job *);
/* {"error": why}, or the sentence as a line. NULL: no memory. */
const char *fpc_serve_tell_why(fpc_arena *, const char *why, int json);
/* The page, whose style and script a browser runs because they carry the word `nonce`, which its policy names. NULL: no
 * memory. */
const char *fpc_serve_tell_page(fpc_arena *, const char *nonce);
/* The policy of the page of that nonce, for its head. */
const char *fpc_serve_policy(fpc_arena *, const char *nonce);

/* The page as lines, from page.html; made by the build. Ends with NULL. */
extern const char *const fpc_serve_page[];

#endif
