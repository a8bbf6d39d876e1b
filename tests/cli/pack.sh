#!/bin/sh
# fpcore pack and libfpseg: of every model the labels of `fpcore predict`, byte for byte, by a program that links libfpseg
# alone; memory, threads, hostile files; the library's size and what it shows and needs; the packed file for all verbs.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
# shellcheck source=lib_networks.sh
. "$FPCORE_SRC/tests/cli/lib_networks.sh"
golden=$FPCORE_SRC/tests/golden
lib=$FPCORE_BUILD/.libs
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# shellcheck disable=SC2086
compiles() { ${CC:-cc} -std=c11 -Wall -Wextra -Werror -O1 -g $san "$@"; }
expect "a program of libfpseg compiles" 0 compiles "$FPCORE_SRC/tests/seg/try.c" -I"$FPCORE_SRC/include" -L"$lib" -lfpseg -lpthread -o try
expect "another one" 0 compiles "$FPCORE_SRC/tests/seg/programs.c" -I"$FPCORE_SRC/include" -L"$lib" -lfpseg -lpthread -o programs
expect "its other half too" 0 compiles "$FPCORE_SRC/tests/seg/raw.c" -I"$FPCORE_SRC/include" -L"$lib" -lfpcore -o raw
expect "pictures are drawn" 0 compiles draw.c -I"$FPCORE_SRC/include" -L"$lib" -lfpcore -o draw
mkdir ds
expect "two of them" 0 ./draw masks ds 2
holds "one as a program has it" ./raw picture ds/images/pic_00.png face.ppm # 48 x 40

# same WHAT FILE.fps PREDICT...: the labels of both, by one and by three threads
same() {
    what=$1 fps=$2
    shift 2
    rm -rf masks
    "$FPCORE" predict "$@" -o masks ds/images/pic_00.png >out 2>&1 || { not_ok "$what: fpcore predict" out; return; }
    for threads in 1 3; do
        { ./raw mask masks/pic_00.png want && ./try labels "$fps" face.ppm got $threads; } >out 2>&1 ||
            { not_ok "$what: libfpseg" out; return; }
        cmp want got >out 2>&1 || { not_ok "$what: the labels of fpcore predict, $threads threads" out; return; }
    done
    ok "$what: the labels of fpcore predict"
}
# pack NAME HxW SETTINGS...
pack() {
    name=$1 size=$2
    shift 2
    for setting; do
        set -- "$@" -s "$setting"
        shift
    done
    "$FPCORE" pack -c "$golden/golden.ini" -w "$golden/$name.weights.safetensors" "$@" --size "$size" -o "$name.fps" >out 2>&1 ||
        { not_ok "$name at $size is packed" out; return; }
    same "$name at $size" "$name.fps" -c "$golden/golden.ini" -w "$golden/$name.weights.safetensors" "$@" --size "$size" \
        -s backend.use=cpu
}
while read -r name sizes settings; do
    # shellcheck disable=SC2086
    pack "$name" "${sizes%%,*}" $settings
done <models
# shellcheck disable=SC2086
pack tiny 40x48 $tiny # the picture's own size, whose labels come from another graph
# shellcheck disable=SC2086
pack tiny 40x48 $tiny run.precision=bf16
# shellcheck disable=SC2086
pack tiny 48x40 $tiny model.mean=0.485,0.456,0.406 model.std=0.229,0.224,0.225
# shellcheck disable=SC2086,SC2046
pack segformer_b0 32x48 $(sed -n 's/^segformer_b0 [^ ]* //p' models) run.precision=bf16 run.rewrite=off

# ---- a training of one's own, and the file as weights ----
cat >>tiny.ini <<'INI'
use = cpu
threads = 2
INI
sed -i '/^use = ref$/d' tiny.ini
printf '[classes]\n0 = ground\n1 = disc\n2 = left\n3 = right\n[mirror]\nsides = 2, 3\n' >four.ini
sed -e '/^use = synthetic/,/^batch/c use = folder\nroot = ds\nimages = images\nmasks = masks\nsize = 32\nfit = pad\nclasses = four.ini\nval_split = 0.5\nbatch = 1' \
    tiny.ini >padded.ini
expect "a run whose pictures keep their ratio" 0 "$FPCORE" -c padded.ini -s run.epochs=2 -s run.out=padded
expect "is packed" 0 "$FPCORE" pack -w padded/* -o padded.fps
same "padded" padded.fps -w padded/*
expect "a run" 0 "$FPCORE" -c tiny.ini -s run.epochs=2 -s run.out=runs
run=$(run_in runs)
expect "is packed" 0 "$FPCORE" pack -w "$run" -o face.fps
says "and said" '^face\.fps: microsegformer, [0-9]+ parameters, [0-9]+ classes, pictures of 32x32, [0-9.]+ MB$'
same "the run" face.fps -w "$run"
same "the file as weights" face.fps -w face.fps
expect "what the model is" 0 ./try about face.fps
says "its name, size and classes" '^[0-9.]+ microsegformer 32x32 [0-9]+ classes [0-9]+ parameters$'
says "with names and colours" '^[0-9]+ [a-z_]+ [0-9]+,[0-9]+,[0-9]+$'
cp face.fps before.fps
expect "packed again" 0 "$FPCORE" pack -w "$run" -o face.fps
holds "the same bytes" cmp face.fps before.fps
expect "of the packed file" 0 "$FPCORE" pack -w face.fps -o again.fps
holds "the same bytes too" cmp face.fps again.fps
expect "another backend in the recipe" 0 "$FPCORE" pack -w "$run" -s backend.use=ref -o other.fps
holds "is not asked" cmp face.fps other.fps

# ---- what a program may count on ----
expect "memory" 0 ./try memory face.fps face.ppm
says "a session that has begun takes none" '^(allocations 0 0 0|uncounted .*)$'
expect "two sessions at once" 0 ./try together face.fps face.ppm
name=$(printf 'a\nfile \303\244\377.fps') # neither printable nor UTF-8
cp face.fps "$name"
expect "a file of any name" 0 ./try about "$name"
holds "is named as it can be printed" sh -c '! ./try about "$1" >out 2>&1' sh "$name.none"
says "without what a terminal would obey" 'a\?file .*\?\.fps\.none cannot be read'
expect "arguments that make no sense" 0 ./try refusals face.fps
says "have a sentence" 'a picture of 0 x 1; up to 16384 on a side'
expect "programs that make no sense" 0 ./programs "$FPCORE_SRC/tests/fuzz/packed.json"
expect "a file that was cut or changed" 0 ./try hostile face.fps face.ppm 400
holds "weights without a program" sh -c '! ./try about "$1"/best.safetensors >out 2>&1' sh "$run"
says "are told" 'weights without a program; .fpcore pack. writes a file with one'
sed 's/{\\"format\\":1,/{\\"format\\":9,/' face.fps >later.fps
holds "a later format" sh -c '! ./try about later.fps >out 2>&1'
says "is told" 'later\.fps: packed in format 9; this libfpseg reads 1'

# ---- the page's program, as it stands there ----
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$FPCORE_SRC/docs/libfpseg.md" >segment.c
expect "the page's program compiles" 0 compiles -D_POSIX_C_SOURCE=200809L segment.c -I"$FPCORE_SRC/include" -L"$lib" -lfpseg -o segment
expect "it runs" 0 ./segment face.fps face.ppm labels.pgm
says "and says what it saw" '^microsegformer: the pixel in the middle is [a-z_]+$'
"$FPCORE" predict -w "$run" -o masks ds/images/pic_00.png >out 2>&1
tail -c $((48 * 40)) labels.pgm >got
holds "its labels are those of fpcore predict" sh -c './raw mask masks/pic_00.png want && cmp want got'
expect "without a picture" 1 ./segment face.fps
says "it says how it is called" '^usage: segment'

# ---- refusals of the verb ----
echo mine >mine.fps
expect "a file of somebody else" 2 "$FPCORE" pack -w "$run" -o mine.fps
says "is not replaced" 'mine\.fps: is there already, and fpcore pack did not write it'
expect "but with --force" 0 "$FPCORE" pack -w "$run" -o mine.fps --force
expect "no file" 2 "$FPCORE" pack -w "$run"
says "is asked for" '\-\-out|-o'

# ---- the library ----
if command -v readelf >/dev/null && command -v nm >/dev/null; then
    nm -D --defined-only "$lib/libfpseg.so" | awk '$2 == "T" || $2 == "D" || $2 == "B" { sub(/@.*/, "", $3); print $3 }' | sort >shown
    sed -n 's/^FPS_API .*[ *]\(fps_[a-z_]*\)(.*/\1/p' "$FPCORE_SRC/include/fpseg.h" | sort >stated
    holds "it shows what fpseg.h states and nothing else" diff stated shown
    readelf -d "$lib/libfpseg.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | grep -vE '^(lib(m|c|pthread|asan|ubsan|tsan|gcc_s)\.so|ld-linux)' >out
    if [ -s out ]; then not_ok "it needs libc and libm alone" out; else ok "it needs libc and libm alone"; fi
    if [ -z "$san" ] && command -v strip >/dev/null; then
        strip -o small.so "$lib/libfpseg.so"
        holds "it has less than a megabyte" test "$(wc -c <small.so)" -lt 1000000
    fi
fi
cat >h.cpp <<'END'
#include <fpseg.h>
int main() { return fps_version()[0] == 0; }
END
expect "the header is C++ too" 0 ${CXX:-c++} -Wall -Wextra -Werror -I"$FPCORE_SRC/include" -c h.cpp -o h.o
exit $bad
