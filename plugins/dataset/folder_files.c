/* folder_files.c: see folder_files.h. Names come from readdir, so no list and no option leads out of the root. */
#define _POSIX_C_SOURCE 200809L
#include "folder_files.h"
#include <fpcore/image.h>
#include <fpcore/ini.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { LIST_BYTES = 64 << 20, LIST_LINE = 1022 };

static int by_stem(const void *a, const void *b)
{
    return strcmp(((const folder_file *)a)->stem, ((const folder_file *)b)->stem);
}

/* Length of the stem, 0: not the name of a picture. */
static size_t stem_length(const char *name, int masks)
{
    const char *dot = strrchr(name, '.');
    return fpc_image_named(name) && (!masks || strcasecmp(dot, ".png") == 0) ? (size_t)(dot - name) : 0;
}

/* Whether the first n bytes of name end so. */
static int ends(const char *name, size_t n, const char *suffix)
{
    const size_t length = strlen(suffix);
    return n > length && !memcmp(name + n - length, suffix, length);
}

/* Length of what picture and mask share, 0: the file is not meant. */
static size_t shared_length(const folder_search *s, const char *name)
{
    const size_t n = stem_length(name, s->masks);
    return !n || !ends(name, n, s->suffix) || (*s->without && ends(name, n, s->without)) ? 0 : n - strlen(s->suffix);
}

/* The same of a file that is a part. One that no class is called after is a mistake, as is every file that the folder
 * is not meant to hold; one whose class the order leaves out is not. */
static fpc_status part_length(fpc_self *self, const fpc_dataset_audit *audit, const folder_search *s, const char *path,
                              const char *name, size_t *out)
{
    const char *list = "";
    const int32_t label = fpc_folder_part(s->order, name, *out, out);
    if (label >= 0 && s->order->rank[label] < 0)
        *out = 0;
    if (label >= 0)
        return FPC_OK;
    *out = 0;
    for (int32_t i = 0; i < s->order->classes && list; i++)
        list = fpc_sprintf(self->arena, "%s%s%s", list, i ? ", " : "", s->order->names[i]);
    const fpc_status status = fpc_fail(self->ctx, FPC_EFORMAT,
                                       "%s/%s: no class is called so; with %s.parts each file is NAME_CLASS.png, and "
                                       "the classes are %s",
                                       path, name, self->label, list ? list : "others");
    if (!audit)
        return status;
    audit->flaw(audit->arg, "part of no class", 0, name, NULL);
    return FPC_OK;
}

static int leaves_root(const char *sub)
{
    if (sub[0] == '/')
        return 1;
    for (const char *p = sub; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (strncmp(p, "..", 2) == 0 && (p[2] == 0 || p[2] == '/'))
            return 1;
    }
    return 0;
}

static fpc_status add_file(fpc_self *self, folder_files *out, int64_t *room, const char *name, size_t stem)
{
    if (out->n == *room) {
        const int64_t more = *room ? *room * 2 : 256;
        folder_file *larger = fpc_alloc(self->arena, (size_t)more * sizeof *larger);
        if (!larger)
            return FPC_ENOMEM;
        if (out->n)
            memcpy(larger, out->file, (size_t)out->n * sizeof *larger);
        out->file = larger;
        *room = more;
    }
    folder_file *f = &out->file[out->n];
    f->name = fpc_strdup(self->arena, name);
    f->stem = fpc_sprintf(self->arena, "%.*s", (int)stem, name);
    if (!f->name || !f->stem)
        return FPC_ENOMEM;
    out->n++;
    return FPC_OK;
}

/* Each stem once: the picture of a mask, and the mask of a picture, have to be one file. */
static fpc_status check_stems(fpc_self *self, const fpc_dataset_audit *audit, folder_files *out)
{
    int64_t kept = 1;
    for (int64_t i = 1; i < out->n; i++) {
        const folder_file *last = &out->file[kept - 1], *file = &out->file[i];
        if (strcmp(last->stem, file->stem) != 0) {
            out->file[kept++] = *file;
            continue;
        }
        const fpc_status status =
            fpc_fail(self->ctx, FPC_EFORMAT, "%s: %s and %s have one stem; each picture needs its own", out->path,
                     last->name, file->name);
        if (!audit)
            return status;
        audit->flaw(audit->arg, "two files of one stem", 0, file->name, NULL);
    }
    out->n = kept;
    return FPC_OK;
}

static const folder_file *find(int64_t n, const folder_file *list, const char *stem)
{
    const folder_file key = {stem, ""};
    return n ? bsearch(&key, list, (size_t)n, sizeof key, by_stem) : NULL;
}

/* After the names are sorted. Sets of ASCII names, which are nearly all, need no second list. */
static fpc_status list_looks(fpc_self *self, folder_files *files)
{
    char look[FPC_FOLDER_LOOK];
    for (int64_t i = 0; i < files->n; i++) {
        if (!fpc_folder_look(files->file[i].stem, look))
            continue;
        if (!files->looks && !(files->looks = fpc_alloc(self->arena, (size_t)(files->n - i) * sizeof *files->looks)))
            return FPC_ENOMEM;
        folder_file *to = &files->looks[files->n_looks++];
        *to = (folder_file){fpc_strdup(self->arena, look), files->file[i].stem};
        if (!to->stem)
            return FPC_ENOMEM;
    }
    if (files->n_looks)
        qsort(files->looks, (size_t)files->n_looks, sizeof *files->looks, by_stem);
    return FPC_OK;
}

/* Most people see this first, so it says all that is wanted. */
static fpc_status no_folder(const fpc_self *self, const folder_search *s, const char *path)
{
    const int why = errno, rooted = !access(s->root, F_OK);
    const char *looked = rooted ? ""
                                : fpc_sprintf(self->arena, "; %s.root was looked for in %s", self->label,
                                              fpc_looked(self, "root", NULL));
    return fpc_fail(
        self->ctx, why == ENOENT ? FPC_ENOENT : FPC_EIO,
        "%s (%s.root and %s.%s): %s%s. Wanted are %s in ROOT/%s; a picture and its mask have equal names (7.jpg "
        "and 7.png). -s %s.root=FOLDER says where ROOT is, -s %s.%s=FOLDER which folder in it. "
        "docs/your-data.md tells how to lay out pictures, and where those of CelebAMask-HQ come from",
        path, self->label, self->label, s->what, strerror(why), looked ? looked : "",
        s->masks ? "masks (NAME.png)" : "pictures (NAME.jpg, NAME.png)", s->sub, self->label, self->label, s->what);
}

static fpc_status none_found(const fpc_self *self, const folder_search *s, const char *path)
{
    const char *named = s->order     ? " named NAME_CLASS"
                        : *s->suffix ? fpc_sprintf(self->arena, " named NAME%s", s->suffix)
                                     : "";
    return fpc_fail(self->ctx, FPC_ENOENT, "%s: no %s%s in it (%s.root and %s.%s say where they are)", path,
                    s->masks ? ".png masks" : "pictures (.jpg, .jpeg, .png)", named ? named : "", self->label,
                    self->label, s->what);
}

/* The files of a folder; of parts those in its folders too, whose name is `in`. */
static fpc_status scan_folder(fpc_self *self, const fpc_dataset_audit *audit, const folder_search *s, const char *in,
                              folder_files *out, int64_t *room)
{
    const char *path = *in ? fpc_sprintf(self->arena, "%s/%s", out->path, in) : out->path;
    DIR *dir = path ? opendir(path) : NULL;
    struct dirent *entry;
    fpc_status status = FPC_OK;
    if (!path)
        return FPC_ENOMEM;
    if (!dir && *in) /* a file, or a link to what is gone */
        return errno == ENOTDIR || errno == ENOENT ? FPC_OK
                                                   : fpc_fail(self->ctx, FPC_EIO, "%s: %s", path, strerror(errno));
    if (!dir)
        return no_folder(self, s, path);
    while (status == FPC_OK && (errno = 0, entry = readdir(dir))) {
        size_t stem = shared_length(s, entry->d_name);
        if (stem && s->order && (status = part_length(self, audit, s, path, entry->d_name, &stem)))
            break;
        if (stem && *in) {
            const char *name = fpc_sprintf(self->arena, "%s/%s", in, entry->d_name);
            status = name ? add_file(self, out, room, name, stem + strlen(in) + 1) : FPC_ENOMEM;
        } else if (stem) {
            status = add_file(self, out, room, entry->d_name, stem);
        } else if (s->order && !*in && entry->d_name[0] != '.' && !fpc_image_named(entry->d_name)) {
            status = scan_folder(self, audit, s, entry->d_name, out, room);
        }
    }
    if (status == FPC_OK && errno)
        status = fpc_fail(self->ctx, FPC_EIO, "%s: %s", path, strerror(errno));
    closedir(dir);
    return status;
}

fpc_status fpc_folder_scan(fpc_self *self, const fpc_dataset_audit *audit, const folder_search *s, folder_files *out)
{
    *out = (folder_files){.suffix = s->suffix};
    if (leaves_root(s->sub))
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.%s = %s: a folder inside of %s.root; no `..` and no leading `/`",
                        self->label, s->what, s->sub, self->label);
    out->path = fpc_sprintf(self->arena, "%s/%s", s->root, s->sub);
    int64_t room = 0;
    if (!out->path)
        return FPC_ENOMEM;
    fpc_status status = scan_folder(self, audit, s, "", out, &room);
    if (status == FPC_OK && !out->n)
        status = none_found(self, s, out->path);
    if (status != FPC_OK)
        return status;
    if (s->order) {
        status = fpc_folder_group(self, audit, s->order, out);
    } else {
        qsort(out->file, (size_t)out->n, sizeof *out->file, by_stem);
        status = check_stems(self, audit, out);
    }
    return status ? status : list_looks(self, out);
}

int64_t fpc_folder_find(const folder_files *files, const char *stem)
{
    char look[FPC_FOLDER_LOOK];
    stem = files->piece ? fpc_folder_key(stem) : stem;
    const folder_file *hit = find(files->n, files->file, stem), *other;
    if (!hit && files->n_looks && fpc_folder_look(stem, look) && (other = find(files->n_looks, files->looks, look)))
        hit = find(files->n, files->file, other->name);
    return hit ? hit - files->file : -1;
}

const char *fpc_folder_near(const fpc_self *self, const folder_files *files, const char *name)
{
    const size_t stem = stem_length(name, 0) ? stem_length(name, 0) : strlen(name);
    for (int64_t i = 0; i < files->n; i++)
        if (strlen(files->file[i].stem) == stem && !strncasecmp(files->file[i].stem, name, stem)) {
            const char *near = fpc_sprintf(self->arena, "; %s is there", files->file[i].name);
            return near ? near : "";
        }
    return "";
}

/* A stem, or one with the suffix of the pictures' files. */
static int64_t find_stem(const folder_files *files, char *name)
{
    const int64_t as_stem = fpc_folder_find(files, name);
    const size_t n = strlen(name);
    if (as_stem >= 0 || !*files->suffix || !ends(name, n, files->suffix))
        return as_stem;
    name[n - strlen(files->suffix)] = 0;
    const int64_t i = fpc_folder_find(files, name);
    name[n - strlen(files->suffix)] = *files->suffix;
    return i;
}

/* The file that a line of a list means: a stem, or a name with its ending; -1: none. */
static int64_t find_name(const folder_files *files, char *name)
{
    const int64_t as_stem = find_stem(files, name);
    const size_t stem = stem_length(name, 0);
    if (as_stem >= 0 || !stem)
        return as_stem;
    name[stem] = 0;
    const int64_t i = find_stem(files, name);
    name[stem] = '.';
    return i >= 0 && strcasecmp(strrchr(files->file[i].name, '.'), name + stem) == 0 ? i : -1;
}

static fpc_status take_line(fpc_self *self, const char *list, int64_t line, char *name, const folder_files *files,
                            uint8_t *taken, uint8_t mark, int64_t *n, int64_t *index)
{
    if (strchr(name, '/') || strcmp(name, "..") == 0)
        return fpc_fail(self->ctx, FPC_EFORMAT, "%s:%lld: `%s`: a list holds names of pictures in %s, without folders",
                        list, (long long)line, name, files->path);
    const int64_t i = find_name(files, name);
    if (i < 0)
        return fpc_fail(self->ctx, FPC_ENOENT, "%s:%lld: `%s`: no picture of that name in %s%s", list, (long long)line,
                        name, files->path, fpc_folder_near(self, files, name));
    if (taken[i])
        return fpc_fail(self->ctx, FPC_EFORMAT, "%s:%lld: `%s` is %s", list, (long long)line, name,
                        taken[i] == mark ? "in the list twice" : "in the training list and in the validation list");
    taken[i] = mark;
    index[(*n)++] = i;
    return FPC_OK;
}

fpc_status fpc_folder_no_file(const fpc_self *self, const char *root, const char *key, const char *path,
                              const char *wanted)
{
    const int why = errno;
    return fpc_fail(self->ctx, why == ENOENT ? FPC_ENOENT : FPC_EIO,
                    "%s (%s.%s): %s; looked for in %s. Wanted is %s; -s %s.%s=FILE says where it is", path, self->label,
                    key, strerror(why), fpc_looked(self, key, root), wanted, self->label, key);
}

fpc_status fpc_folder_text(const fpc_self *self, const char *root, const char *key, const char *path,
                           const char *wanted, folder_text *out)
{
    size_t bytes;
    *out = (folder_text){.path = path};
    if (access(path, R_OK))
        return fpc_folder_no_file(self, root, key, path, wanted);
    return fpc_text_read(self->ctx, self->arena, path, LIST_BYTES, &out->next, &bytes);
}

fpc_status fpc_folder_line(const fpc_self *self, folder_text *text, char **out)
{
    for (*out = NULL; *text->next;) {
        char *name = text->next + strspn(text->next, " \t");
        size_t length = strcspn(name, "\n");
        text->next = name + length + (name[length] == '\n');
        text->line++;
        if (length > LIST_LINE)
            return fpc_fail(self->ctx, FPC_EFORMAT, "%s:%lld: the line is too long for a name", text->path,
                            (long long)text->line);
        while (length && (name[length - 1] == ' ' || name[length - 1] == '\t'))
            length--;
        name[length] = 0;
        if (length && *name != '#') {
            *out = name;
            break;
        }
    }
    return FPC_OK;
}

fpc_status fpc_folder_list(fpc_self *self, const fpc_dataset_audit *audit, const char *root, const char *key,
                           const char *list, const folder_files *files, uint8_t *taken, uint8_t mark, int64_t *n,
                           int64_t **index)
{
    folder_text text;
    char *name;
    fpc_status status =
        fpc_folder_text(self, root, key, list, "a text file with the name of a picture in each line", &text);
    *n = 0;
    if (status)
        return status;
    *index = fpc_alloc(self->arena, (size_t)(files->n + 1) * sizeof **index);
    if (!*index)
        return FPC_ENOMEM;
    while (!(status = fpc_folder_line(self, &text, &name)) && name) {
        status = take_line(self, list, text.line, name, files, taken, mark, n, *index);
        if (status && audit)
            audit->flaw(audit->arg, "line of a list", 0, name, NULL);
        else if (status)
            return status;
    }
    return status || *n ? status : fpc_fail(self->ctx, FPC_EFORMAT, "%s: there is no name in it", list);
}
