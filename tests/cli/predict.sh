#!/bin/sh
# fpcore predict: masks and overlays of pictures, what is said of them, which files may be replaced and which never,
# broken pictures, folders in folders.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
expect "a training" 0 "$FPCORE" -c tiny.ini -s run.epochs=1
run=$(run_in runs)
predict() { "$FPCORE" predict -w "$run" "$@"; }

# ---- masks ----
mkdir pictures
cp "$run/samples.png" pictures/face.png
cp "$run/curves.png" pictures/other.png
expect "predict" 0 predict -o masks pictures
says "it says how many" '^masks: 2 masks$'
if [ "$(wc -l <out)" -eq 1 ]; then ok "and nothing else"; else not_ok "and nothing else" out; fi
# width and height stand in bytes 16 to 23 of a PNG, bits and colour type (3: palette) in 24 and 25
head_of() { od -An -tu1 -j16 -N"$2" "$1" | tr -d '\n'; }
holds "a mask has the picture's size" test "$(head_of masks/face.png 8)" = "$(head_of pictures/face.png 8)"
holds "and is an 8-bit palette PNG" test "$(od -An -tu1 -j24 -N2 masks/face.png | tr -s ' ')" = " 8 3"
expect "with overlays, in a folder below others that are not there" 0 predict -o deep/er/masks --overlay -v pictures
says "-v lists masks" '^deep/er/masks/face\.png$'
says "and overlays" '^deep/er/masks/face\.overlay\.png$'
says "and the legend" '^deep/er/masks/overlay\.legend\.png$'
says "the sum" '^deep/er/masks: 2 masks with overlays; deep/er/masks/overlay\.legend\.png tells their colours$'
holds "the same masks" cmp masks/face.png deep/er/masks/face.png
holds "an overlay has the picture's size" test "$(head_of deep/er/masks/face.overlay.png 8)" = "$(head_of pictures/face.png 8)"
holds "and is no picture of before" sh -c '! cmp -s deep/er/masks/face.overlay.png pictures/face.png'
cp masks/face.png before.png
expect "once more into the same folder" 0 predict -o masks pictures
holds "gives the same" cmp masks/face.png before.png
holds "no temporary file stays" sh -c '! ls -A masks deep/er/masks | grep tmp'
expect "no picture" 2 predict -o masks
says "is said" 'no pictures are given'
expect "a picture that is not there" 1 predict -o masks pictures nowhere.png
says "is named" 'nowhere\.png: No such file'
expect "one before others" 1 predict -o some nowhere.png pictures
says "is told of" '^fpcore: error: nowhere\.png: No such file'
says "like a broken one" '^some: 2 masks$'
says "and counted" '1 of 3 pictures could not be read'
holds "the others have their masks" cmp some/face.png masks/face.png
mkdir -p locked/in world && cp pictures/face.png locked/ && cp pictures/face.png locked/in/
chmod 755 "$scratch" && chmod 777 world && chmod 0 locked/in
as_nobody= # root looks into everything
[ "$(id -u)" -ne 0 ] || as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
chmod -R a+rX "$run" pictures
# shellcheck disable=SC2086
if [ -z "$as_nobody" ] || $as_nobody "$FPCORE" -V >/dev/null 2>&1; then
    expect "a folder that cannot be looked into, in another" 1 $as_nobody "$FPCORE" predict -w "$run" -r -o world/a locked
    says "is told of" '^fpcore: error: locked/in: cannot be listed: Permission denied$'
    says "the others get their masks" '^world/a: 1 mask$'
    says "and it is counted" '^fpcore: error: 1 folder could not be looked into$'
    chmod 755 locked/in && chmod 0 locked
    expect "before others" 1 $as_nobody "$FPCORE" predict -w "$run" -o world/b locked pictures
    says "is told of as well" '^fpcore: error: locked: cannot be listed: Permission denied$'
    says "and the rest goes on" '^world/b: 2 masks$'
    expect "alone" 1 $as_nobody "$FPCORE" predict -w "$run" -o world/d locked
    says "it ends the run" '^fpcore: error: locked: cannot be listed: Permission denied$'
    holds "before a folder is made" test ! -e world/d
    chmod 755 locked
else
    echo "ok a folder that cannot be looked into # SKIP root looks into everything, and setpriv makes nobody else of it"
fi
expect "alone" 1 predict -o none nowhere.png
says "it ends the run" '^fpcore: error: nowhere\.png: No such file'
holds "before a folder is made" test ! -e none
long=$(printf '%0250d' 7)
cp "$run/samples.png" "$long.png"
expect "a name as long as names can be" 0 predict -o masks "$long.png"
holds "is kept" test -s "masks/$long.png"

# ---- what may not be replaced ----
cp -r pictures kept
refused() {
    holds "and nothing was written" diff -r pictures kept
}
expect "masks over pictures" 2 predict -o pictures pictures
says "are refused" '^fpcore: error: pictures/face\.png: would be replaced by what is written for pictures/face\.png; give another'
refused
expect "also by force" 2 predict --force -o pictures pictures
refused
ln pictures/face.png link.png
mkdir byname
ln -s ../link.png byname/face.png
expect "and by another name" 2 predict -o byname pictures/face.png
says "which is told" '^fpcore: error: pictures/face\.png: would be replaced'
mkdir twin && cp pictures/face.png twin/face.png
expect "two pictures of one name" 2 predict -o masks pictures twin
says "are refused" 'masks/face\.png: would be written for pictures/face\.png and for twin/face\.png'
mkdir photos
cp pictures/face.png photos/a.png
cp pictures/face.png photos/a.overlay.png
expect "a mask over the overlay of another picture" 2 predict -o out1 --overlay photos
says "is refused" 'out1/a\.overlay\.png: would be written for photos/a.* and for photos/a'
holds "before the folder is made" test ! -e out1
expect "without overlays nothing is in the way" 0 predict -o out1 photos
cp pictures/face.png photos/overlay.legend.png
expect "a mask over the legend" 2 predict -o out2 --overlay photos/overlay.legend.png
says "is refused" 'would be written for .*the legend'

mkdir mine
cp pictures/other.png mine/face.png
cp pictures/other.png mine/face.overlay.png
cp -r mine mine.kept
expect "a file that predict did not write" 2 predict -o mine pictures/face.png
says "stays" 'mine/face\.png: is there already, and fpcore predict did not write it; .* --force'
expect "nor two" 2 predict -o mine --overlay pictures/face.png
says "stay" 'mine/face.*png and 1 more: are there already'
holds "as they were" diff -r mine mine.kept
expect "unless it is said" 0 predict -o mine --overlay --force pictures/face.png
holds "then they are masks" cmp mine/face.png masks/face.png
expect "and ours from then on" 0 predict -o mine --overlay pictures/face.png
mkdir special && mkfifo special/face.png
for force in "" --force; do
    # shellcheck disable=SC2086
    expect "a FIFO in the way ${force:+with $force}" 2 timeout 60 "$FPCORE" predict -w "$run" -o special $force pictures
    says "is told" 'special/face\.png: is no plain file and stays as it is; give another folder to --out$'
done
holds "and stays one" sh -c 'test -p special/face.png && test ! -e special/other.png'
mkdir noted && echo notes >noted/face.png.tmp
expect "a file beside a mask that is called as a temporary one could be" 0 predict -o noted pictures/face.png
holds "stays" test "$(cat noted/face.png.tmp)" = notes
mkdir -p mine/other.png
expect "a folder in the way" 2 predict -o mine --force pictures/other.png
says "is told" 'mine/other\.png: is a folder'
expect "a file in place of the folder" 1 predict -o link.png pictures/face.png
says "is told" 'the folder link\.png cannot be made'

# ---- probabilities ----
expect "probabilities" 0 predict -o probs --probs -v pictures
says "are listed" '^probs/face\.probs\.safetensors$'
holds "at the network's size" grep -aq '"probabilities":.*"shape":\[32,32,19\]' probs/face.probs.safetensors
holds "four bytes each" test "$(wc -c <probs/face.probs.safetensors)" -gt $((32 * 32 * 19 * 4))
cp probs/face.probs.safetensors first.safetensors
expect "again" 0 predict -o probs --probs pictures
holds "the same" cmp probs/face.probs.safetensors first.safetensors
cp "$run/best.safetensors" probs/face.probs.safetensors
expect "over other tensors" 2 predict -o probs --probs pictures
says "is refused" 'probs/face\.probs\.safetensors: is there already'

# ---- broken pictures, and files that are none ----
mkdir some
cp pictures/face.png some/a.png
head -c 200 pictures/face.png >some/b.png
cp pictures/face.png some/c.png
printf '\000\005\026\007' >some/._a.png
cp pictures/face.png some/.hidden.png
: >some/d.jpg
ln -s nowhere.png some/e.png
expect "broken pictures" 1 predict -o out3 some
says "are named" '^fpcore: error: some/b\.png: '
says "each" '^fpcore: error: some/d\.jpg: the file is empty'
says "and each" '^fpcore: error: some/e\.png: No such file'
says "and counted, without what begins with a dot" '^fpcore: error: 3 of 5 pictures could not be read$'
says "the others are done" '^out3: 2 masks$'
holds "all of them" test -s out3/a.png -a -s out3/c.png -a ! -e out3/b.png
expect "one broken picture alone" 1 predict -o out3 some/b.png
says "is named" '^fpcore: error: some/b\.png: '
if [ "$(wc -l <out)" -eq 1 ]; then ok "once"; else not_ok "once" out; fi

# ---- standard input and output ----
"$FPCORE" predict -w "$run" -o - pictures/face.png >piped.png 2>out
holds "a mask on standard output" cmp piped.png masks/face.png
"$FPCORE" predict -w "$run" -o - - <pictures/face.png >piped.png 2>out
holds "of standard input" cmp piped.png masks/face.png
cat pictures/face.png | "$FPCORE" predict -w "$run" -o fromstdin --overlay - >out 2>&1
holds "into a folder" cmp fromstdin/stdin.png masks/face.png
holds "with an overlay" test -s fromstdin/stdin.overlay.png
expect "two pictures" 2 predict -o - pictures
says "are too many" '-o - takes the mask of one picture and nothing else, not 2 masks'
expect "an overlay" 2 predict -o - --overlay pictures/face.png
says "is too much" 'not --overlay; give a folder'
expect "standard input twice" 2 predict -o out6 - -
says "is refused" 'out6/stdin\.png: would be written for - and for -'
expect "nothing on standard input" 1 sh -c '"$0" predict -w "$1" -o out6 - </dev/null' "$FPCORE" "$run"
says "is told" '^fpcore: error: standard input: it is empty$'
expect "no picture on standard input" 1 sh -c 'echo hello | "$0" predict -w "$1" -o out6 -' "$FPCORE" "$run"
says "is told" '^fpcore: error: standard input: neither a JPEG nor a PNG file$'
expect "a full disk behind standard output" 1 sh -c '"$0" predict -w "$1" -o - pictures/face.png >/dev/full' "$FPCORE" "$run"
cp pictures/face.png ./-.png && mv ./-.png ./-
expect "a file called -" 0 predict -o out7 ./-
holds "has a path" cmp out7/-.png masks/face.png

# ---- names with line ends ----
line=$(printf 'one\ntwo')
mkdir "$line"
cp pictures/face.png "$line/$line.png"
expect "a name of two lines" 0 predict -v --overlay -o "$line/$line" "$line/$line.png"
says "is one line" '^one\?two/one\?two/one\?two\.png$'
if grep -q '^two' out; then not_ok "and every other line too" out; else ok "and every other line too"; fi
holds "the file has the name" test -s "$line/$line/$line.png"

# ---- folders in folders ----
mkdir -p tree/one/two tree/three tree/.git tree/x.jpg
cp pictures/face.png tree/face.png
cp pictures/face.png tree/one/face.png
cp pictures/other.png tree/one/two/other.png
cp pictures/other.png tree/.git/other.png
cp pictures/other.png tree/x.jpg/other.png
ln -s .. tree/three/up
expect "a folder" 0 predict -o out4 tree
says "without its sub-folders" '^out4: 1 mask$'
says "which are told of" '^passed over: 3 sub-folders; --recursive looks into them$'
expect "a folder with one folder" 0 predict -o out8 tree/one
says "has one that is passed over" '^passed over: 1 sub-folder; --recursive looks into it$'
expect "with them" 0 predict -o out4 -r tree/
says "has all" '^out4: 4 masks$'
holds "in folders of the same names" test -s out4/face.png -a -s out4/one/face.png -a -s out4/one/two/other.png -a \
    -s out4/x.jpg/other.png
holds "and no others" test "$(find out4 -type f | wc -l)" -eq 4
expect "masks among the pictures" 0 predict -o tree/masks -r --overlay tree
expect "are passed over" 0 predict -o tree/masks -r --overlay tree
says "which is said" '^passed over: 9 files that fpcore predict wrote$'
says "so that the same is written again" '^tree/masks: 4 masks with overlays'
mkdir -p empty/one
expect "nothing but folders" 1 predict -o out5 empty
says "is told" 'empty: holds no pictures \(\.jpg, \.jpeg, \.png\), but 1 folder; --recursive looks into it$'
expect "nothing at all" 1 predict -r -o out5 empty
says "is told too" 'empty: holds no pictures'
expect "nothing but masks" 1 predict -o out5 masks
says "is told as well" 'masks: holds no pictures .* but those that fpcore predict wrote'
exit $bad
