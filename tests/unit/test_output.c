/* test_output.c: under which names a verb may write a file: what is free, what may go, and what stays whatever was
 * said. */
#define _GNU_SOURCE
#include "fixture.h"
#include "cmd/line/output.h"
#include <fcntl.h>
#include <sys/stat.h>

static const char *at(bench *b, const char *name)
{
    return fpc_sprintf(b->arena, "%s/%s", test_folder(), name);
}

static void is(bench *b, const char *name, fpc_output_state as_it_is, fpc_output_state where_it_may_go)
{
    const fpc_output_state state[] = {as_it_is, where_it_may_go};

    for (int may = 0; may < 2; may++) {
        const int allowed = state[may] == FPC_OUTPUT_FREE || state[may] == FPC_OUTPUT_REPLACED;
        assert_int_equal(fpc_output_look(at(b, name), may), state[may]);
        assert_int_equal(fpc_output_check(b->ctx, at(b, name), "fpcore verb", "name to --out", may),
                         allowed ? FPC_OK : FPC_EINVAL);
        if (!allowed)
            said(b,
                 state[may] == FPC_OUTPUT_FOLDER ? ": is a folder; give another name to --out"
                 : state[may] == FPC_OUTPUT_SPECIAL
                     ? ": is no plain file and stays as it is; give another name to --out"
                     : ": is there already, and fpcore verb did not write it; give another name to --out, or --force");
    }
}

static void what_may_be_written(void **state)
{
    bench *b = *state;

    assert_int_equal(mkdir(at(b, "folder"), 0777), 0);
    assert_int_equal(mkfifo(at(b, "fifo"), 0666), 0);
    assert_int_equal(close(open(at(b, "file"), O_CREAT | O_WRONLY, 0666)), 0);
    assert_int_equal(symlink("file", at(b, "link")), 0);
    assert_int_equal(symlink("nowhere", at(b, "lost")), 0);
    assert_int_equal(symlink("/dev/null", at(b, "device")), 0);
    is(b, "free", FPC_OUTPUT_FREE, FPC_OUTPUT_FREE);
    is(b, "nowhere/free", FPC_OUTPUT_FREE, FPC_OUTPUT_FREE); /* writing it tells why not */
    is(b, "file", FPC_OUTPUT_TAKEN, FPC_OUTPUT_REPLACED);
    is(b, "link", FPC_OUTPUT_TAKEN, FPC_OUTPUT_REPLACED);
    is(b, "lost", FPC_OUTPUT_TAKEN, FPC_OUTPUT_REPLACED);
    is(b, "folder", FPC_OUTPUT_FOLDER, FPC_OUTPUT_FOLDER);
    is(b, "fifo", FPC_OUTPUT_SPECIAL, FPC_OUTPUT_SPECIAL);
    is(b, "device", FPC_OUTPUT_SPECIAL, FPC_OUTPUT_SPECIAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(what_may_be_written)};
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
