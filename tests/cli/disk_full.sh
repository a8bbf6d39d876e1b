#!/bin/sh
# A disk that is full (here: files may not grow past a limit): a sentence, exit code 1, and the last good checkpoint stays.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# limited BLOCKS COMMAND...: with files of at most that many blocks of 512 bytes
limited() { (
    ulimit -f "$1" || exit 99
    shift
    exec "$@"
); }

expect "no room for the first checkpoint" 1 limited 200 "$FPCORE" -c tiny.ini -s run.out=a
says "is a sentence" 'last\.safetensors: cannot be written: File too large'
holds "and leaves nothing behind" test -z "$(ls -A a)"

expect "an epoch with room" 0 "$FPCORE" -c tiny.ini -s run.out=b -s run.epochs=1
run=$(run_in b)
cp "$run/last.safetensors" before
expect "then the disk is full" 1 limited 400 "$FPCORE" --resume "$run" -s run.epochs=4
says "which is said with the file's name" 'last\.safetensors: cannot be written: File too large; the former file stays as it was'
holds "the last good checkpoint stays" cmp before "$run/last.safetensors"
holds "no temporary file stays" sh -c '! ls -A "$1" | grep tmp' sh "$run"
expect "with room it goes on" 0 "$FPCORE" --resume "$run" -s run.epochs=4

if [ "$(id -u)" != 0 ]; then
    mkdir closed && chmod 500 closed
    expect "a folder that cannot be written" 1 "$FPCORE" -c tiny.ini -s run.out=closed
    says "is a sentence" 'run\.out = closed: .*Permission denied'
else
    echo "ok a folder that cannot be written # SKIP root writes everywhere"
fi
exit $bad
