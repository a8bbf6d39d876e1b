/* rules.h: what may be asked of the server, decided from a request's head alone; and the sentences of the refusals. */
#ifndef CORE_CMD_SERVE_RULES_H
#define CORE_CMD_SERVE_RULES_H

#include "cmd/serve/serve.h"

typedef enum fpc_serve_target { FPC_SERVE_PAGE, FPC_SERVE_MODEL, FPC_SERVE_SEGMENT } fpc_serve_target;

/* Texts are NULL where the request lacks them. */
typedef struct fpc_serve_head {
    const char *method, *path;
    const char *host, *origin, *type, *encoding; /* of the body */
    const char *stray;                           /* the first word of the query that is not `mask` */
    int64_t length;                              /* of the body as it is announced; -1: it is not */
    int mask;                                    /* the query asks for it */
} fpc_serve_head;

typedef struct fpc_serve_refusal {
    int code;          /* of HTTP; 0: none */
    const char *allow; /* 405: the methods that the path has */
    char why[320];     /* UTF-8 without control characters, whatever the client wrote */
} fpc_serve_refusal;

/* loopback: only names of this machine itself are answered for, so that no site can come in by a name of its own that
 * leads here. A page of another site may not send pictures in any case. 1: it may be; 0: refused. */
int fpc_serve_allows(const fpc_serve_head *, int loopback, const fpc_serve_limits *, fpc_serve_target *,
                     fpc_serve_refusal *);
/* Fills a refusal; returns 0. */
int fpc_serve_refuse(fpc_serve_refusal *, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Whether a body of so many bytes is too long; the refusal then says so. */
int fpc_serve_too_long(const fpc_serve_limits *, uint64_t bytes, fpc_serve_refusal *);

#endif
