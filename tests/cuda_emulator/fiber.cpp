/* fiber.cpp: stacks that are switched by hand: six pushes on x86-64, ucontext elsewhere. The sanitizers are told of
 * every switch. Fibers live until the process ends. */
#include "tests/cuda_emulator/engine.h"
#include "tests/cuda_emulator/sanitize.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
enum { STACK = 512 << 10 };
#else
enum { STACK = 128 << 10 };
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

static emulate_fiber own;            /* the thread that called emulate_run */
static emulate_fiber *left, *inside; /* the last switch's two ends */

#ifdef __x86_64__
extern "C" void emulate_swap_stacks(void **save, void *to) __attribute__((visibility("hidden")));
asm(".text\n"
    ".hidden emulate_swap_stacks\n"
    ".globl emulate_swap_stacks\n"
    ".type emulate_swap_stacks, @function\n"
    "emulate_swap_stacks:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size emulate_swap_stacks, .-emulate_swap_stacks\n");
#else
#include <ucontext.h>
#endif

static void arrive(void)
{
#ifdef __SANITIZE_ADDRESS__
    const void *stack;
    size_t bytes;
    __sanitizer_finish_switch_fiber(inside->fake, &stack, &bytes);
    if (left == &own) {
        own.stack = const_cast<void *>(stack);
        own.bytes = bytes;
    }
#endif
}

static void start(void)
{
    arrive();
    inside->entry(inside);
    abort();
}

emulate_fiber *emulate_fiber_new(void (*entry)(emulate_fiber *))
{
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    emulate_fiber *f = static_cast<emulate_fiber *>(calloc(1, sizeof *f));
    char *all =
        static_cast<char *>(mmap(nullptr, STACK + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (!f || all == MAP_FAILED || mprotect(all, page, PROT_NONE)) /* a page below: an overflow faults */
        emulate_die("no memory for a fiber's stack");
    f->stack = all + page;
    f->bytes = STACK;
    f->entry = entry;
#ifdef __x86_64__
    void **top = reinterpret_cast<void **>(all + page + STACK) - 1; /* entered as by a call: 16 n + 8 */
    top[0] = nullptr;
    *--top = reinterpret_cast<void *>(start);
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    f->sp = top;
#else
    ucontext_t *c = static_cast<ucontext_t *>(calloc(1, sizeof *c));
    if (!c || getcontext(c))
        emulate_die("no memory for a fiber");
    c->uc_stack.ss_sp = f->stack;
    c->uc_stack.ss_size = STACK;
    makecontext(c, start, 0);
    f->context = c;
#endif
#ifdef __SANITIZE_THREAD__
    f->tsan = __tsan_create_fiber(0);
#endif
    return f;
}

void emulate_switch(emulate_fiber *from, emulate_fiber *to)
{
    left = from ? from : &own;
    inside = to ? to : &own;
    emulate_fiber *const here = left;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&here->fake, inside->stack, inside->bytes);
#endif
#ifdef __SANITIZE_THREAD__
    if (here == &own)
        own.tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(inside->tsan, 0);
#endif
#ifdef __x86_64__
    emulate_swap_stacks(&here->sp, inside->sp);
#else
    static ucontext_t own_context;
    own.context = &own_context;
    swapcontext(static_cast<ucontext_t *>(here->context), static_cast<ucontext_t *>(inside->context));
#endif
    arrive();
}
