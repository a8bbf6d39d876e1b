/* symbols.c: a plugin exports fpc_plugins_v1 and nothing else, so that two plugins cannot get into each other's way.
 * Reads the dynamic symbol table of the file; every offset is checked against the file's size. */
#define _GNU_SOURCE
#include "conform.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct image {
    const char *data;
    size_t size;
} image;

static const void *at(const image *f, uint64_t offset, uint64_t bytes)
{
    return offset > f->size || bytes > f->size - offset ? NULL : f->data + offset;
}

static const ElfW(Shdr) * section(const image *f, const ElfW(Ehdr) * head, uint32_t i)
{
    if (i >= head->e_shnum || head->e_shentsize != sizeof(ElfW(Shdr)))
        return NULL;
    return at(f, head->e_shoff + (uint64_t)i * sizeof(ElfW(Shdr)), sizeof(ElfW(Shdr)));
}

/* Names of exported symbols beside the expected one, as one text; *n counts all exports. */
static const char *extra_exports(conform *c, const image *f, int32_t *n)
{
    const ElfW(Ehdr) *head = at(f, 0, sizeof *head);
    const char *extra = "";

    for (uint32_t i = 0; head && i < head->e_shnum; i++) {
        const ElfW(Shdr) *table = section(f, head, i);
        const ElfW(Shdr) *names = table && table->sh_type == SHT_DYNSYM ? section(f, head, table->sh_link) : NULL;
        if (!names || table->sh_entsize != sizeof(ElfW(Sym)) || !names->sh_size)
            continue;
        const ElfW(Sym) *symbol = at(f, table->sh_offset, table->sh_size);
        const char *text = at(f, names->sh_offset, names->sh_size);
        if (!symbol || !text || text[names->sh_size - 1])
            continue;
        for (uint64_t s = 0; s < table->sh_size / sizeof *symbol; s++) {
            const unsigned bind = symbol[s].st_info >> 4, visibility = symbol[s].st_other & 3;
            if (symbol[s].st_shndx == SHN_UNDEF || (bind != STB_GLOBAL && bind != STB_WEAK) ||
                (visibility != STV_DEFAULT && visibility != STV_PROTECTED) || symbol[s].st_name >= names->sh_size)
                continue;
            const char *name = text + symbol[s].st_name;
            /* _init, _fini, __bss_start and the sanitizers' own marks come from the linker and the compiler. */
            if (name[0] == '_' || !strncmp(name, "asan.", 5))
                continue;
            ++*n;
            if (strcmp(name, "fpc_plugins_v1"))
                extra = fpc_sprintf(c->arena, "%s%s%s", extra, *extra ? ", " : "", name);
        }
    }
    return extra;
}

void check_symbols(conform *c)
{
    const int fd = open(c->file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int32_t n = 0;

    if (fd < 0 || fstat(fd, &st) || st.st_size <= 0) {
        check(c, 0, "exports one symbol", "the file cannot be read again");
        if (fd >= 0)
            close(fd);
        return;
    }
    const image f = {mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0), (size_t)st.st_size};
    close(fd);
    if (f.data == MAP_FAILED) {
        check(c, 0, "exports one symbol", "the file cannot be mapped");
        return;
    }
    const char *extra = extra_exports(c, &f, &n);
    check(c, !*extra && n == 1, "exports one symbol", "%s%s; compile with -fvisibility=hidden",
          *extra ? "also exports " : "no symbol table was found", extra);
    munmap((void *)f.data, f.size);
}
