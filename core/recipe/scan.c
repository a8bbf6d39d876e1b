/* scan.c: one INI text, read twice. The scan gives each key its FILE:LINE, finds duplicates and refuses whatever
 * iniparser would silently cut, join or skip (long lines, backslashes at line ends, words behind a closing quote);
 * iniparser then reads the same text, and both must agree on every key, so that a later version of the library which
 * reads a line in another way is an error with its line and not another experiment. The file is hostile. */
#define _GNU_SOURCE
#include "recipe/index.h"
#include "recipe/scan.h"
#include "base/file.h"
#include "base/message.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <iniparser/iniparser.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- growing arrays: capacity is the next power of two ---- */

static void *grow(fpc_arena *arena, void *old, int32_t n, size_t size)
{
    void *bigger;

    if (n > 0 && (n & (n - 1)) != 0)
        return old;
    bigger = fpc_alloc(arena, (n > 0 ? 2 * (size_t)n : 1) * size);
    if (bigger && n > 0)
        memcpy(bigger, old, (size_t)n * size);
    return bigger;
}

fpc_section *fpc_recipe_add_section(fpc_arena *arena, fpc_recipe *recipe, const char *name, const char *origin)
{
    fpc_section *sections = grow(arena, recipe->section, recipe->n, sizeof *sections);

    if (!sections)
        return NULL;
    recipe->section = sections;
    sections[recipe->n] = (fpc_section){.name = name, .origin = origin};
    return &sections[recipe->n++];
}

fpc_entry *fpc_section_add_entry(fpc_arena *arena, fpc_section *section, const char *key, const char *value,
                                 const char *origin)
{
    fpc_entry *entries = grow(arena, section->entry, section->n, sizeof *entries);

    if (!entries)
        return NULL;
    section->entry = entries;
    entries[section->n] = (fpc_entry){key, value, origin};
    return &entries[section->n++];
}

/* ---- reading ---- */

fpc_status fpc_recipe_slurp(fpc_ctx *ctx, fpc_arena *arena, const char *where, const char *path, char **text,
                            size_t *bytes)
{
    const char *why;
    fpc_status status = fpc_read_file_why(arena, path, FPC_RECIPE_BYTES, text, bytes, &why);

    if (!status && (why = fpc_text_clean(arena, *text, bytes)))
        status = FPC_EFORMAT;

    return status ? fpc_fail_recipe(ctx, status, "%sthe recipe %s %s", where, path, why) : FPC_OK;
}

/* ---- names ---- */

static int is_word(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || text[i] == '_'))
            return 0;
    return n > 0 && n <= 64;
}

const char *fpc_recipe_bad_key(const char *key)
{
    return is_word(key, strlen(key)) ? NULL : "a key is made of letters, digits and _, at most 64";
}

const char *fpc_recipe_bad_section(const char *name)
{
    const char *dot = strchr(name, '.');

    if (dot ? is_word(name, (size_t)(dot - name)) && is_word(dot + 1, strlen(dot + 1)) : is_word(name, strlen(name)))
        return NULL;
    return "a section is called KIND or KIND.LABEL, of letters, digits and _";
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
}

/* ---- the scan ---- */

typedef struct scanner {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const char *name;
    int line;
    int32_t keys;
    fpc_scan *out;
    fpc_section *section;     /* NULL before the first */
    fpc_index sections, here; /* the names of all sections, the keys of this one */
} scanner;

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static char *strip(char *text)
{
    char *end = text + strlen(text);

    while (is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        *--end = 0;
    return text;
}

static fpc_status scan_section(scanner *s, char *line)
{
    char *close = strchr(line, ']');
    const char *bad;
    int32_t other;
    char *name;

    if (!close)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: %s: this section has no closing ]", s->name, s->line, line);
    if (close[1])
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s:%d: %s: nothing may stand behind a section's ]; put it on a line of "
                               "its own",
                               s->name, s->line, line);
    *close = 0;
    name = strip(line + 1);
    lower(name);
    bad = fpc_recipe_bad_section(name);
    if (bad)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: [%s]: %s", s->name, s->line, name, bad);
    other = fpc_index_find(&s->sections, name);
    if (other >= 0)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: [%s]: this section stands already at %s; join the two",
                               s->name, s->line, name, s->out->recipe.section[other].origin);
    name = fpc_strdup(s->arena, name);
    if (!name || fpc_index_add(s->arena, &s->sections, name, s->out->recipe.n))
        return FPC_ENOMEM;
    fpc_index_clear(&s->here);
    s->section =
        fpc_recipe_add_section(s->arena, &s->out->recipe, name, fpc_sprintf(s->arena, "%s:%d", s->name, s->line));
    return s->section ? FPC_OK : FPC_ENOMEM;
}

/* Cuts quotes and comment off a value, as iniparser does. Returns what is wrong, or NULL. */
static const char *scan_value(char **value)
{
    char *text = *value, *close;
    const char quote = *text;

    if (quote == '"' || quote == '\'') {
        close = strchr(text + 1, quote);
        if (!close)
            return "this quote is not closed";
        *close = 0;
        close = strip(close + 1);
        if (*close && *close != ';' && *close != '#')
            return "there are words behind the closing quote; a quoted value holds no quote of its own kind";
        *value = text + 1;
    } else {
        text[strcspn(text, ";#")] = 0;
        *value = strip(text);
    }
    return NULL;
}

static fpc_status keep_entry(scanner *s, const char *key, const char *value)
{
    const char *origin = fpc_sprintf(s->arena, "%s:%d", s->name, s->line);
    int32_t at;

    key = fpc_strdup(s->arena, key);
    value = fpc_strdup(s->arena, value);
    if (!key || !value || !origin)
        return FPC_ENOMEM;
    if (s->section) {
        at = fpc_index_find(&s->here, key);
        if (at >= 0)
            return fpc_fail_recipe(
                s->ctx, FPC_EINVAL, "%s: %s.%s = %s: this key stands already at %s (= %s); remove one", origin,
                s->section->name, key, value, s->section->entry[at].origin, s->section->entry[at].value);
        if (fpc_index_add(s->arena, &s->here, key, s->section->n))
            return FPC_ENOMEM;
        return fpc_section_add_entry(s->arena, s->section, key, value, origin) ? FPC_OK : FPC_ENOMEM;
    }
    if (strcmp(key, "include") != 0)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s: %s = %s: only `include` may stand before the first section; put "
                               "this key below a [section]",
                               origin, key, value);
    if (s->out->include.value)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s: include = %s: there is an include already at %s; join the two "
                               "with a comma",
                               origin, value, s->out->include.origin);
    s->out->include = (fpc_entry){key, value, origin};
    return FPC_OK;
}

static fpc_status scan_key(scanner *s, char *line)
{
    char *equals = strchr(line, '='), *key, *value;
    const char *bad;

    if (!equals)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s:%d: %.60s: this is neither a [section] nor key = value nor a comment", s->name,
                               s->line, line);
    *equals = 0;
    key = strip(line);
    lower(key);
    value = strip(equals + 1);
    bad = fpc_recipe_bad_key(key);
    if (bad)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: %.60s: %s", s->name, s->line, key, bad);
    bad = scan_value(&value);
    if (bad)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: %s%s%s = %s: %s", s->name, s->line,
                               s->section ? s->section->name : "", s->section ? "." : "", key, value, bad);
    if (strlen(value) > FPC_RECIPE_VALUE)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: %s: this value is %zu bytes long; at most %d are read",
                               s->name, s->line, key, strlen(value), FPC_RECIPE_VALUE);
    if (++s->keys > FPC_RECIPE_KEYS)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: more than %d keys and sections, which no recipe has",
                               s->name, s->line, FPC_RECIPE_KEYS);
    return keep_entry(s, key, value);
}

static fpc_status scan_line(scanner *s, char *line, size_t length)
{
    if (length > FPC_RECIPE_LINE)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: this line is %zu bytes long; at most %d are read", s->name,
                               s->line, length, FPC_RECIPE_LINE);
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)line[i];

        if ((c < 0x20 && c != '\t' && !(c == '\r' && i + 1 == length)) || c == 0x7f)
            return fpc_fail_recipe(s->ctx, FPC_EFORMAT,
                                   "%s:%d: byte %zu of this line is 0x%02x; a recipe is plain text", s->name, s->line,
                                   i + 1, c);
    }
    line = strip(line);
    if (*line && line[strlen(line) - 1] == '\\')
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s:%d: this line ends with a backslash, which would join it to the next; "
                               "quote the value or remove it",
                               s->name, s->line);
    if (!*line || *line == '#' || *line == ';')
        return FPC_OK;
    if (*line == '[') {
        if (++s->keys > FPC_RECIPE_KEYS)
            return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s:%d: more than %d keys and sections, which no recipe has",
                                   s->name, s->line, FPC_RECIPE_KEYS);
        return scan_section(s, line);
    }
    return scan_key(s, line);
}

/* ---- iniparser's reading of the same text ---- */

static int quiet(const char *fmt, ...)
{
    (void)fmt;
    return 0;
}

/* One thread at a time: whom iniparser tells its errors is one for the whole process. */
static dictionary *load_quietly(const char *path)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    dictionary *ini;

    pthread_mutex_lock(&lock);
    iniparser_set_error_callback(quiet);
    ini = iniparser_load(path);
    iniparser_set_error_callback(NULL);
    pthread_mutex_unlock(&lock);
    return ini;
}

/* iniparser 4.1 reads files by name only: the text goes through a file in memory, so that both read the same bytes
 * (the recipe may change between two readings). */
static dictionary *load(const char *text, size_t bytes)
{
    const int fd = memfd_create("recipe", MFD_CLOEXEC);
    dictionary *ini = NULL;
    char path[40];
    size_t done = 0;

    if (fd < 0)
        return NULL;
    while (done < bytes) {
        const ssize_t wrote = write(fd, text + done, bytes - done);

        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    if (done == bytes) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ini = load_quietly(path);
    }
    close(fd);
    return ini;
}

/* What iniparser read, with an index of its keys: its own look-up walks through all of them. */
struct reading {
    dictionary *ini;
    fpc_index index;
    int32_t keys; /* without those that stand for sections */
};

static fpc_status index_keys(scanner *s, struct reading *r)
{
    for (ssize_t i = 0; i < r->ini->size; i++) {
        const char *key = r->ini->key[i];

        if (key && fpc_index_add(s->arena, &r->index, key, (int32_t)i))
            return FPC_ENOMEM;
        r->keys += key && strchr(key, ':');
    }
    return FPC_OK;
}

static fpc_status agree_on(scanner *s, const struct reading *r, const char *section, const fpc_entry *entry)
{
    char key[160];
    const char *value;
    int32_t at;

    snprintf(key, sizeof key, "%s:%s", section, entry->key);
    at = fpc_index_find(&r->index, key);
    value = at >= 0 ? r->ini->val[at] : NULL;
    if (!value || strcmp(value, entry->value) != 0)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s: %s = %s: this line can be read in two ways (iniparser reads `%s`); "
                               "put the value into double quotes",
                               entry->origin, entry->key, entry->value, value ? value : "nothing");
    return FPC_OK;
}

/* Section by section, for the sentence: somewhere there are more keys than were found here. */
static fpc_status other_counts(scanner *s, const dictionary *ini)
{
    const fpc_recipe *recipe = &s->out->recipe;

    for (int32_t i = 0; i < recipe->n; i++) {
        const fpc_section *section = &recipe->section[i];
        const int keys = iniparser_getsecnkeys(ini, section->name);

        if (keys != section->n)
            return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: [%s]: %d keys were found here, but iniparser finds %d",
                                   section->origin, section->name, section->n, keys);
    }
    return FPC_OK;
}

static fpc_status compare(scanner *s, struct reading *r)
{
    const fpc_scan *scan = s->out;
    fpc_status status = index_keys(s, r);
    int32_t keys = scan->include.value != NULL;

    if (!status && scan->include.value)
        status = agree_on(s, r, "", &scan->include);
    for (int32_t i = 0; i < scan->recipe.n && !status; i++) {
        const fpc_section *section = &scan->recipe.section[i];

        for (int32_t e = 0; e < section->n && !status; e++)
            status = agree_on(s, r, section->name, &section->entry[e]);
        keys += section->n;
    }
    if (!status && keys != r->keys)
        status = other_counts(s, r->ini);
    if (!status && iniparser_getnsec(r->ini) != scan->recipe.n)
        status = fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: %d sections were found, but iniparser finds %d", s->name,
                                 scan->recipe.n, iniparser_getnsec(r->ini));
    return status;
}

static fpc_status cross_check(scanner *s, const char *text, size_t bytes)
{
    struct reading r = {.ini = load(text, bytes)};
    fpc_status status;

    if (!r.ini)
        return fpc_fail_recipe(s->ctx, FPC_EFORMAT, "%s: iniparser cannot read this recipe", s->name);
    status = compare(s, &r);
    iniparser_freedict(r.ini);
    return status;
}

fpc_status fpc_recipe_scan(fpc_ctx *ctx, fpc_arena *arena, const char *name, const char *text, size_t bytes,
                           fpc_scan *out)
{
    scanner s = {.ctx = ctx, .arena = arena, .name = name, .out = out};
    char line[FPC_RECIPE_LINE + 2];
    size_t next;

    *out = (fpc_scan){.recipe.path = name};
    if (bytes > FPC_RECIPE_BYTES)
        return fpc_fail_recipe(ctx, FPC_EFORMAT, "%s is larger than %d bytes, which no recipe is", name,
                               FPC_RECIPE_BYTES);
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return fpc_fail_recipe(ctx, FPC_EFORMAT,
                               "%s:1: this file begins with a byte order mark; save it as plain UTF-8", name);
    for (size_t at = 0; at < bytes; at = next + 1) {
        const char *end = memchr(text + at, '\n', bytes - at);
        const size_t length = end ? (size_t)(end - text) - at : bytes - at;
        const size_t kept = length < sizeof line - 1 ? length : sizeof line - 1;
        fpc_status status;

        next = at + length;
        memcpy(line, text + at, kept);
        line[kept] = 0;
        s.line++;
        status = scan_line(&s, line, length);
        if (status)
            return status;
    }
    return cross_check(&s, text, bytes);
}
