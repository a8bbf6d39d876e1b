/* memory.cpp: the device's memory: a range of addresses of its own that is accessible only while a kernel or a copy
 * runs, so that host code that follows a device pointer faults here as it would with a GPU. New memory is full of NaN
 * (0xFF bytes). Between allocations lie red zones: poisoned under AddressSanitizer, else looked at after each kernel.
 */
#include "tests/cuda_emulator/engine.h"
#include "tests/cuda_emulator/sanitize.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 256, RED_ZONE = 512, RED = 0xFB };

/* Pieces in the order of their addresses; the first one is the red zone before everything. */
struct piece {
    char *at;
    size_t bytes; /* as asked for; a red zone follows, up to the next multiple of ALIGN and RED_ZONE further */
    piece *next;
};

static char *base, *top; /* the range that may be used, and how much of it ever was */
static size_t total, used, reserved;
static piece *first;
static int opened;

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}
static size_t room_of(size_t bytes)
{
    return up(bytes, ALIGN) + RED_ZONE;
}

static void reserve(void)
{
    const char *text = getenv("FPCORE_EMULATED_MEMORY");
    if (base)
        return;
    total = text && *text ? static_cast<size_t>(strtoull(text, nullptr, 10)) : static_cast<size_t>(8) << 30;
    reserved = 2 * up(total, 1 << 20) + (static_cast<size_t>(256) << 20); /* a device's pages never fragment */
    void *p = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        emulate_die("no addresses for %zu bytes of device memory", total);
    base = top = static_cast<char *>(p);
}

static void protect(int how)
{
    if (top > base && mprotect(base, up(static_cast<size_t>(top - base), 1 << 16), how))
        emulate_die("mprotect refuses");
}

void emulate_open(void)
{
    reserve();
    if (opened++ == 0)
        protect(PROT_READ | PROT_WRITE);
}

void emulate_close(void)
{
    if (--opened == 0)
        protect(PROT_NONE);
}

size_t emulate_memory_total(void)
{
    reserve();
    return total;
}

size_t emulate_memory_used(void)
{
    return used;
}

bool emulate_is_device(const void *p)
{
    return base && p >= base && p < base + reserved;
}

emulate_range emulate_device_range(void)
{
    return {base, reserved};
}

bool emulate_inside(const void *p, size_t n)
{
    const char *at = static_cast<const char *>(p);
    for (const piece *i = first; i; i = i->next)
        if (at >= i->at && at <= i->at + i->bytes)
            return n <= static_cast<size_t>(i->at + i->bytes - at);
    return false;
}

/* Paints what lies between the piece's end and `to`. */
static void paint(char *from, char *to)
{
    memset(from, RED, static_cast<size_t>(to - from));
    ASAN_POISON_MEMORY_REGION(from, static_cast<size_t>(to - from));
}

static void look(const char *from, const char *to)
{
#ifndef __SANITIZE_ADDRESS__
    for (const char *p = from; p < to; p++)
        if (static_cast<unsigned char>(*p) != RED)
            emulate_die("wrote into the red zone that follows %td bytes before: out of an allocation's bounds",
                        p - from);
#else
    (void)from;
    (void)to;
#endif
}

void emulate_check_red_zones(void)
{
    if (base && top > base)
        look(base, base + RED_ZONE);
    for (const piece *i = first; i; i = i->next)
        look(i->at + i->bytes, i->at + room_of(i->bytes));
}

cudaError_t emulate_alloc(void **out, size_t bytes)
{
    *out = nullptr;
    reserve();
    if (bytes == 0)
        return cudaSuccess;
    if (bytes > total || used + up(bytes, ALIGN) > total)
        return cudaErrorMemoryAllocation;
    char *at = base + RED_ZONE;
    piece **link = &first;
    for (; *link && static_cast<size_t>((*link)->at - at) < room_of(bytes); link = &(*link)->next)
        at = (*link)->at + room_of((*link)->bytes);
    if (static_cast<size_t>(base + reserved - at) < room_of(bytes))
        return cudaErrorMemoryAllocation;
    piece *p = static_cast<piece *>(malloc(sizeof *p));
    if (!p)
        return cudaErrorMemoryAllocation;
    *p = {at, bytes, *link};
    *link = p;
    used += up(bytes, ALIGN);
    const bool fresh = top == base;
    if (at + room_of(bytes) > top) {
        const int was = opened;
        top = at + room_of(bytes);
        if (was)
            protect(PROT_READ | PROT_WRITE);
    }
    emulate_open();
    if (fresh)
        paint(base, base + RED_ZONE);
    ASAN_UNPOISON_MEMORY_REGION(at, room_of(bytes));
    memset(at, 0xFF, bytes);
    paint(at + bytes, at + room_of(bytes));
    emulate_close();
    *out = at;
    return cudaSuccess;
}

cudaError_t emulate_free(void *p)
{
    if (!p)
        return cudaSuccess;
    for (piece **link = &first; *link; link = &(*link)->next) {
        piece *i = *link;
        if (i->at != p)
            continue;
        emulate_open();
        ASAN_UNPOISON_MEMORY_REGION(i->at, room_of(i->bytes));
        /* Whole pages go back to the system. */
        char *from = reinterpret_cast<char *>(up(reinterpret_cast<size_t>(i->at), 1 << 16));
        char *to = i->at + i->bytes - (reinterpret_cast<size_t>(i->at) + i->bytes) % (1 << 16);
        if (to > from)
            madvise(from, static_cast<size_t>(to - from), MADV_DONTNEED);
        ASAN_POISON_MEMORY_REGION(i->at, room_of(i->bytes));
        emulate_close();
        used -= up(i->bytes, ALIGN);
        *link = i->next;
        free(i);
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
}
