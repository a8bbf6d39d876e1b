#!/bin/sh
# fpcore sweep --random: samples of ranges and lists. The same command draws the same, more samples only add runs, a job
# array draws what the sweep does; and what is refused before anything runs.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

sed 's/^epochs = 4/epochs = 1/' tiny.ini >t.ini && mv t.ini tiny.ini
runs_in() { ls -d "$1"/*-[0-9]*-[0-9]* 2>/dev/null | wc -l; }
names() { sed -n 's/^[0-9]*  \(.*\)  is [a-z]*$/\1/p' "$1"; }

lr='optimizer.lr=1e-4..3e-3:log' weight=loss.dice.weight=0.5..2
set -- sweep -c tiny.ini --grid $lr --grid $weight --grid model.decoder_dim=8..24 --grid schedule.use=cosine,constant
expect "a plan of samples" 0 "$FPCORE" "$@" --random 5 --seeds 2 --out r --dry-run
says "has every sample with every seed" '^10 runs: 5 recipes or values, 2 seeds; folder r$'
holds "names it by short numbers, whole ones where the option's are" sh -c \
    'test "$(grep -cE "^[0-9]+  tiny,optimizer\.lr=[0-9.e-]{4,7},dice\.weight=[0-9.]{1,5},model\.decoder_dim=[0-9]{1,2},schedule\.use=(cosine|constant),s[12]  is new$" out)" -eq 10'
holds "trains nothing" test ! -e r
names out >five
expect "more samples" 0 "$FPCORE" "$@" --random 8 --seeds 2 --out r --dry-run
holds "begin with the same ones" sh -c 'sed -n "s/^[0-9]*  \(.*\)  is new$/\1/p" out | head -n 10 | cmp - five'
expect "the keys in another order" 0 "$FPCORE" sweep -c tiny.ini --grid $weight --grid $lr --random 5 --dry-run
holds "draw the same" sh -c 'test "$(sed -n "s/^1  .*dice\.weight=\([^,]*\),.*/\1/p" out)" = "$(sed -n "1s/.*dice\.weight=\([^,]*\),.*/\1/p" five)"'
expect "another stream" 0 "$FPCORE" "$@" --random 5 --seeds 2 --out r --random-seed 2 --dry-run
names out >other
holds "draws others" sh -c 'test -s other && ! cmp -s other five'

set -- sweep -c tiny.ini --grid $lr --grid schedule.use=cosine,constant --out r
expect "two samples" 0 "$FPCORE" "$@" --random 2 -j 2
says "are compared" '^B against A: '
holds "are two runs" test "$(runs_in r)" -eq 2
holds "sweep.json says what was asked for" sh -c \
    'grep -q "\"1e-4\.\.3e-3:log\"" r/sweep.json && grep -q "\"random\": 2" r/sweep.json && grep -q "\"random_seed\": 1" r/sweep.json'
cksum r/*/last.safetensors >before
expect "a third" 0 "$FPCORE" "$@" --random 3
holds "is all that is run" sh -c 'test "$(ls r/*/last.safetensors | wc -l)" -eq 3 && test "$(cksum r/*/last.safetensors | grep -cFx -f before)" -eq 2'
expect "one of them alone" 0 "$FPCORE" "$@" --random 4 --only 4
holds "is the fourth" test "$(runs_in r)" -eq 4
expect "all four" 0 "$FPCORE" "$@" --random 4 --dry-run
holds "are complete" test "$(grep -c ' is complete$' out)" -eq 4

expect "--slurm" 0 "$FPCORE" "$@" --random 6 --random-seed 1 --slurm job.sh
holds "has a task for each sample" grep -q '^#SBATCH --array=1-6$' job.sh
expect "a task that is there already" 0 env SLURM_ARRAY_TASK_ID=2 LD_LIBRARY_PATH="$FPCORE_BUILD/.libs" sh job.sh
holds "is drawn as the sweep drew it" test "$(runs_in r)" -eq 4
expect "a task that is not" 0 env SLURM_ARRAY_TASK_ID=5 LD_LIBRARY_PATH="$FPCORE_BUILD/.libs" sh job.sh
holds "is trained" test "$(runs_in r)" -eq 5

refused() { # WHAT WANT OPTION...
    what=$1 want=$2
    shift 2
    expect "$what" 2 "$FPCORE" sweep -c tiny.ini --out no "$@"
    says "says: $want" "$want"
}
refused "a range without --random" '--grid optimizer\.lr=1\.\.2: a range is drawn from with --random N' --grid optimizer.lr=1..2
refused "nothing to draw from" '--random 4: there is nothing to draw from; give a range or several values' --random 4
refused "one value" 'there is nothing to draw from' --random 4 --grid optimizer.lr=1
refused "no samples" '--random 0: not a whole number from 1 on' --random 0 --grid $lr
refused "a stream of nothing" '--random-seed 2: only --random N draws' --random-seed 2 --grid optimizer.lr=1,2
refused "a range upside down" '--grid optimizer\.lr=3\.\.1: 3 is not below 1' --random 4 --grid optimizer.lr=3..1
refused "the logarithm of 0" '0 has no logarithm' --random 4 --grid optimizer.lr=0..1:log
refused "no such way" 'not a range of numbers, which is LO\.\.HI or' --random 4 --grid optimizer.lr=1..2:lin
refused "a range in a list" '1\.\.2 is a range among other values' --random 4 --grid 'optimizer.lr=1..2,3'
refused "a lower end out of range" 'optimizer\.lr = -1: is out of range' --random 4 --grid optimizer.lr=-1..1
refused "an upper end out of range" '--grid loss\.dice\.weight=1\.\.1e10: 1e10 is out of range; give 0 \.\. 1000000000' \
    --random 4 --grid loss.dice.weight=1..1e10
refused "an end that is no whole number" '--grid model\.decoder_dim=8\.\.9\.5: 9\.5 is not a whole number; give 4 \.\. 4096' \
    --random 4 --grid model.decoder_dim=8..9.5
refused "an option that takes words" '--grid run\.init_skip=1\.\.2: the key takes no number that could be drawn from a range; give text' \
    --random 4 --grid run.init_skip=1..2
refused "an unknown key" 'optimizer\.lrr.*did you mean `lr`' --random 4 --grid optimizer.lrr=1..2
refused "a key twice" 'optimizer\.lr is given twice' --random 4 --grid $lr --grid $lr
refused "a key of the grid once more" 'the grid has values for that key too' --random 4 --grid $lr -s optimizer.lr=1
refused "more samples than there are" '--random 3: after 2 samples 1000 further draws brought none that was not there' \
    --random 3 --grid schedule.use=cosine,constant
refused "too many" '--random: samples of more than 10000 runs' --random 5001 --seeds 2 --grid $lr
holds "nothing of it runs" test ! -e no
exit $bad
