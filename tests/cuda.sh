#!/bin/sh
# Everything that can be checked about the backend cuda on a machine with a GPU, in one run of under ten minutes.
#   tests/cuda.sh LOGS [TREE]      LOGS: folder for the logs, one a step, and for `table`
#                                  TREE: a built or an installed tree; default: the one in which this script lies
#   tests/cuda.sh --kit FOLDER [TREE]    packs what a built tree needs to be checked on a machine that has the driver
#                                  and CUDA's libraries and nothing else of ours; there: sh FOLDER/cuda.sh LOGS
# Each step has a time limit and a log; a failed one does not end the run; what does not fit into SECONDS_IN_ALL (600)
# is skipped. The table comes last: step, ok, FAILED, cut (out of its time, without a failure so far) or skipped,
# seconds, the number that counts. Exit status: 0: no step failed; 1: one did; 77: there is no GPU.
# Environment: BACKEND (cuda; cuda_emulated tries the script itself in miniature, without a GPU), FPCORE_SHARED
# (golden tensors, data, torch_bench.py), PYTHON (with PyTorch, to compare with), ONLY (names of steps, apart
# by blanks; `whole`, 200 epochs, runs only if it is named).
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
backend=${BACKEND:-cuda}

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
    "$FPCORE" -c tiny.ini -s backend.use="$backend" -s run.out="$out" "$@"
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
    trained a && trained f run.epochs=1 && "$FPCORE" --resume "$(run_in f)" -s run.epochs=2 && equal a f &&
        echo "same bits"
}
across_backends() {
    trained a && trained g backend.use=cpu && near a g 1e-3 && trained h run.epochs=1 backend.use=cpu &&
        "$FPCORE" --resume "$(run_in h)" -s run.epochs=2 -s backend.use="$backend" && near a h 1e-3 &&
        trained i run.epochs=1 && "$FPCORE" --resume "$(run_in i)" -s run.epochs=2 -s backend.use=cpu && near a i 1e-3
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
if [ -d "$here/plugins" ] && [ -d "$here/bin" ]; then
    src=$here # a kit
    tree=$here
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
    if [ "$backend" = cuda ] && ! nvidia-smi >"$logs/machine.log" 2>&1; then
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
pack() {
    mkdir -p "$kit/bin" "$kit/lib" "$kit/plugins" "$kit/tests" "$kit/shared" || return 1
    for name in fpcore agree support grad properties losses pictures kornia bench test_golden; do
        ! file=$(program $name) || cp "$file" "$kit/bin/$name"
    done
    cp "$plugin" "$kit/plugins/"
    for file in "$plugins"/*_*.so; do cp "$file" "$kit/plugins/"; done
    cp "$(first "$tree"/.libs/libfpcore.so.? "$tree"/lib/libfpcore.so.? "$tree"/lib/*/libfpcore.so.?)" "$kit/lib/"
    libraries "$kit"/bin/* "$kit"/plugins/*.so "$kit"/lib/*.so* | while read -r file; do cp -L "$file" "$kit/lib/"; done
    cp -R "$src/tests/golden" "$kit/tests/"
    cp -R "$src/conf" "$here/cuda.sh" "$kit/"
    [ ! -d "$shared/oracle" ] || cp -R "$shared/oracle" "$kit/shared/"
    [ ! -d "$shared/golden" ] || cp -R "$shared/golden" "$kit/shared/"
    strip -g "$kit"/bin/* "$kit"/plugins/*.so "$kit"/lib/* 2>/dev/null
    du -sh "$kit"
}
if [ -n "$kit" ]; then
    pack
    exit
fi

# ---- the machine ----

# Folders with what the plugin asks for and the loader does not find; PyTorch brings CUDA's libraries, too.
cuda_folders() {
    ldd "$plugin" 2>/dev/null | awk '/not found/ {print $1}' | while read -r library; do
        for dir in /usr/local/cuda/lib64 /usr/local/cuda/targets/*/lib /usr/lib/*-linux-gnu \
            $("$python" -c 'import glob, sys
print(*[d for p in sys.path if p for d in glob.glob(p + "/nvidia/*/lib")])' 2>/dev/null); do
            [ -e "$dir/$library" ] && printf '%s\n' "$dir" && break
        done
    done | sort -u
}
LD_LIBRARY_PATH=$tree/lib:$tree/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
for dir in $(cuda_folders); do
    LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$dir
done
FPCORE_PLUGIN_PATH=$plugins:$(dirname "$plugin")
FPCORE_SHARED=$shared
FPCORE_SRC=$src
FPCORE_TEST_BACKENDS=$backend
BACKEND=$backend
export FPCORE FPCORE_PLUGIN_PATH FPCORE_SHARED FPCORE_SRC FPCORE_TEST_BACKENDS BACKEND
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

machine() {
    [ "$backend" != cuda ] ||
        nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap,clocks.max.sm --format=csv,noheader
    "$FPCORE" --version
    [ "$backend" != cuda ] || nvidia-smi
    "$FPCORE" -h "backend/$backend"
    ldd "$plugin"
    nvcc --version
    "$python" -c 'import torch; print("PyTorch", torch.__version__, torch.version.cuda, torch.backends.cudnn.version())'
    lscpu
}
machine >"$logs/machine.log" 2>&1
head -n 1 "$logs/machine.log"

# ---- steps ----

began=$(date +%s)
in_all=${SECONDS_IN_ALL:-600}
failures=0
: >"$logs/table"
: >rates
left() { echo $((in_all - $(date +%s) + began)); }
row() { printf '%-18s %-8s %5s  %s\n' "$1" "$2" "$3" "$4" | tee -a "$logs/table"; }
failed() {
    failures=$((failures + 1))
    row "$name" FAILED "$took" "$1"
}
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
    timeout -k 5 "$limit" "$@" >"$log" 2>&1
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
        row "$1" skipped - "the tree has no $3"
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
    step "$1" "$2" sh "$here/cuda.sh" --sequence "$1"
    judge "$(tail -n 1 "$log" 2>/dev/null | cut -c 1-100)"
}
# speed NAME SECONDS train|infer PRECISION BATCH
speed() {
    wanted "$1" || return 0
    step "$1" "$2" "$FPCORE" bench -c "$benched" -s backend.use="$backend" -s run.precision="$4" \
        --size "$size" --batch "$5" --steps "$steps" "--$3"
    rate=$(awk -v what="$3:" '$1 == what {print $2; exit}' "$log" 2>/dev/null)
    judge "${rate:-?} images/s"
    echo "$1 $rate" >>rates
}
# torch NAME SECONDS BATCH FLAG...
torch() {
    wanted "$1" || return 0
    torch_name=$1
    torch_limit=$2
    torch_batch=$3
    if [ "$backend" != cuda ] || [ ! -f "$shared/oracle/torch_bench.py" ] ||
        ! "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
        row "$torch_name" skipped - "no PyTorch with CUDA, or no torch_bench.py"
        return
    fi
    shift 3
    step "$torch_name" "$torch_limit" env PYTHONDONTWRITEBYTECODE=1 "$python" "$shared/oracle/torch_bench.py" \
        --device cuda --amp --size "$size" --batch "$torch_batch" --steps 20 "$@"
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
        learns whole 580 "$src/conf/lmsa_v1.ini" run.patience=0 run.precision=bf16 \
            dataset.root="$shared/data/celebamask-mini"
    else
        learns whole 580 "$src/conf/lmsa_v1.ini" run.patience=0 run.precision=bf16 dataset.use=synthetic \
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
size=512 batch=32 steps=20 benched=$src/conf/lmsa_v1.ini
if [ "$backend" != cuda ]; then # in miniature
    size=32 batch=4 steps=1 benched=tiny.ini
    sed -i -e 's/^size = .*/size = 32/' -e 's/^train = .*/train = 8/' -e 's/^batch = .*/batch = 4/' \
        -e '/^use = microsegformer/a dims = 8,16,24,32\ndepths = 1,1,1,1\ndecoder_dim = 16' tiny.ini
    FPCORE_SHARED=none
fi
row step result s number
tested agree 90 agree "$backend"
[ "$backend" != cuda ] || tested agree_tf32 60 agree cuda:tf32
tested support 20 support
tested properties 20 properties
tested losses 20 losses
tested pictures 20 pictures
tested kornia 20 kornia
tested grad 60 grad models
tested golden 60 test_golden
sequence two_runs 30
sequence capture 30
sequence caches 40
sequence resume 30
sequence precisions 80
sequence across_backends 60
sequence out_of_memory 10
for precision in bf16 fp16 tf32 fp32; do
    [ "$backend" = cuda ] || continue # the table's peak is measured on a product that the host takes minutes for
    speed train_$precision 25 train $precision $batch
done
speed infer_1 15 infer bf16 1
speed infer_$batch 15 infer bf16 $batch
torch torch_plain 40 $batch
torch torch_rewritten 70 $batch --form rewritten --compile
torch torch_infer_1 25 1 --infer
torch torch_infer_$batch 25 $batch --infer
against train_bf16 torch_plain
against train_bf16 torch_rewritten
against infer_1 torch_infer_1
against infer_$batch torch_infer_$batch
if [ "$backend" = cuda ]; then
    learns quickstart 40 "$src/conf/quickstart.ini" run.precision=bf16
    if [ -d "$shared/data/celebamask-mini" ]; then
        learns faces 60 "$src/conf/lmsa_v1.ini" run.epochs=3 run.precision=bf16 \
            dataset.root="$shared/data/celebamask-mini"
    fi
else
    learns quickstart 60 tiny.ini run.epochs=1
fi
[ -z "${ONLY-}" ] || whole
for tool in memcheck racecheck initcheck synccheck; do
    sanitized $tool 60
done
row "" "" $(($(date +%s) - began)) "seconds in all; $failures failed; logs: $logs"
[ $failures -eq 0 ]
