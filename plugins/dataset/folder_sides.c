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

static fpc_status take_line(const folder *f, int64_t line, char *name, uint8_t *exchange, uint8_t *test)
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
    const folder_files *files = in_test ? &f->test_image : &f->image;
    const int64_t at = fpc_folder_find(files, name);
    if (at < 0)
        return fpc_fail(f->self.ctx, FPC_ENOENT, "%s:%lld: `%s`: no picture of that name in %s", f->sides,
                        (long long)line, name, files->path);
    uint8_t *mark = &(in_test ? test : exchange)[at];
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
    uint8_t *exchange = fpc_alloc(f->self.arena, (size_t)f->image.n + 1);
    uint8_t *test = fpc_alloc(f->self.arena, (size_t)f->test_image.n + 1);
    if (!exchange || !test)
        return FPC_ENOMEM;
    folder_text text;
    char *line;
    fpc_status status =
        fpc_folder_text(&f->self, f->root, "sides", f->sides, "a list as `fpcore data --fix-sides` writes it", &text);
    if (status)
        return status;
    while (!(status = fpc_folder_line(&f->self, &text, &line)) && line)
        if ((status = take_line(f, text.line, line, exchange, test)))
            break;
    f->part[FPC_TRAIN].exchange = f->part[FPC_VAL].exchange = exchange;
    f->part[FPC_TEST].exchange = test;
    return status;
}
