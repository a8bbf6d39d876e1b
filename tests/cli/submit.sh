#!/bin/sh
# fpcore submit: the archive, what is in it, the script in it at work, and what is refused. PyTorch opens ckpt.pth where
# it is at hand.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
ln -s "$FPCORE_SRC/conf" conf
skip() { echo "ok $1 # SKIP $2"; }

expect "a training of the quickstart" 0 "$FPCORE" -c conf/quickstart.ini -s run.epochs=1 -s dataset.train=32 \
    -s dataset.val=8 -s run.out=runs
expect "the example of the help" 0 sh -c \
    '$(fpcore=$FPCORE; "$FPCORE" submit --help | sed -n "s|^example: fpcore|$fpcore|p")'
says "it tells masks and parameters" '^submission\.zip: [1-9][0-9]* masks, [0-9]+ parameters \(fewer than 1821085 are'
says "it was read back" '^read back and found whole; its solution ran$'

expect "a tiny training" 0 "$FPCORE" -c tiny.ini -s run.out=tiny_runs
run=$(run_in tiny_runs)
best=$run/best.safetensors
expect "a submission" 0 "$FPCORE" submit -c tiny.ini -w "$best" -o a.zip -s dataset.test=3
expect "again" 0 "$FPCORE" submit -c tiny.ini -w "$best" -o b.zip -s dataset.test=3
holds "is the same" cmp a.zip b.zip
holds "nothing else was left" sh -c '! ls -- *.tmp *.part 2>/dev/null'
mkdir place
for name in weights.tmp part part.tmp weights.tmp.tmp tmp; do
    echo "notes" >"place/mine.zip.$name"
done
cp -r place place.kept
expect "files beside it that are called as temporary ones could be" 0 "$FPCORE" submit -c tiny.ini -w "$best" \
    -o place/mine.zip -s dataset.test=3
holds "do no harm" cmp a.zip place/mine.zip
rm place/mine.zip
holds "and stay, and nothing else does" diff -r place place.kept
expect "where it fails" 1 env TMPDIR=/nowhere "$FPCORE" submit -c tiny.ini -w "$best" -o place/mine.zip -s dataset.test=3
holds "so they do" diff -r place place.kept
mkfifo pipe.zip
for force in "" --force; do
    # shellcheck disable=SC2086
    expect "a FIFO ${force:+with $force}" 2 timeout 60 "$FPCORE" submit -c tiny.ini -w "$best" -o pipe.zip $force
    says "is not waited for" 'pipe\.zip: is no plain file and stays as it is; give another name to --out$'
done
holds "and stays one" test -p pipe.zip
echo "notes" >notes.zip
expect "another's file" 2 "$FPCORE" submit -c tiny.ini -w "$best" -o notes.zip
says "is not replaced" 'notes\.zip: is there already, and fpcore submit did not write it; give another name to --out, or --force'
expect "with averaged predictions" 0 "$FPCORE" submit -c tiny.ini -w "$best" -o c.zip -s dataset.test=3 --flip \
    --scales 1,1.5

if command -v python3 >/dev/null; then
    mkdir a c
    python3 -m zipfile -e a.zip a && python3 -m zipfile -e c.zip c || not_ok "the archives open"
    holds "three masks" test "$(find a/masks -name '*.png' | wc -l)" -eq 3
    for file in ckpt.pth weights.safetensors recipe.ini run.sh README.md requirements.txt; do
        holds "solution/$file" test -s a/solution/$file
    done
    holds "the recipe stands alone" "$FPCORE" -c a/solution/recipe.ini --check
    holds "the text tells the parameters" grep -q ' trainable parameters' a/solution/README.md
    holds "and of averages" grep -q '^Prediction: scales 1, 1.5, mirrored with exchanged labels' c/solution/README.md
    mkdir in
    cp "$run/samples.png" in/face.png
    holds "the script" sh a/solution/run.sh --input in --output made
    expect "predict" 0 "$FPCORE" predict -c tiny.ini -w "$best" -o want --size 32 in
    holds "gives what predict gives" cmp made/face.png want/face.png
    holds "with averages too" sh c/solution/run.sh --input in --output made2 --weights c/solution/weights.safetensors
    expect "predict" 0 "$FPCORE" predict -c tiny.ini -w "$best" -o want2 --size 32 --scales 1,1.5 --flip in
    holds "gives what predict gives" cmp made2/face.png want2/face.png
    expect "a script without input" 2 sh a/solution/run.sh --output made
    says "asks for it" 'run\.sh: --input and --output are needed'
    expect "PyTorch's file" 2 sh a/solution/run.sh --input in --output made --weights a/solution/ckpt.pth
    says "is explained" 'fpcore reads weights\.safetensors'
else
    skip "the archive's files" "python3 is not there to unpack it"
fi
python=
for one in python3 /usr/bin/python3; do
    [ -n "$python" ] || ! "$one" -c 'import torch, numpy' 2>/dev/null || python=$one
done
if [ -n "$python" ]; then
    cat >check.py <<'END'
import json, struct, numpy, torch
state = torch.load('a/solution/ckpt.pth')['state_dict']
data = open('a/solution/weights.safetensors', 'rb').read()
n = struct.unpack('<Q', data[:8])[0]
head = {k: v for k, v in json.loads(data[8:8 + n]).items() if k != '__metadata__'}
assert set(head) == set(state) and type(state).__name__ == 'OrderedDict'
for k, v in head.items():
    a, b = v['data_offsets']
    want = numpy.frombuffer(data[8 + n + a:8 + n + b], {'F32': 'f4', 'I64': 'i8'}[v['dtype']]).reshape(v['shape'])
    assert state[k].numpy().dtype == want.dtype and state[k].shape == want.shape and (state[k].numpy() == want).all(), k
END
    holds "PyTorch reads ckpt.pth" "$python" check.py
else
    skip "PyTorch reads ckpt.pth" "it is not installed"
fi

# ---- what was packed is tried ----
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks ds 6
printf '[classes]\n0 = ground\n1 = disc\n2 = left dot\n3 = right dot\n[mirror]\ndots = 2, 3\n' >dots.ini
sed -e '/^\[dataset\]/,/^batch/d' -e 's/^epochs = 4/epochs = 1/' tiny.ini >base.ini
printf 'include = base.ini\n[dataset]\nuse = folder\nroot = ds\nimages = images\nmasks = masks\n' >own.ini
printf 'test_images = images\nclasses = dots.ini\nsize = 32\nbatch = 2\n' >>own.ini
expect "a training with classes of one's own" 0 "$FPCORE" -c own.ini -s run.out=own_runs
own=$(run_in own_runs)
expect "its archive" 0 "$FPCORE" submit -c "$own/recipe.ini" -w "$own/best.safetensors" -o own.zip
says "has its masks" '^own\.zip: 6 masks, '
says "and ran" 'its solution ran$'
holds "no folder is left" sh -c '! ls -d "${TMPDIR:-/tmp}"/fpcore-submit-* 2>/dev/null'
if command -v python3 >/dev/null; then
    python3 -m zipfile -e own.zip own || not_ok "the archive opens"
    holds "it has the classes" grep -q '^2 = left dot' own/solution/classes.ini
    holds "which its recipe names" grep -q '^classes = classes\.ini' own/solution/recipe.ini
    rm -rf dots.ini ds.gone && mv ds ds.gone
    expect "its script alone" 0 sh own/solution/run.sh --input ds.gone/images --output own_masks
    mv ds.gone ds
fi
mkdir path
printf '#!/bin/sh\necho /nowhere/at/all\n' >path/dirname
chmod +x path/dirname
expect "a script that does not run" 1 env PATH="$scratch/path:$PATH" "$FPCORE" submit -c tiny.ini -w "$best" -o e.zip \
    -s dataset.test=1
says "is told with its words" 'e\.zip is not written: its solution/run\.sh, unpacked into an empty folder, does not run: .*/nowhere/at/all'
holds "and leaves no archive" sh -c '! ls e.zip e.zip.* 2>/dev/null'
expect "no place to try it" 1 env TMPDIR=/nowhere "$FPCORE" submit -c tiny.ini -w "$best" -o e.zip -s dataset.test=1
says "is told" 'e\.zip: the solution cannot be tried: /nowhere/fpcore-submit-'
cp a.zip e.zip
expect "an archive that was there" 1 env TMPDIR=/nowhere "$FPCORE" submit -c tiny.ini -w "$best" -o e.zip -s dataset.test=1
holds "stays" cmp a.zip e.zip

expect "a model that is too large" 2 "$FPCORE" submit -c tiny.ini -w "$best" -o d.zip --limit 1000
says "is refused" 'the contest takes fewer than 1000\. model\.max_params = 999'
expect "no test pictures" 2 "$FPCORE" submit -c tiny.ini -w "$best" -o d.zip -s dataset.test=0
says "are missed" 'the data set has no test pictures'
expect "no weights" 2 "$FPCORE" submit -c tiny.ini -o d.zip
says "are missed" '--weights is missing'
expect "no place for it" 1 "$FPCORE" submit -c tiny.ini -w "$best" -o nowhere/d.zip -s dataset.test=1
says "is named" 'nowhere/d\.zip'
holds "nothing was written" test ! -e d.zip
exit $bad
