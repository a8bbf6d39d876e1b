/* races.cpp: finds accesses of a kernel that nothing orders (`make check-races`). The kernels are compiled with
 * -fsanitize=thread, which puts a call before each access; these calls end here and not in ThreadSanitizer, which knows
 * threads, not CUDA's blocks. Two accesses to a byte, of which one writes, by two threads of one launch, are a race
 * unless both are atomic, or the threads are of one block and a barrier lies between, or of one warp and a __syncwarp.
 * Nothing orders two blocks; shuffles and votes order no memory; launches come one after another. Orders do not matter
 * here: whoever comes first, the pair is seen. FastTrack (Flanagan, Freund: PLDI 2009) in small: since barriers are
 * of whole blocks and warps, counts of them take the place of vector clocks, and a few readers stand for all. */
#include <cuda_runtime.h>
/* Else these names are ThreadSanitizer's own, or shared memory has no section of its own. */
#if defined(FPC_EMULATE_SHARED_SECTION) && !defined(__SANITIZE_THREAD__)
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct trace {
    uint32_t pc; /* from here(), 0: none */
    uint32_t block, barriers;
    uint32_t thread : 10, warp_barriers : 22;
};

/* Of many accesses those that decide whether a later one is a race: the last; one more by its warp between the same two
 * barriers of the warp; one by another warp between the same two barriers of the block; one by another block. */
struct crowd {
    trace last, mate, warp, block;
};

/* What a word, or a byte of a word that has been `split`, saw in an era: a launch, for shared memory a block. */
struct cell {
    uint32_t era;
    uint32_t split;
    trace write;
    crowd reads, atomics;
};

/* A range of addresses and its cells, which are mapped when they are first touched. */
struct zone {
    char *from;
    size_t bytes;
    uint32_t era;
    cell *words, *parts;
    size_t used; /* cells since they were last given back */
};

enum { WORD = 4, KEPT = 4 << 20, PAIRS = 1 << 12, TOLD = 40, RACED = 66 };

static zone device, fixed, dynamic;
static uint32_t launch, run; /* that the zones know */
static struct {
    uint32_t a, b;
} pairs[PAIRS];
static unsigned n_pairs;

/* ---- who is ordered with whom ---- */

static bool ordered(const trace &a, const trace &b)
{
    if (a.block != b.block)
        return false;
    if (a.thread == b.thread || a.barriers != b.barriers)
        return true;
    return a.thread / EMULATE_WARP == b.thread / EMULATE_WARP && a.warp_barriers != b.warp_barriers;
}

static const trace *against(const trace &a, const trace &b)
{
    return a.pc && !ordered(a, b) ? &a : nullptr;
}

static const trace *against(const crowd &c, const trace &b)
{
    if (!c.last.pc)
        return nullptr;
    for (const trace *a : {&c.last, &c.mate, &c.warp, &c.block})
        if (against(*a, b))
            return a;
    return nullptr;
}

static void join(crowd *c, const trace &a)
{
    const trace was = c->last;
    if (was.pc && was.block == a.block && was.barriers == a.barriers) {
        if (was.thread / EMULATE_WARP != a.thread / EMULATE_WARP) {
            c->warp = was;
            c->mate.pc = 0;
        } else if (was.warp_barriers != a.warp_barriers)
            c->mate.pc = 0;
        else if (was.thread != a.thread)
            c->mate = was;
        else
            return;
    } else {
        if (was.pc && was.block != a.block)
            c->block = was;
        else if (!was.pc)
            c->block.pc = 0;
        c->mate.pc = c->warp.pc = 0;
    }
    c->last = a;
}

/* ---- sentences ---- */

static const char *here(void)
{
    return reinterpret_cast<const char *>(&ordered);
}

static void print_access(const char *what, const trace &a)
{
    const dim3 b = blockDim, g = gridDim;
    fprintf(stderr, "    thread (%u, %u, %u) of block (%u, %u, %u) %s\n", a.thread % b.x, a.thread / b.x % b.y,
            a.thread / b.x / b.y, a.block % g.x, a.block / g.x % g.y, a.block / g.x / g.y, what);
    emulate_print_place("at", here() + static_cast<int32_t>(a.pc) - 1);
}

static void fail_at_end(void)
{
    fprintf(stderr, "cuda_emulated: %u mistakes\n", n_pairs);
    fflush(nullptr);
    _exit(RACED);
}

static const trace nothing = {};

/* Each pair of places once. did: nullptr, nobody was there before. */
static void tell(const zone *z, const trace &was, const char *did, const trace &is, const char *does)
{
    for (unsigned i = 0; i < n_pairs; i++)
        if (pairs[i].a == was.pc && pairs[i].b == is.pc)
            return;
    if (n_pairs == PAIRS)
        return;
    if (n_pairs == 0)
        atexit(fail_at_end);
    pairs[n_pairs++] = {was.pc, is.pc};
    if (n_pairs > TOLD)
        return;
    const emulate_job *job = emulate_running();
    fflush(stdout);
    if (did) {
        fprintf(stderr, "cuda_emulated: a race in %s memory: nothing orders\n",
                z == &device ? "the device's" : "shared");
        print_access(did, was);
    } else
        fprintf(stderr, "cuda_emulated: nobody in this block has written the shared memory that\n");
    print_access(does, is);
    fprintf(stderr, "    grid %ux%ux%u, block %ux%ux%u\n", job->grid.x, job->grid.y, job->grid.z, job->block.x,
            job->block.y, job->block.z);
    emulate_print_place("kernel", job->kernel);
}

/* ---- cells ---- */

static void see(zone *z, cell *c, const trace &a, emulate_access how, bool empty)
{
    static const char *const does[] = {"reads", "writes", "writes at once (atomic)"};
    const trace *other;
    if ((other = against(c->write, a)))
        tell(z, *other, does[EMULATE_WRITE], a, does[how]);
    if (how != EMULATE_READ && (other = against(c->reads, a)))
        tell(z, *other, does[EMULATE_READ], a, does[how]);
    if (how != EMULATE_ATOMIC && (other = against(c->atomics, a)))
        tell(z, *other, does[EMULATE_ATOMIC], a, does[how]);
    if (empty && how != EMULATE_WRITE && !c->write.pc && !c->atomics.last.pc)
        tell(z, nothing, nullptr, a, does[how]);
    if (how == EMULATE_READ)
        join(&c->reads, a);
    else if (how == EMULATE_WRITE)
        c->write = a;
    else
        join(&c->atomics, a);
}

/* empty: shared memory, which holds nothing when a block begins */
static void look(zone *z, size_t from, size_t n, const trace &a, emulate_access how, bool empty)
{
    for (size_t at = from; at < from + n;) {
        const size_t w = at / WORD, end = (w + 1) * WORD < from + n ? (w + 1) * WORD : from + n;
        cell *word = z->words + w;
        if (word->era != z->era) {
            word->era = z->era;
            word->split = 0;
            word->write.pc = word->reads.last.pc = word->atomics.last.pc = 0;
            z->used++;
        }
        if (end - at < WORD && !word->split) {
            word->split = 1;
            for (size_t i = 0; i < WORD; i++)
                z->parts[w * WORD + i] = *word;
            z->used += WORD;
        }
        if (!word->split)
            see(z, word, a, how, empty);
        else
            for (size_t i = at; i < end; i++)
                see(z, z->parts + i, a, how, empty);
        at = end;
    }
}

static cell *room_for(size_t cells)
{
    void *p =
        mmap(nullptr, cells * sizeof(cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        emulate_die("no addresses to look for races");
    return static_cast<cell *>(p);
}

static void open_zone(zone *z, emulate_range r)
{
    if (z->from == r.from)
        return;
    z->from = r.from;
    z->bytes = r.bytes;
    z->words = room_for(r.bytes / WORD + 2);
    z->parts = room_for(r.bytes + 2 * WORD);
}

static void new_era(zone *z, uint32_t era)
{
    z->era = era;
    if (z->used < KEPT)
        return;
    z->used = 0;
    madvise(z->words, (z->bytes / WORD + 2) * sizeof(cell), MADV_DONTNEED);
    madvise(z->parts, (z->bytes + 2 * WORD) * sizeof(cell), MADV_DONTNEED);
}

/* All that can be written in this module is `__shared__`, but for the built-in variables: compilers put that of
 * templates into no section of its own. */
extern "C" char __bss_start[] __attribute__((visibility("hidden")));
extern "C" char __start_fpc_shared[] __attribute__((visibility("hidden")));
extern "C" char __stop_fpc_shared[] __attribute__((visibility("hidden")));
extern "C" char __start_fpc_built_in[] __attribute__((visibility("hidden")));
extern "C" char __stop_fpc_built_in[] __attribute__((visibility("hidden")));

static bool begins_empty(const void *p)
{
    return p >= __bss_start || (p >= __start_fpc_shared && p < __stop_fpc_shared);
}

static int find_module(struct dl_phdr_info *info, size_t, void *found)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &part = info->dlpi_phdr[i];
        char *const from = reinterpret_cast<char *>(info->dlpi_addr + part.p_vaddr);
        const size_t at = reinterpret_cast<uintptr_t>(&launch) - reinterpret_cast<uintptr_t>(from);
        if (part.p_type != PT_LOAD || at >= part.p_memsz)
            continue;
        *static_cast<emulate_range *>(found) = {from, part.p_memsz};
        return 1;
    }
    return 0;
}

static emulate_range module_variables(void)
{
    static emulate_range found;
    if (!found.from && !dl_iterate_phdr(find_module, &found))
        emulate_die("no module to look for races in");
    return found;
}

static void follow(void)
{
    if (launch != emulate_now.launch) {
        launch = emulate_now.launch;
        open_zone(&device, emulate_device_range());
        open_zone(&fixed, module_variables());
        open_zone(&dynamic, {static_cast<char *>(emulate_dynamic_shared()), EMULATE_MAX_SHARED});
        new_era(&device, launch);
    }
    if (run != emulate_now.run) {
        run = emulate_now.run;
        new_era(&fixed, run);
        new_era(&dynamic, run);
    }
}

void emulate_touch(const void *p, size_t n, emulate_access how, const void *pc)
{
    if (!emulate_inside_kernel())
        return;
    if (p >= __start_fpc_built_in && p < __stop_fpc_built_in)
        return;
    follow();
    for (zone *z : {&device, &fixed, &dynamic}) {
        const size_t at = reinterpret_cast<uintptr_t>(p) - reinterpret_cast<uintptr_t>(z->from);
        if (at >= z->bytes)
            continue;
        const unsigned t = emulate_now.thread;
        const trace a = {static_cast<uint32_t>(static_cast<const char *>(pc) - here()), emulate_now.block,
                         emulate_now.barriers, t, emulate_now.warp_barriers[t / EMULATE_WARP]};
        look(z, at, n, a, how, z == &dynamic || (z == &fixed && begins_empty(p)));
        return;
    }
}

/* ---- what the compiler calls ---- */

#define TOUCH(p, n, how) emulate_touch(p, n, how, __builtin_return_address(0))
#define HIDDEN extern "C" __attribute__((visibility("hidden")))
#define ONE(name, n, how)                                                                                              \
    HIDDEN void __tsan_##name(void *p);                                                                                \
    HIDDEN void __tsan_##name(void *p)                                                                                 \
    {                                                                                                                  \
        TOUCH(p, n, how);                                                                                              \
    }
#define SIZES(prefix, how)                                                                                             \
    ONE(prefix##1, 1, how) ONE(prefix##2, 2, how) ONE(prefix##4, 4, how) ONE(prefix##8, 8, how) ONE(prefix##16, 16, how)
SIZES(read, EMULATE_READ)
SIZES(write, EMULATE_WRITE)
SIZES(read_write, EMULATE_WRITE)
SIZES(volatile_read, EMULATE_READ)
SIZES(volatile_write, EMULATE_WRITE)
SIZES(unaligned_read, EMULATE_READ)
SIZES(unaligned_write, EMULATE_WRITE)
SIZES(unaligned_read_write, EMULATE_WRITE)
SIZES(unaligned_volatile_read, EMULATE_READ)
SIZES(unaligned_volatile_write, EMULATE_WRITE)

#define RANGE(name, how)                                                                                               \
    HIDDEN void __tsan_##name##_range(void *p, size_t n);                                                              \
    HIDDEN void __tsan_##name##_range(void *p, size_t n)                                                               \
    {                                                                                                                  \
        TOUCH(p, n, how);                                                                                              \
    }
RANGE(read, EMULATE_READ)
RANGE(write, EMULATE_WRITE)

#define COPY(name)                                                                                                     \
    HIDDEN void *__tsan_##name(void *to, const void *from, size_t n);                                                  \
    HIDDEN void *__tsan_##name(void *to, const void *from, size_t n)                                                   \
    {                                                                                                                  \
        TOUCH(from, n, EMULATE_READ);                                                                                  \
        TOUCH(to, n, EMULATE_WRITE);                                                                                   \
        return name(to, from, n);                                                                                      \
    }
COPY(memcpy)
COPY(memmove)
HIDDEN void *__tsan_memset(void *to, int value, size_t n);
HIDDEN void *__tsan_memset(void *to, int value, size_t n)
{
    TOUCH(to, n, EMULATE_WRITE);
    return memset(to, value, n);
}

#define NOTHING(name, ...)                                                                                             \
    HIDDEN void __tsan_##name(__VA_ARGS__);                                                                            \
    HIDDEN void __tsan_##name(__VA_ARGS__) {}
NOTHING(init, void)
NOTHING(func_entry, void *)
NOTHING(func_exit, void)
NOTHING(vptr_update, void **, void *)
NOTHING(vptr_read, void **)

#else
void emulate_touch(const void *, size_t, emulate_access, const void *) {}
#endif
