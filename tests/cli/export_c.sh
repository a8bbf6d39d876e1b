#!/bin/sh
# fpcore export --c: of every model the scores of the backend ref in double and the labels of `fpcore predict`, out of a
# file that compiles without a warning and needs libm alone; pictures of any size; hostile names; threads; refusals.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
# shellcheck source=lib_networks.sh
. "$FPCORE_SRC/tests/cli/lib_networks.sh"
golden=$FPCORE_SRC/tests/golden
lib=$FPCORE_BUILD/.libs
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
strict="-std=c99 -Wall -Wextra -Wpedantic -Werror"
watch="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
exact="-s backend.use=ref -s backend.real=double"

# shellcheck disable=SC2086
compiles() { ${CC:-cc} -std=c11 -Wall -Wextra -Werror -O1 -g $san "$@"; }
expect "pictures are drawn" 0 compiles draw.c -I"$FPCORE_SRC/include" -L"$lib" -lfpcore -o draw
expect "and read" 0 compiles "$FPCORE_SRC/tests/seg/raw.c" -I"$FPCORE_SRC/include" -L"$lib" -lfpcore -o raw
echo 'int main(void) { return 0; }' >empty.c
# shellcheck disable=SC2086
${CC:-cc} $watch empty.c -o empty 2>/dev/null && ./empty 2>/dev/null || watch="-O1 -g"

# built FOLDER [FLAG...]: net.c there, warnings are errors, and a program that calls it
# shellcheck disable=SC2086
built() {
    at=$1
    shift
    ${CC:-cc} $strict $watch -c "$at/net.c" -o "$at/net.o" &&
        ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$@" -I"$at" -c "$FPCORE_SRC/tests/exported/try.c" -o "$at/try.o" &&
        ${CC:-cc} $watch "$at/try.o" "$at/net.o" -lm -lpthread -o "$at/try"
}
# drawn FOLDER HxW: a picture of that size there, as PNG and PPM
drawn() {
    mkdir -p "$1/ds" && ./draw masks "$1/ds" 1 "${2#*x}" "${2%x*}" && ./raw picture "$1/ds/images/pic_00.png" "$1/p.ppm"
}
# agrees FOLDER HxW PREDICT...: scores and labels of the picture there; probe takes the size from the picture
# shellcheck disable=SC2086
agrees() {
    at=$1 size=$2
    shift 2
    (cd "$at" && ./try picture p.ppm in.safetensors && ./try run p.ppm labels scores) &&
        "$FPCORE" probe "$@" $exact -i "$at/in.safetensors" -o "$at/out.safetensors" &&
        "$FPCORE" predict "$@" --size "$size" $exact -o "$at/masks" "$at/ds/images/pic_00.png" && ./raw mask "$at/masks/pic_00.png" "$at/mask" &&
        (cd "$at" && ./try compare scores labels out.safetensors mask)
}
# exported NAME HxW SETTINGS...
exported() {
    name=$1 size=$2 at=$1.$2
    shift 2
    for setting; do
        set -- "$@" -s "$setting"
        shift
    done
    set -- -c "$golden/golden.ini" -w "$golden/$name.weights.safetensors" "$@"
    mkdir -p "$at"
    { "$FPCORE" export "$@" --size "$size" --c "$at/net.c" && built "$at" && drawn "$at" "$size"; } >out 2>&1 ||
        { not_ok "$name at $size is C" out; return; }
    agrees "$at" "$size" "$@" >out 2>&1 || { not_ok "$name at $size: scores and labels" out; return; }
    ok "$name at $size: scores and labels"
}
while read -r name sizes settings; do
    for size in $(echo "$sizes" | tr , ' '); do
        # shellcheck disable=SC2086
        exported "$name" "$size" $settings
    done
done <models
mkdir stated && mv tiny.32x48 stated
# shellcheck disable=SC2086
exported tiny 32x48 $tiny run.rewrite=off
"$FPCORE" -l model | sed -n 's/^  \([a-z0-9_]*\) .*/\1/p' | while read -r model; do
    grep -q "model.use=$model " models || echo "$model"
done >out
[ ! -s out ] && ok "no model is left out" || not_ok "no model is left out" out

# ---- other compilers ----
# shellcheck disable=SC2086
plain() { ${CC:-cc} "$@"; }
# shellcheck disable=SC2086
plainer() { ${CXX:-c++} "$@"; }
others() {
    what=$1
    shift
    for file in tiny.32x48 unet_transposed.48x32 bisenetv2.64x96 convnext_fpn.32x48 micro_enhanced.32x48; do
        "$@" -Wall -Wextra -Wpedantic -Werror -c "$file/net.c" -o other.o >out 2>&1 || { not_ok "$what takes $file" out; return; }
        "$@" -Wall -Wextra -Wpedantic -Werror -DFPCORE_MAIN -fsyntax-only "$file/net.c" >out 2>&1 ||
            { not_ok "$what takes the example of $file" out; return; }
    done
    ok "$what takes it without a warning"
}
others "the compiler with -O3" plain -std=c99 -O3
if command -v clang >/dev/null; then
    others "clang" clang -std=c99 -O2
else
    echo "ok clang takes it # SKIP there is no clang"
fi
others "C++11" plainer -x c++ -std=c++11 -O1
others "C11 with more warnings" plain -std=c11 -Wshadow -Wstrict-prototypes -Wmissing-prototypes

# ---- any size, threads, refusals ----
expect "a run" 0 "$FPCORE" -c tiny.ini -s run.epochs=2 -s run.out=runs
run=$(run_in runs)
printf '[classes]\n0 = ground\n1 = disc\n2 = left\n3 = right\n' >four.ini
mkdir ds && ./draw masks ds 2
sed -e '/^use = synthetic/,/^batch/c use = folder\nroot = ds\nimages = images\nmasks = masks\nsize = 32\nfit = pad\nclasses = four.ini\nval_split = 0.5\nbatch = 1' \
    tiny.ini >padded.ini
mkdir runs.c
expect "is C" 0 "$FPCORE" export -w "$run" --c runs.c/net.c
expect "which compiles" 0 built runs.c
drawn some 250x240 >out 2>&1
# with weights that make patches of many classes of any picture
{ echo '[classes]' && seq 0 18 | sed 's/.*/& = name &/'; } >many.ini
for fit in squeeze pad; do
    awk '/^\[/ { off = $0 == "[dataset]" } !off' "$golden/golden.ini" >$fit.ini
    printf '[dataset]\nuse = folder\nroot = ds\nimages = images\nmasks = masks\nsize = 32x48\nfit = %s\nclasses = many.ini\nbatch = 1\n' $fit >>$fit.ini
    # shellcheck disable=SC2046
    set -- -c $fit.ini -w "$golden/micro_progressive.weights.safetensors" \
        $(for s in $(sed -n 's/^micro_progressive [^ ]* //p' models); do echo "-s $s"; done)
    mkdir $fit.c
    expect "$fit: C" 0 "$FPCORE" export "$@" --c $fit.c/net.c
    expect "$fit: compiles" 0 built $fit.c
    for size in 32x48 40x48 11x90 97x13 250x240; do
        at=$fit.$size
        # shellcheck disable=SC2086
        { drawn $at $size && "$FPCORE" predict "$@" $exact -o $at/masks $at/ds/images/pic_00.png &&
            ./raw mask $at/masks/pic_00.png $at/mask && $fit.c/try any $at/p.ppm $at/labels; } >out 2>&1 ||
            { not_ok "$fit: a picture of $size" out; continue; }
        holds "$fit: the labels of fpcore predict for a picture of $size" $fit.c/try near $at/labels $at/mask
    done
    expect "$fit: sizes that cannot be" 0 $fit.c/try refusals
done
holds "both shapes differ" sh -c '! cmp squeeze.97x13/labels pad.97x13/labels'
expect "two threads at once" 0 runs.c/try together some/p.ppm
if [ -z "$san" ] && ${CC:-cc} -fsanitize=thread empty.c -o empty 2>/dev/null && ./empty 2>/dev/null; then
    threads() { watch="-O1 -g -fsanitize=thread" && built "$1"; }
    cp -r runs.c watched
    holds "compiles for a watch over threads" threads watched
    expect "of which none writes what another one reads" 0 ./watched/try together some/p.ppm
fi
if command -v nm >/dev/null; then
    ${CC:-cc} -std=c99 -O2 -c runs.c/net.c -o plain.o
    nm plain.o | awk '$2 ~ /[bBdDC]/ && $3 !~ /class_names/' >out
    [ ! -s out ] && ok "nothing in it is written" || not_ok "nothing in it is written" out
    nm plain.o | awk '$1 == "U" { print $2 }' | grep -vE '^(expf|erff|sqrtf|memcpy|memset|memmove|fabs|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$' >out
    [ ! -s out ] && ok "it needs libm and copies of memory" || not_ok "it needs libm and copies of memory" out
fi

# ---- weights beside it ----
mkdir beside
expect "weights in a file of their own" 0 "$FPCORE" export -w "$run" --c beside/net.c --beside
says "both are named" '^beside/net\.c, beside/net\.bin: microsegformer, [0-9]+ parameters'
expect "a program reads them" 0 built beside -DBESIDE
holds "the same labels" sh -c 'runs.c/try any some/p.ppm one && cd beside && ./try any ../some/p.ppm ../two && cmp ../one ../two'
holds "other weights are not taken" sh -c 'cd beside && ./try hostile net.bin'

# ---- the example ----
expect "the example compiles" 0 plain -std=c99 -O1 -DFPCORE_MAIN runs.c/net.c -lm -o net
expect "it runs" 0 ./net some/p.ppm labels.pgm
says "and says which classes it saw" '^ *[0-9.]+% [a-z_]+$'
holds "the labels are those of the function" sh -c 'tail -c $((250 * 240)) labels.pgm >got && cmp got one'
expect "without a picture" 1 ./net
says "it says how it is called" '^usage: .*net PICTURE\.ppm LABELS\.pgm'
expect "the example with weights beside it" 0 plain -std=c99 -O1 -DFPCORE_MAIN beside/net.c -lm -o net2
expect "runs too" 0 ./net2 some/p.ppm labels2.pgm beside/net.bin
holds "to the same end" cmp labels.pgm labels2.pgm

# ---- the page's program, as it stands there ----
mkdir page
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$FPCORE_SRC/docs/export.md" >page/segment.c
expect "C for it" 0 "$FPCORE" export -w "$run" --c page/face.c
expect "the page's program compiles" 0 plain -std=c99 -Wall -Wextra -Wpedantic -Werror page/segment.c page/face.c -lm -o page/segment
expect "it runs" 0 page/segment
says "and names a class" '^[a-z_]+$'

# ---- the same bytes; bf16 ----
mkdir again
expect "once more" 0 "$FPCORE" export -w "$run" --c again/net.c -s backend.use=ref
holds "the same bytes" cmp runs.c/net.c again/net.c
expect "again, over its own file" 0 "$FPCORE" export -w "$run" --c again/net.c --beside
holds "the same source as before" cmp beside/net.c again/net.c
holds "and weights" cmp beside/net.bin again/net.bin
holds "no path is in it" sh -c "! grep -q '$scratch' runs.c/net.c"
expect "a run in bf16" 0 "$FPCORE" -c tiny.ini -s run.epochs=2 -s run.out=half -s backend.use=cpu -s run.precision=bf16
mkdir half.c
expect "is C in fp32" 0 "$FPCORE" export -w "$(run_in half)" --c half.c/net.c
expect "which compiles" 0 built half.c
expect "a picture" 0 drawn half.c 32x32
expect "with its weights' scores" 0 agrees half.c 32x32 -c tiny.ini -w "$(run_in half)/best.safetensors"

# ---- hostile names ----
# what ends comments and strings, joins lines, is a trigraph, is no UTF-8, and a %
{
    printf '[classes]\n'
    printf '0 = a"b*/ int x /*\n'
    printf '1 = back\\slash\\n\\"end\n'
    printf '2 = what??/ is ??'"'"'this\n'
    printf '3 = %%%%s%%%%n \303\244 @$ 0\n'
} >four.ini
expect "a run whose classes have names like that" 0 "$FPCORE" -c padded.ini -s run.epochs=1 -s run.out=evil
mkdir evil.c
expect "is C" 0 "$FPCORE" export -w "$(run_in evil)" --c evil.c/net.c
expect "that compiles" 0 built evil.c -trigraphs
expect "and has them" 0 evil.c/try names given
sed -n 's/^[0-3] = //p' four.ini | tr '\n' '\0' >wanted
holds "as they were" cmp given wanted
says "with colours" '^3 [0-9]+,[0-9]+,[0-9]+$'
others_evil() { plain -std=c99 -Wall -Wextra -Wpedantic -Werror -trigraphs -fsyntax-only evil.c/net.c && plainer -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only evil.c/net.c; }
holds "for every compiler" others_evil
for name in '1 "*' 'int' 'a*b??' '-x'; do
    mkdir -p "odd" && rm -f odd/*
    expect "a file called $name.c" 0 "$FPCORE" export -w "$run" --c "odd/$name.c"
    holds "compiles" plain -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "odd/$name.c"
done

# ---- refusals ----
expect "no name of a C file" 2 "$FPCORE" export -w "$run" --c net.txt
says "is told" '\-\-c net\.txt: a name that ends in \.c, such as face\.c$'
expect "a name that is no more than .c" 2 "$FPCORE" export -w "$run" --c again/.c
expect "--beside alone" 2 "$FPCORE" export -w "$run" --onnx a.onnx --beside
says "is told" 'fpcore export: --beside is for --c, which is not given$'
expect "an output" 2 "$FPCORE" export -w "$run" --c net.c --output labels
says "of which it knows nothing" '\-\-output is for --onnx, which is not given: what --c writes takes one picture'
echo "int mine;" >mine.c
expect "another's file" 2 "$FPCORE" export -w "$run" --c mine.c
says "is not replaced" 'mine\.c: is there already, and fpcore export did not write it; give another name to --c, or --force'
echo "int mine;" >kept
holds "and stays" cmp mine.c kept
expect "but with --force" 0 "$FPCORE" export -w "$run" --c mine.c --force
echo "mine" >other.bin
expect "nor are another's weights" 2 "$FPCORE" export -w "$run" --c other.c --beside
says "which are told" 'other\.bin: is there already'
holds "and nothing is written" test ! -e other.c
full() { (trap '' XFSZ; ulimit -f 8; exec "$FPCORE" export -w "$run" --c full.c --beside); }
expect "a disk that is full" 1 full
holds "leaves no source" test ! -e full.c
holds "nor anything else" sh -c '! ls -A | grep -E "^\.fpcore|full\.c\."'
exit $bad
