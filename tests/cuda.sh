#!/bin/sh
# Everything that can be checked about the backend cuda on a machine with a GPU, in two runs of under ten minutes each.
#   tests/cuda.sh LOGS [TREE]      LOGS: folder for the logs, one a step, and for `table`
#                                  TREE: a built or an installed tree; default: the one in which this script lies
#   tests/cuda.sh --kit FOLDER [TREE]    packs what a built tree needs to be checked on a machine that has the driver
#                                  and CUDA's libraries and nothing else of ours; there: sh FOLDER/cuda.sh LOGS
# PART=1 (the default): what one wants to know first, in this order: does it start, how fast is a step, are the numbers
# right (tests beside each other, they wait for the processor), the same bits, PyTorch beside it, single kernels.
# PART=2: 200 epochs, what takes long, compute-sanitizer. Each step has a time limit and a log; a failed one does not
# end the run; what does not fit into SECONDS_IN_ALL (480, counted from the start of the script) is skipped. The table
# comes last: step, ok, FAILED, cut (out of its time, without a failure so far) or skipped, seconds, the number that
# counts. All logs lie in one archive, LOGS.tar.gz, from the first step on. Exit status: 0: no step failed; 1: one did;
# 77: there is no GPU.
# Environment: BACKEND (cuda; cuda_emulated tries the script itself in miniature, without a GPU), FPCORE_SHARED
# (golden tensors, data, torch_bench.py), PYTHON (with PyTorch, to compare with), ONLY (names of steps of both parts,
# apart by blanks), ARCHIVE (the archive of the logs). For --kit: KIT_MIB (60: the most that it may take), KIT_GOLDEN
# (all: the large golden tensors too), KIT_DATA (a folder of pictures to take along).
set -u
export LC_ALL=C
began=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)
backend=${BACKEND:-cuda}

# Our programs find CUDA's libraries, and those of the kit, by a path of their own: other programs (Python) have theirs.
fp() { LD_LIBRARY_PATH=${FPCORE_LIBRARIES-}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"; }

# ---- trainings that are compared; each is run by `cuda.sh --sequence NAME` in a folder with tiny.ini ----

# trained OUT KEY=VALUE...: a run below OUT, unless it is there
trained() {
    [ ! -d "$1" ] || return 0
    out=$1
    shift
    for pair; do
        shift
        set -- "$@" -s "$pair"
    done
    fp "$FPCORE" -c tiny.ini -s backend.use="$backend" -s run.out="$out" "$@"
}
run_in() {
    for dir in "$1"/*-[0-9]*; do
        printf '%s\n' "$dir"
        return
    done
}
# equal RUN RUN: byte for byte
equal() {
    for file in last.safetensors best.safetensors history.csv; do
        cmp "$(run_in "$1")/$file" "$(run_in "$2")/$file" || return 1
    done
}
# near RUN RUN BOUND: the largest relative difference of losses, over all epochs
near() {
    paste -d, "$(run_in "$1")/history.csv" "$(run_in "$2")/history.csv" | awk -F, -v bound="$3" -v what="$1 and $2" '
        NR == 1 { for (i = 1; i <= NF / 2; i++) wanted[i] = $i ~ /loss/ }
        NR > 1 {
            for (i = 1; i <= NF / 2; i++) {
                d = wanted[i] ? ($i - $(i + NF / 2)) / $i : 0
                if (d < 0) d = -d
                if (d > most || d != d) most = d
            }
        }
        END { printf "%s: losses differ by %.1e at most\n", what, most; exit !(NR > 1 && most <= bound) }'
}
two_runs() { trained a && trained b && equal a b && echo "same bits"; }
capture() { trained a && trained c backend.capture=off && equal a c && echo "same bits"; }
caches() {
    trained a && trained d dataset.cache=pinned && trained e dataset.cache=stream && equal a d && equal a e &&
        echo "same bits"
}
resume() {
    trained a && trained f run.epochs=1 && fp "$FPCORE" --resume "$(run_in f)" -s run.epochs=2 && equal a f &&
        echo "same bits"
}
across_backends() {
    trained a && trained g backend.use=cpu && near a g 1e-3 && trained h run.epochs=1 backend.use=cpu &&
        fp "$FPCORE" --resume "$(run_in h)" -s run.epochs=2 -s backend.use="$backend" && near a h 1e-3 &&
        trained i run.epochs=1 && fp "$FPCORE" --resume "$(run_in i)" -s run.epochs=2 -s backend.use=cpu && near a i 1e-3
}
precisions() {
    trained a || return 1
    for precision in tf32 bf16 fp16; do
        trained $precision run.precision=$precision && trained $precision.2 run.precision=$precision &&
            equal $precision $precision.2 && near a $precision 0.02 || return 1
    done
}
out_of_memory() {
    trained full backend.memory_limit=1 >said 2>&1
    code=$?
    cat said
    [ $code -eq 1 ] && grep -oE '[^ ]+ at [^ ]+ needs [0-9]+ MiB .*' said
}
# The least that has to work, each op waited for, then recorded.
starts() {
    fp "$FPCORE" -h "backend/$backend" >/dev/null && trained s run.precision="$half" backend.check=on &&
        trained t run.precision="$half" && equal s t && echo "starts; the same bits whether ops are waited for or recorded"
}
half=bf16
if [ "${1-}" = --sequence ]; then
    "$2"
    exit
fi

# ---- where things are ----

kit=
if [ "${1-}" = --kit ]; then
    kit=${2:?usage: tests/cuda.sh --kit FOLDER [TREE]}
    shift
fi
logs=${1:?usage: tests/cuda.sh LOGS [TREE]}
is_kit=
if [ -d "$here/plugins" ] && [ -d "$here/bin" ]; then
    src=$here
    tree=$here
    is_kit=yes
    shared=${FPCORE_SHARED:-$here/shared}
else
    src=$(cd "$here/.." && pwd)
    tree=$(cd "${2:-$src}" && pwd) || exit 2
    shared=${FPCORE_SHARED:-$src/../shared}
fi
[ ! -d "$shared" ] || shared=$(cd "$shared" && pwd)
python=${PYTHON:-python3}

# first FILE...: the first that exists
first() {
    for file; do
        [ -e "$file" ] && printf '%s\n' "$file" && return
    done
    return 1
}
program() {
    first "$tree/bin/$1" "$tree/.libs/$1" "$tree/tests/ops/$1" "$tree/tests/golden/$1"
}
plugins=$(dirname "$(first "$tree/plugins/backend_cpu.so" "$tree/.libs/backend_cpu.so" \
    "$tree"/lib/fpcore/*/backend_cpu.so "$tree"/lib/*/fpcore/*/backend_cpu.so || echo none/none)")
if [ -z "$kit" ]; then
    mkdir -p "$logs" && logs=$(cd "$logs" && pwd) || exit 2
    archive=${ARCHIVE:-$logs.tar.gz}
    if [ "$backend" = cuda ] && ! timeout 60 nvidia-smi >"$logs/machine.log" 2>&1; then
        echo "cuda.sh: nvidia-smi sees no GPU on this machine, so nothing was checked"
        exit 77
    fi
fi
plugin=$(first "$plugins/backend_$backend.so" "$tree/tests/emulated/.libs/backend_$backend.so") || {
    echo "cuda.sh: $tree has no plugin backend_$backend.so: configure found no CUDA Toolkit, or it is not built" >&2
    exit 2
}
FPCORE=$(program fpcore) || {
    echo "cuda.sh: there is no fpcore in $tree: build it first, or name the tree" >&2
    exit 2
}

# ---- packing ----

# Other people's libraries that the files need, but not the C library, the compiler's and CUDA's.
libraries() {
    for file; do
        ldd "$file" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $3}'
    done | sort -u |
        grep -Ev '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*|libgcc_s|libstdc\+\+|libcu[^/]*|libfpcore)\.so'
}
# A kit without its tests would check nothing and report no failure.
programs='fpcore agree support grad properties losses pictures kornia shapes bench test_golden'
has_programs() {
    missing=
    for name in $programs; do
        program "$name" >/dev/null || missing="$missing $name"
    done
    [ -z "$missing" ]
}
make_programs() {
    has_programs && return
    [ ! -f "$tree/Makefile" ] || (
        cd "$tree" || exit 1
        for name in $missing; do
            case $name in
            fpcore) set -- "$@" fpcore ;;
            test_golden) set -- "$@" tests/golden/test_golden ;;
            *) set -- "$@" "tests/ops/$name" ;;
            esac
        done
        "${MAKE:-make}" -s "$@"
    ) >&2
    has_programs && return
    echo "cuda.sh: $tree has no$missing; the kit needs them: make check TESTS= builds them (with cmocka)" >&2
    return 1
}
# Of the golden tensors the small ones, those of Kornia and the model at its full widths, unless all are wanted.
pack_golden() {
    mkdir -p "$kit/shared/golden" || return 1
    for file in "$shared"/golden/*; do
        case ${KIT_GOLDEN-}:${file##*/} in
        :model_plain.* | :train_steps.*) ;;
        *) cp -R "$file" "$kit/shared/golden/" || return 1 ;;
        esac
    done
}
pack() {
    make_programs || return 1
    mkdir -p "$kit/bin" "$kit/lib" "$kit/plugins" "$kit/tests" "$kit/shared" || return 1
    for name in $programs; do
        cp "$(program "$name")" "$kit/bin/$name" || return 1
    done
    cp "$plugin" "$kit/plugins/"
    for file in "$plugins"/*_*.so; do # of the backends for a GPU, only the one that is tried
        case ${file##*/} in backend_cuda*) ;; *) cp "$file" "$kit/plugins/" ;; esac
    done
    cp "$(first "$tree"/.libs/libfpcore.so.? "$tree"/lib/libfpcore.so.? "$tree"/lib/*/libfpcore.so.?)" "$kit/lib/"
    libraries "$kit"/bin/* "$kit"/plugins/*.so "$kit"/lib/*.so* | while read -r file; do cp -L "$file" "$kit/lib/"; done
    cp -R "$src/tests/golden" "$kit/tests/"
    cp -R "$src/conf" "$here/cuda.sh" "$kit/"
    [ ! -d "$shared/oracle" ] || cp -R "$shared/oracle" "$kit/shared/"
    [ ! -d "$shared/golden" ] || pack_golden || return 1
    [ -z "${KIT_DATA-}" ] || { mkdir -p "$kit/shared/data" && cp -R "$KIT_DATA" "$kit/shared/data/"; } || return 1
    strip -g "$kit"/bin/* "$kit"/plugins/*.so "$kit"/lib/* 2>/dev/null
    (cd "$kit" && du -sk -- * | sort -n && ls bin)
    mebi=$(($(du -sk "$kit" | cut -f 1) / 1024 + 1))
    echo "$kit: $mebi MiB of at most ${KIT_MIB:-60}"
    [ "$mebi" -le "${KIT_MIB:-60}" ] && return
    echo "cuda.sh: the kit is larger than KIT_MIB = ${KIT_MIB:-60}; the list above says by what. A backend that is" \
        "configured for the one GPU that it goes to (--with-cuda-arch=90 for an H100 or H200) is a quarter as large" >&2
    return 1
}
if [ -n "$kit" ]; then
    pack
    exit
fi

# ---- the machine ----

# Folders with cuBLASLt and cuDNN, which the plugin opens by name, as cuDNN does its own parts; PyTorch brings them, too.
cuda_folders() {
    for dir in /usr/local/cuda/lib64 /usr/local/cuda/targets/*/lib \
        $(timeout 20 "$python" -c 'import glob, sys
print(*[d for p in sys.path if p for d in sorted(glob.glob(p + "/nvidia/*/lib"))])' 2>/dev/null); do
        [ ! -d "$dir" ] || printf '%s\n' "$dir"
    done
}
FPCORE_LIBRARIES=$tree/lib:$tree/.libs
for dir in $(cuda_folders); do
    FPCORE_LIBRARIES=$FPCORE_LIBRARIES:$dir
done
export FPCORE_LIBRARIES
FPCORE_PLUGIN_PATH=$plugins:$(dirname "$plugin")
FPCORE_SHARED=$shared
FPCORE_SRC=$src
FPCORE_TEST_BACKENDS=$backend
BACKEND=$backend
export FPCORE FPCORE_PLUGIN_PATH FPCORE_SHARED FPCORE_SRC FPCORE_TEST_BACKENDS BACKEND
work=$(mktemp -d) || exit 2
clocks=
# pack_logs: a machine that is lent may go at any moment, and gives back few files
pack_logs() {
    (cd "$logs/.." && tar cf - "${logs##*/}" | gzip >"$archive.new" && mv "$archive.new" "$archive") 2>/dev/null
}
finish() {
    [ -z "$clocks" ] || kill "$clocks" 2>/dev/null
    pack_logs
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 2

machine() {
    [ "$backend" != cuda ] ||
        nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap,clocks.max.sm --format=csv,noheader
    fp timeout 30 "$FPCORE" --version
    [ "$backend" != cuda ] || nvidia-smi
    fp timeout 30 "$FPCORE" -h "backend/$backend"
    fp timeout 30 ldd "$plugin"
    timeout 30 nvcc --version
    timeout 30 lscpu
}
machine >"$logs/machine.log" 2>&1
head -n 1 "$logs/machine.log"
if [ "$backend" = cuda ]; then # holds the GPU ready for all the processes below, and tells of its clocks
    nvidia-smi dmon -s pucm -d 1 >"$logs/clocks.log" 2>&1 &
    clocks=$!
fi
# Whether PyTorch can be compared with: asked once, when it is first needed, as it may take long or hang.
has_torch=
torch_works() {
    if [ -z "$has_torch" ]; then
        has_torch=no
        [ "$backend" != cuda ] || [ ! -f "$shared/oracle/torch_bench.py" ] ||
            ! timeout 60 "$python" -c 'import torch
print("PyTorch", torch.__version__, torch.version.cuda, torch.backends.cudnn.version())
assert torch.cuda.is_available()' >>"$logs/machine.log" 2>&1 || has_torch=yes
    fi
    [ $has_torch = yes ]
}

# ---- steps ----

in_all=${SECONDS_IN_ALL:-480}
: >"$logs/table"
: >rates
left() { echo $((in_all - $(date +%s) + began)); }
row() { printf '%-18s %-8s %5s  %s\n' "$1" "$2" "$3" "$4" | tee -a "$logs/table"; }
failed() { row "$name" FAILED "$took" "$1"; }
wanted() {
    case " ${ONLY-} " in
    "  " | *" $1 "*) return 0 ;;
    esac
    return 1
}
# step NAME SECONDS COMMAND...: runs it with a limit; what it says is NAME.log. `judge` makes its row of the table.
step() {
    name=$1
    limit=$2
    shift 2
    log=$logs/$name.log
    status=none
    took=0
    [ "$(left)" -gt "$limit" ] || limit=$(left)
    [ "$limit" -ge 3 ] || return 0
    echo "    $name: at most $limit s of the $(left) that are left" >&2
    start=$(date +%s)
    ${run_by:-fp} timeout -k 5 "$limit" "$@" >"$log" 2>&1
    status=$?
    took=$(($(date +%s) - start))
}
# judge NUMBER
judge() {
    case $status in
    0) row "$name" ok "$took" "$1" ;;
    none) row "$name" skipped - "no time left" ;;
    77) row "$name" skipped "$took" "$1" ;;
    124 | 137)
        if grep -qE '^\[  FAILED|^not ok|^=+ (Invalid|Uninitialized|Error: Race|Barrier error)' "$log"; then
            failed "see $name.log"
        else
            row "$name" cut "$took" "$1"
        fi
        ;;
    *) failed "$(grep -m 1 -E 'ERROR: |error: |=+ +(Invalid|Uninit|Error)|not ok|rror' "$log" | cut -c 1-110)" ;;
    esac
}
# tested NAME SECONDS PROGRAM [ARGUMENT]...: a program of tests/ops or tests/golden
tested() {
    wanted "$1" || return 0
    if ! exe=$(program "$3"); then
        [ -z "$is_kit" ] || row "$1" FAILED - "the kit has no $3"
        [ -n "$is_kit" ] || row "$1" skipped - "the tree has no $3"
        return
    fi
    tested_name=$1
    tested_limit=$2
    shift 3
    step "$tested_name" "$tested_limit" "$exe" "$@"
    judge "$(passed)"
}
passed() { echo "$(grep -c '^\[       OK' "$log") of $(grep -c '^\[ RUN' "$log") tests passed"; }
sequence() {
    wanted "$1" || return 0
    run_by='env'
    step "$1" "$2" sh "$here/cuda.sh" --sequence "$1"
    run_by=
    judge "$(tail -n 1 "$log" 2>/dev/null | cut -c 1-100)"
}
# speed NAME SECONDS train|infer PRECISION BATCH FLAG...: the log has a line for each plan of cuBLASLt and cuDNN
speed() {
    wanted "$1" || return 0
    speed_name=$1
    speed_limit=$2
    speed_what=$3
    speed_precision=$4
    speed_batch=$5
    shift 5
    step "$speed_name" "$speed_limit" env FPCORE_LOG=debug "$FPCORE" bench -c "$benched" -s backend.use="$backend" \
        -s run.precision="$speed_precision" --size "$size" --batch "$speed_batch" --steps "$steps" "--$speed_what" "$@"
    rate=$(awk -v what="$speed_what:" '$1 == what {print $2; exit}' "$log" 2>/dev/null)
    judge "${rate:-?} images/s"
    echo "$speed_name $rate" >>rates
}
# torch NAME SECONDS BATCH FLAG...
torch() {
    wanted "$1" || return 0
    torch_name=$1
    torch_limit=$2
    torch_batch=$3
    if ! torch_works; then
        row "$torch_name" skipped - "no PyTorch with CUDA, or no torch_bench.py"
        return
    fi
    shift 3
    run_by='env'
    step "$torch_name" "$torch_limit" env PYTHONDONTWRITEBYTECODE=1 "$python" "$shared/oracle/torch_bench.py" \
        --device cuda --amp --size "$size" --batch "$torch_batch" --steps 20 "$@"
    run_by=
    rate=$(awk '{for (i = 1; i < NF; i++) if ($(i + 1) == "images/s,") print $i}' "$log" 2>/dev/null)
    judge "${rate:-?} images/s"
    echo "$torch_name $rate" >>rates
}
# against OURS THEIRS: how often as fast
against() {
    awk -v a="$1" -v b="$2" '$1 == a {x = $2} $1 == b {y = $2}
        END {if (x > 0 && y > 0) printf "%s is %.2f times %s\n", a, x / y, b}' rates | tee -a "$logs/table"
}
# learns NAME SECONDS RECIPE KEY=VALUE...: a real training; what counts is how long it took, and its best score
learns() {
    wanted "$1" || return 0
    learns_name=$1
    learns_limit=$2
    learns_recipe=$3
    shift 3
    for pair; do
        shift
        set -- "$@" -s "$pair"
    done
    step "$learns_name" "$learns_limit" "$FPCORE" -c "$learns_recipe" -s backend.use="$backend" \
        -s run.out="$work/$learns_name" "$@"
    judge "$(sed -n 's/^\(complete after .*\); results.*/\1/p; /^best epoch/p' "$log" 2>/dev/null | paste -sd ' ' -)"
}
# 200 epochs of 900 pictures, validated on 100: of the real faces where they are, else of drawn ones
whole() {
    if [ -d "$shared/data/celebamask-mini" ]; then
        learns whole 300 "$src/conf/lmsa_v1.ini" run.patience=0 run.precision=bf16 \
            dataset.root="$shared/data/celebamask-mini"
    else
        learns whole 300 "$src/conf/lmsa_v1.ini" run.patience=0 run.precision=bf16 dataset.use=synthetic \
            dataset.train=900 dataset.val=100
    fi
}
# sanitized TOOL SECONDS: compute-sanitizer over the op cases
sanitized() {
    wanted "$1" || return 0
    if [ "$backend" != cuda ] || ! command -v compute-sanitizer >/dev/null || ! exe=$(program agree); then
        row "$1" skipped - "no compute-sanitizer, or the tree has no agree"
        return
    fi
    step "$1" "$2" env FPCORE_TEST_GUARDS=off compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 20 \
        "$exe" cuda
    judge "$(passed); $(sed -n 's/^=* *\([A-Z]* SUMMARY: .*\)/\1/p' "$log" 2>/dev/null | tail -n 1)"
}

# ---- the run ----

cat >tiny.ini <<'INI'
[run]
name = tiny
seed = 3
epochs = 2
clip_norm = 1
[dataset]
use = synthetic
size = 64
train = 24
val = 8
batch = 8
[augment.flip]
use = hflip
[augment.affine]
use = affine
[augment.colour]
use = color_jitter
[augment.mix]
use = cutmix
[model]
use = microsegformer
dropout = 0.1
[loss.ce]
use = cross_entropy
[loss.dice]
use = dice
weight = 1.5
[optimizer]
use = adamw
lr = 1e-3
[schedule]
use = constant
[metric.f_score]
use = fscore_batch
INI
# together: the steps on stdin, one a line, beside each other: they wait for the processor more than for the GPU
together() {
    while read -r line; do
        # shellcheck disable=SC2086
        (set -- $line && "$@") &
        beside="${beside-} $!"
    done
    # shellcheck disable=SC2086
    wait $beside
    beside=
    pack_logs
}
# kernels: what single launches of one step cost, by the profiler
kernels() {
    wanted kernels || return 0
    if [ "$backend" != cuda ] || ! command -v ncu >/dev/null; then
        row kernels skipped - "no ncu"
        return
    fi
    step kernels 60 ncu --clock-control none --set basic --launch-skip 600 --launch-count 60 "$FPCORE" bench -c "$benched" \
        -s backend.use=cuda -s backend.capture=off -s run.precision=bf16 --size 512 --batch 32 --steps 1 --train
    judge "$(grep -c 'Duration' "$log" 2>/dev/null) launches; see kernels.log"
}
size=512 batch=32 steps=20 shapes='' benched=$src/conf/lmsa_v1.ini
if [ "$backend" != cuda ]; then # in miniature
    size=32 batch=4 steps=1 shapes="32 2" benched=tiny.ini
    sed -i -e 's/^size = .*/size = 32/' -e 's/^train = .*/train = 8/' -e 's/^batch = .*/batch = 4/' \
        -e '/^use = microsegformer/a dims = 8,16,24,32\ndepths = 1,1,1,1\ndecoder_dim = 16' tiny.ini
    FPCORE_SHARED=none
fi
row step result s number
first_part() {
    sequence starts 30
    if [ "$backend" = cuda ]; then # the table's peak is measured on a product that the host takes minutes for
        speed train_bf16 40 train bf16 $batch --ops
        speed train_plain 40 train bf16 $batch -s backend.capture=off
    fi
    pack_logs
    together <<END
tested agree 120 agree $backend
$([ "$backend" != cuda ] || echo tested agree_tf32 120 agree cuda:tf32)
tested support 60 support
tested grad 90 grad models
tested golden 90 test_golden
tested properties 60 properties
tested losses 60 losses
tested pictures 60 pictures
tested kornia 60 kornia
END
    # shellcheck disable=SC2086
    tested shapes 90 shapes "$backend" $shapes
    sequence two_runs 30
    sequence capture 30
    sequence caches 40
    sequence resume 30
    pack_logs
    torch torch_plain 40 $batch
    torch torch_rewritten 70 $batch --form rewritten --compile
    against train_bf16 torch_plain
    against train_bf16 torch_rewritten
    kernels
    sequence out_of_memory 10
}
second_part() {
    if [ "$backend" = cuda ]; then
        whole
        [ ! -d "$shared/data/celebamask-mini" ] ||
            learns faces 60 "$src/conf/lmsa_v1.ini" run.epochs=3 run.precision=bf16 \
                dataset.root="$shared/data/celebamask-mini"
        learns quickstart 40 "$src/conf/quickstart.ini" run.precision=bf16
    else
        learns quickstart 60 tiny.ini run.epochs=1
    fi
    pack_logs
    sanitized memcheck 60
    sanitized racecheck 60
    sequence precisions 80
    sequence across_backends 60
    pack_logs
    for precision in fp16 tf32 fp32; do
        [ "$backend" != cuda ] || speed train_$precision 25 train $precision $batch
    done
    speed infer_1 15 infer $half 1
    speed infer_$batch 15 infer $half $batch
    torch torch_infer_1 25 1 --infer
    torch torch_infer_$batch 25 $batch --infer
    against infer_1 torch_infer_1
    against infer_$batch torch_infer_$batch
    sanitized initcheck 60
    sanitized synccheck 60
}
case ${ONLY:+both}${PART:-1} in
1) first_part ;;
2) second_part ;;
*) first_part && second_part ;;
esac
failures=$(grep -c ' FAILED ' "$logs/table")
row "" "" $(($(date +%s) - began)) "seconds in all; $failures failed; logs: $archive"
[ "$failures" -eq 0 ]
