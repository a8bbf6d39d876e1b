/* folder_sides.c: the list of the option `sides`, as `fpcore data --fix-sides` writes it: masks in which left and right
 * are exchanged, one `NAME exchange` (a picture of training or validation) or `NAME exchange_test` a line. */
#include <string.h>
#include "folder.h"

/* A line without its end; cuts off the last word, which says what to do. NULL: there is one word only. */
static char *last_word(char *line)
{
    size_t end = strlen(line);
    while (end && !strchr(" \t", line[end - 1]))
        end--;
    char *word = line + end;
    while (end && strchr(" \t", line[end - 1]))
        end--;
    if (!end)
        return NULL;
    line[end] = 0;
    return word;
}

/* mark_of: by part; without folders of the validation's own, its pictures are marked among those of training. */
static fpc_status take_line(const folder *f, int64_t line, char *name, uint8_t *const mark_of[])
{
    const char *action = last_word(name);
    const int in_test = action && strcmp(action, "exchange_test") == 0;
    if (!action || (!in_test && strcmp(action, "exchange") != 0))
        return fpc_fail(f->self.ctx, FPC_EFORMAT,
                        "%s:%lld: a line is `NAME exchange` or `NAME exchange_test`; `%s` says neither", f->sides,
                        (long long)line, action ? action : name);
    if (in_test && !f->part[FPC_TEST].masks)
        return fpc_fail(f->self.ctx, FPC_EFORMAT, "%s:%lld: `%s`: the test part has no masks (%s.test_masks)", f->sides,
                        (long long)line, name, f->self.label);
    if (!in_test && f->test_alone) /* a list for the whole set, of which this is a part */
        return FPC_OK;
    const int64_t in_train = fpc_folder_find(&f->image, name), in_val = fpc_folder_find(&f->val_image, name);
    const int of_val = !in_test && in_train < 0 && in_val >= 0;
    const folder_files *files = in_test ? &f->test_image : of_val ? &f->val_image : &f->image;
    const int64_t at = in_test ? fpc_folder_find(files, name) : of_val ? in_val : in_train;
    if (!in_test && in_train >= 0 && in_val >= 0)
        return fpc_fail(f->self.ctx, FPC_EFORMAT,
                        "%s:%lld: `%s`: a picture of that name is in %s and in %s; which is meant cannot be told",
                        f->sides, (long long)line, name, f->image.path, f->val_image.path);
    if (at < 0)
        return fpc_fail(f->self.ctx, FPC_ENOENT, "%s:%lld: `%s`: no picture of that name in %s", f->sides,
                        (long long)line, name, files->path);
    uint8_t *mark = &mark_of[in_test ? FPC_TEST : of_val ? FPC_VAL : FPC_TRAIN][at];
    if (*mark)
        return fpc_fail(f->self.ctx, FPC_EFORMAT, "%s:%lld: `%s` is in the list twice", f->sides, (long long)line,
                        name);
    *mark = 1;
    return FPC_OK;
}

fpc_status fpc_folder_sides(folder *f)
{
    if (!*f->sides)
        return FPC_OK;
    uint8_t *mark_of[] = {[FPC_TRAIN] = fpc_alloc(f->self.arena, (size_t)f->image.n + 1),
                          [FPC_VAL] = fpc_alloc(f->self.arena, (size_t)f->val_image.n + 1),
                          [FPC_TEST] = fpc_alloc(f->self.arena, (size_t)f->test_image.n + 1)};
    if (!mark_of[FPC_TRAIN] || !mark_of[FPC_VAL] || !mark_of[FPC_TEST])
        return FPC_ENOMEM;
    folder_text text;
    char *line;
    fpc_status status =
        fpc_folder_text(&f->self, f->root, "sides", f->sides, "a list as `fpcore data --fix-sides` writes it", &text);
    if (status)
        return status;
    while (!(status = fpc_folder_line(&f->self, &text, &line)) && line)
        if ((status = take_line(f, text.line, line, mark_of)))
            break;
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        f->part[part].exchange = mark_of[part == FPC_VAL && !f->val_image.n ? FPC_TRAIN : part];
    return status;
}
