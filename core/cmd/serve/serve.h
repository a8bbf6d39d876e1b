/* serve.h: a trained network behind HTTP (`fpcore serve`). One thread of the HTTP library talks with all clients
 * (http.c); what a request may be is decided from its head (rules.h); pictures go through a thread that decodes and
 * encodes, and through the caller's, which is the network's (works.h); answer.h makes the texts. Nothing is read from a
 * disk once the network is open. */
#ifndef CORE_CMD_SERVE_SERVE_H
#define CORE_CMD_SERVE_SERVE_H

#include <fpcore/experiment.h>
#include "cmd/serve/works.h"

/* What strangers may take of the machine. */
typedef struct fpc_serve_limits {
    int64_t mib;        /* of a file that is sent */
    int64_t megapixels; /* of the picture in it */
    int64_t at_once;    /* pictures being received, waiting, at work or being answered; others are to come again */
    int64_t seconds;    /* that a client may take for a request's head, for its body, and to read the answer */
} fpc_serve_limits;

/* What is served. */
typedef struct fpc_serve_model {
    fpc_predictor_info info; /* with a palette */
    const char *name;        /* of the run or the file */
    int as_stored;           /* pictures are not turned as their EXIF orientation says */
} fpc_serve_model;

/* A socket that listens. */
typedef struct fpc_serve_socket {
    int fd;
    int loopback;  /* it is reached from this machine alone */
    char url[120]; /* "http://127.0.0.1:8080/" */
} fpc_serve_socket;

/* cmd/serve/listen.c: host: an address of this machine, or a name of one; port 0: a free one is taken. */
fpc_status fpc_serve_listen(fpc_ctx *, const char *host, int32_t port, fpc_serve_socket *);

/* cmd/serve/http.c: FPC_ENOSUPPORT with a sentence where the program was built without the HTTP library. */
fpc_status fpc_serve_supported(fpc_ctx *);
/* Serves until ctx is cancelled; then nobody is let in any more, and what was asked before is answered. Takes the
 * socket. tell: a log line for each request. */
fpc_status fpc_serve_run(fpc_ctx *, const fpc_serve_socket *, const fpc_serve_model *, const fpc_serve_limits *,
                         fpc_serve_works *, int tell);

#endif
