#!/bin/sh
# fpcore lr: the table, the CSV and the picture say the same, and what the trainer will use.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

expect "lr --csv" 0 "$FPCORE" lr -c tiny.ini -s run.epochs=6 -s schedule.warmup_epochs=3 -s optimizer.lr=8e-4 --csv
cp out got
cat >want <<'END'
epoch,lr
1,8e-05
2,0.00032
3,0.00056
4,0.0008
5,0.0006
6,0.0002
END
holds "the rates of each epoch, from 1" diff want got
expect "lr and weights that change" 0 "$FPCORE" lr -c tiny.ini -s run.epochs=4 -s schedule.use=constant \
    -s schedule.warmup_epochs=2 -s 'optimizer.lr=1e-3 @1, 4e-3 @2, 5e-4 @4' -s 'loss.dice.weight=1.3 @1, 1.5 @3' --csv
cp out got
cat >want <<'END'
epoch,lr,weight.dice
1,0.0001,1.3
2,0.0022,1.3
3,0.004,1.5
4,0.0005,1.5
END
holds "change from their epochs on, under the warm-up" diff want got
expect "a long table" 0 "$FPCORE" lr -c tiny.ini -s run.epochs=900 -s 'loss.dice.weight=1.3 @1, 1.5 @402'
says "shows where a weight changes" '^ +402  \S+ +\S+ %  1\.5 '
expect "lr" 0 "$FPCORE" lr -c tiny.ini -s run.epochs=6 -s schedule.warmup_epochs=3 -s optimizer.lr=8e-4
says "the table has a row per epoch" '^ +4  0\.0008 +100\.0 %  #{40}$'
expect "warm restarts" 0 "$FPCORE" lr -c "$FPCORE_SRC/conf/recorded/lmsa_dice1.5_warm_restart.ini" --all
says "are back at the base rate at epoch 31" '^ +31  0\.0008 +100\.0 %  #{40}  restart$'
says "after the least one" '^ +30  4\.15\S*e-06'
expect "a long table" 0 "$FPCORE" lr -c "$FPCORE_SRC/conf/recorded/lmsa_dice1.5_warm_restart.ini"
says "shows restarts whatever it leaves out" '^ +81  0\.0008 +100\.0 %  #{40}  restart$'
lines=$(wc -l <out)
holds "and is short" test "$lines" -lt 60
expect "as recorded" 0 "$FPCORE" lr -c "$FPCORE_SRC/conf/recorded/lmsa_v1.ini" --recorded --csv
says "the first epoch's is what the second one uses" '^1,0\.000224$'
says "the last one's is where the cosine ends" '^200,0$'
expect "and as used" 0 "$FPCORE" lr -c "$FPCORE_SRC/conf/recorded/lmsa_v1.ini" --csv
says "the first epoch begins the warm-up" '^1,8e-05$'
says "the second one has what was recorded after the first" '^2,0\.000224$'
expect "lr --png" 0 "$FPCORE" lr -c tiny.ini --png lr.png
says "says what it wrote" "^lr\\.png: the rate of [0-9]+ epochs\$"
lines=$(wc -l <out)
holds "and nothing else" test "$lines" -eq 1
holds "writes a PNG" sh -c 'head -c 4 lr.png | grep -q PNG'
if command -v python3 >/dev/null; then
    cat >blue.py <<'END'
import sys, zlib
d = open("lr.png", "rb").read()
w, h = int.from_bytes(d[16:20], "big"), int.from_bytes(d[20:24], "big")
at, packed = 8, b""
while at < len(d):
    n = int.from_bytes(d[at:at + 4], "big")
    packed += d[at + 8:at + 8 + n] if d[at + 4:at + 8] == b"IDAT" else b""
    at += 12 + n
raw, rows, before = zlib.decompress(packed), [], bytes(3 * w)
for y in range(h):
    kind, row = raw[y * (3 * w + 1)], bytearray(raw[y * (3 * w + 1) + 1:(y + 1) * (3 * w + 1)])
    for x in range(3 * w):
        a, b, c = row[x - 3] if x > 2 else 0, before[x], before[x - 3] if x > 2 else 0
        near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        row[x] = (row[x] + (0, a, b, (a + b) // 2, near)[kind]) & 255
    rows.append(row)
    before = row
blue = [y for y in range(h) if any(rows[y][3 * x + 2] > rows[y][3 * x] + 100 for x in range(w))]
sys.exit(not blue or blue[0] < 28 or not any(y > h // 2 for y in blue))
END
    holds "the curve stays below its title" python3 blue.py
else
    echo "ok the curve stays below its title # SKIP no python3 to read the picture"
fi
expect "a folder that is not there" 1 "$FPCORE" lr -c tiny.ini --png nowhere/lr.png
says "is named" 'nowhere/lr\.png'
expect "a word too many" 2 "$FPCORE" lr -c tiny.ini now
says "is named" 'fpcore lr: `now` is one word too many'
exit $bad
