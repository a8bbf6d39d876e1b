#!/bin/sh
# fpcore and its peers in turn on this machine, with equal numbers of threads: training steps and inference of
# MicroSegFormer with LMSA, the median of each side's runs, and fpcore's ratio to the best peer. The peers' side is
# peers.py with the model of the shared oracle; Python needs torch, and for inference onnx, onnxruntime and openvino.
# usage: tests/perf/against_peers.sh BUILD_DIR [RUNS]     RUNS: 3
# PEERS, CASES ("WHAT SIZE BATCH;..."): fewer of them. PYTHON: python3. THREADS: 2. FPCORE_SHARED: where oracle/ is.
set -eu
build=$(cd "$1" && pwd)
runs=${2:-3}
src=$(cd "$(dirname "$0")/../.." && pwd)
shared=${FPCORE_SHARED:-$src/../shared}
python=${PYTHON:-python3}
threads=${THREADS:-2}
peers=${PEERS:-"torch torch_rewritten torch_compiled torch_bf16 torch_compiled_bf16 onnxruntime openvino openvino_bf16"}
cases=${CASES:-"train 512 4;train 128 32;infer 512 1;infer 512 4;infer 128 32"}
FPCORE_PLUGIN_PATH=$build/.libs
export FPCORE_PLUGIN_PATH
[ -f "$shared/oracle/oracle_model.py" ] || { echo "no $shared/oracle/oracle_model.py: set FPCORE_SHARED" >&2; exit 2; }

ours() { # PRECISION WHAT SIZE BATCH -> images/s MiB
    "$build/fpcore" bench -c "$src/conf/lmsa_v1.ini" -s backend.threads="$threads" -s run.precision="$1" --size "$3" \
        --batch "$4" --steps 9 "--$2" |
        awk -v what="$2:" '$1 == what {rate = $2}
            /peak memory so far/ {for (i = 1; i < NF; i++) if ($i == "far") mib = $(i + 1)}
            END {print rate, mib}'
}
theirs() { # PEER WHAT SIZE BATCH
    PYTHONDONTWRITEBYTECODE=1 "$python" "$src/tests/perf/peers.py" "$shared/oracle" "$1" "$2" "$3" "$4" 5 "$threads" \
        2>>"$dir/errors" || echo -
}
# The column $2 of a side's runs; nothing where it could not.
median() { awk -v c="$2" '$1 != "-" {print $c}' "$1" | sort -n | awk '{v[NR] = $1} END {if (NR) print v[int((NR + 1) / 2)]}'; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '%-22s %6s %5s %5s %10s %7s\n' who what size batch images/s MiB
echo "$cases" | tr ';' '\n' | while read -r what size batch; do
    rm -f "$dir"/*.runs
    run=0
    while [ $run -lt "$runs" ]; do
        for precision in fp32 bf16; do ours $precision "$what" "$size" "$batch" >>"$dir/fpcore_$precision.runs"; done
        for peer in $peers; do theirs "$peer" "$what" "$size" "$batch" >>"$dir/$peer.runs"; done
        run=$((run + 1))
    done
    for side in fpcore_fp32 fpcore_bf16 $peers; do
        rate=$(median "$dir/$side.runs" 1)
        [ -z "$rate" ] || printf '%-22s %6s %5s %5s %10.2f %7.0f\n' "$side" "$what" "$size" "$batch" "$rate" \
            "$(median "$dir/$side.runs" 2)"
    done | tee "$dir/table"
    awk '/^fpcore/ {own[$1] = $5; next} $5 > best {best = $5; who = $1}
        END {for (side in own) if (best) printf "%s is %.2f times the best peer, %s\n", side, own[side] / best, who}' "$dir/table" | sort
done
[ ! -s "$dir/errors" ] || { echo "what peers said:" >&2; tail -n 5 "$dir/errors" >&2; }
