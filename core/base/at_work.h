/* at_work.h: which plugin's code runs on this thread. The core goes through FPC_CALL wherever it enters a plugin, so
 * that a program can say after a crash whose code it was. Costs two stores into memory of the thread. Thread: any; each
 * sees its own. */
#ifndef CORE_BASE_AT_WORK_H
#define CORE_BASE_AT_WORK_H

/* who: "loss/gce (./gce.so)", which has to outlive the call; NULL: the same as before (a core's own op). Calls nest: a
 * loss may ask for labels, which the data set then reads. */
void fpc_at_work_enter(const char *who);
void fpc_at_work_leave(void);
/* The innermost, or NULL. Async-signal-safe. */
const char *fpc_at_work(void);

/* The value of `call`, a call of a function of the plugin `who`. */
#define FPC_CALL(who, call)                                                                                            \
    __extension__({                                                                                                    \
        fpc_at_work_enter(who);                                                                                        \
        const __typeof__(call) result_of_call = (call);                                                                \
        fpc_at_work_leave();                                                                                           \
        result_of_call;                                                                                                \
    })
/* The same for functions without a value. */
#define FPC_CALL_VOID(who, call)                                                                                       \
    do {                                                                                                               \
        fpc_at_work_enter(who);                                                                                        \
        call;                                                                                                          \
        fpc_at_work_leave();                                                                                           \
    } while (0)

#endif
