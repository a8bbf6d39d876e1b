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
expect "lr" 0 "$FPCORE" lr -c tiny.ini -s run.epochs=6 -s schedule.warmup_epochs=3 -s optimizer.lr=8e-4
says "the table has a row per epoch" '^ +4  0\.0008 +#{40}$'
expect "warm restarts" 0 "$FPCORE" lr -c "$FPCORE_SRC/conf/lmsa_dice1.5_warm_restart.ini" --all
says "are back at the base rate at epoch 31" '^ +31  0\.0008 +#{40}  restart$'
says "after the least one" '^ +30  4\.15\S*e-06'
expect "a long table" 0 "$FPCORE" lr -c "$FPCORE_SRC/conf/lmsa_dice1.5_warm_restart.ini"
says "shows restarts whatever it leaves out" '^ +81  0\.0008 +#{40}  restart$'
lines=$(wc -l <out)
holds "and is short" test "$lines" -lt 60
expect "lr --png" 0 "$FPCORE" lr -c tiny.ini --png lr.png
bytes=$(wc -c <out)
holds "prints nothing else" test "$bytes" -eq 0
holds "writes a PNG" sh -c 'head -c 4 lr.png | grep -q PNG'
expect "a folder that is not there" 1 "$FPCORE" lr -c tiny.ini --png nowhere/lr.png
says "is named" 'nowhere/lr\.png'
expect "a word too many" 2 "$FPCORE" lr -c tiny.ini now
says "is named" 'fpcore lr: `now` is one word too many'
exit $bad
