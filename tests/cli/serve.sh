#!/bin/sh
# fpcore serve: the bytes of `fpcore predict`; JSON; what is refused, and in what words; slow clients, many at once, 10,000
# requests that are wrong, after which it serves as before; signals. The client is tests/serve/client.c.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
expect "no network" 2 "$FPCORE" serve
says "is told" '^fpcore: error: fpcore serve: nothing is named; a run folder or a \.safetensors file is wanted$'
expect "two of them" 2 "$FPCORE" serve a b
says "are told" 'more than one name is given'
for port in 65536 -1 http 80x ''; do
    expect "port '$port'" 2 "$FPCORE" serve --port "$port" a
    says "is refused" "--port $port: not a number from 0 to 65535"
done
expect "too much memory" 2 "$FPCORE" serve --max-mib 1025 a
says "is refused" '--max-mib 1025: at most 1024 are possible'
expect "larger pictures than are read" 2 "$FPCORE" serve --max-megapixels 65 a
says "are refused" '--max-megapixels 65: at most 64 are possible'
expect "a training" 0 "$FPCORE" -c tiny.ini -s run.epochs=1
run=$(run_in runs)
expect "an address of another machine" 1 "$FPCORE" serve --host 192.0.2.1 "$run"
if grep -q 'without libmicrohttpd' out; then
    says "it says what is missing" 'fpcore serve: this fpcore was built without libmicrohttpd, which speaks HTTP; install it \(Debian: apt-get install libmicrohttpd-dev\), then run configure and make again$'
    echo "ok the server # SKIP this build is without libmicrohttpd"
    exit $bad
fi
says "is refused" 'port 8080 of 192\.0\.2\.1 cannot be opened: .*; --host wants an address of this machine$'
expect "a host that is none" 2 "$FPCORE" serve --host no..host "$run"
says "is refused" '--host no\.\.host: .*; an address of this machine is wanted, such as 127\.0\.0\.1'
expect "no such run" 1 "$FPCORE" serve nowhere.safetensors
pid='' san=''
case $(readelf -d "$FPCORE_BUILD/.libs/libfpcore.so" 2>/dev/null) in
*libasan* | *libtsan*) san=1 ;;
esac
${CC:-cc} -std=c11 -O1 -g "$FPCORE_SRC/tests/serve/client.c" -lpthread -o client >out 2>&1 || { not_ok "the client compiles" out; exit 1; }
cp "$run/samples.png" face.png
"$FPCORE" predict -w "$run" -o masks face.png >out 2>&1 || not_ok "predict" out

# start OPTION...: a server on a free port; sets pid and port
start() {
    : >url
    "$FPCORE" serve --port 0 "$@" >url 2>log &
    pid=$!
    while [ ! -s url ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
    port=$(sed -n 's,^http://127\.0\.0\.1:\([0-9]*\)/$,\1,p' url)
    [ -n "$port" ] || { not_ok "serve $*" log; exit 1; }
}
# stop: by SIGTERM; it ends well
stop() {
    kill $pid
    wait $pid
    code=$?
    if [ $code -eq 0 ]; then ok "the server ends well"; else not_ok "the server ends well, not by $code" log; fi
}
trap 'kill $pid 2>/dev/null; rm -rf "$scratch"' EXIT
# ask WHAT STATUS METHOD PATH FILE [HEADER]...
ask() {
    what=$1
    wanted=$2
    shift 2
    got=$(./client ask "$port" "$@" 2>&1)
    cat head body >out 2>/dev/null
    if [ "$got" = "$wanted" ]; then ok "$what: $wanted"; else not_ok "$what: $wanted, not $got" out; fi
}
head_says() { if tr -d '\r' <./head | grep -qE -- "$2"; then ok "$1"; else not_ok "$1" head; fi; }

# ---- what it is for ----
start -v --max-mib 2 "$run"
holds "its address is one line" test "$(wc -l <url)" -eq 1
ask "a picture" 200 POST /segment face.png
holds "the bytes of fpcore predict" cmp body masks/face.png
head_says "as a PNG" '^Content-Type: image/png$'
ask "as curl sends it" 200 POST /segment face.png 'Content-Type: application/x-www-form-urlencoded' 'Accept: */*'
holds "the same bytes" cmp body masks/face.png
ask "counts" 200 POST /segment face.png 'Accept: application/json'
says "are JSON" '^\{"width":[0-9]+,"height":[0-9]+,"classes":\[\{"index":[0-9]+,"name":"[a-z_]+","rgb":\[[0-9,]+\],"pixels":[0-9]+,"share":[0-9.]+,"box":\[[0-9,]+\]\}'
holds "without the mask" sh -c '! grep -q png body'
ask "counts and the mask" 200 POST '/segment?mask' face.png
sed 's/.*"png":"\([^"]*\)".*/\1/' body | base64 -d >got.png
holds "which is the same" cmp got.png masks/face.png
ask "the model" 200 GET /model -
says "is told" "^\{\"name\":\"$(basename "$run")\",\"model\":\"microsegformer\",.*\"width\":32,\"height\":32,.*\"classes\":\[\{\"index\":0,\"name\":\"background\",\"rgb\":\[0,0,0\]\},.*\"limits\":\{\"mib\":2,\"megapixels\":64,\"at_once\":16\}\}$"
ask "the page" 200 GET / -
says "is whole" '^</html>$'
nonce=$(sed -n 's/^<script nonce="\([0-9a-f]*\)">$/\1/p' body)
holds "its script has a word" test ${#nonce} -eq 32
head_says "which the policy names, and nothing else runs" "^Content-Security-Policy: default-src 'none'; script-src 'nonce-$nonce'; style-src 'nonce-$nonce'; "
ask "once more" 200 GET / -
holds "with another word" sh -c "! grep -q $nonce body"
ask "its head alone" 200 HEAD / -
holds "is without the page" test ! -s body
cp log out
says "-v: a line for each request" '^fpcore: POST /segment: 200, [0-9]+ ms$'

# ---- what is refused ----
ask "another path" 404 GET /../../etc/passwd -
says "is told" '^there is no /\.\./\.\./etc/passwd here; there are /, /model and /segment$'
ask "a path with a zero" 404 GET /model%00 -
ask "in JSON where that is wanted" 404 GET /x - 'Accept: application/json'
says "is told so" '^\{"error":"there is no /x here; there are /, /model and /segment"\}$'
ask "a picture to look at" 405 GET /segment -
says "is told" '^/segment takes POST, not GET$'
head_says "with what goes" '^Allow: POST$'
ask "deleting the page" 405 DELETE / -
ask "another host" 403 GET / - 'Host: evil.example'
says "is told" '^this server is reached as localhost, 127\.0\.0\.1 or \[::1\] alone, not as evil\.example; '
ask "localhost" 200 GET /model - 'Host: localhost:1234'
ask "a page of another site" 403 POST /segment face.png 'Origin: http://evil.example'
says "is told" '^a page of http://evil\.example may not send pictures here'
ask "its own page" 200 POST /segment face.png "Origin: http://127.0.0.1:$port"
holds "no other site may read answers" sh -c '! grep -qi "^Access-Control" head'
ask "a form" 415 POST /segment face.png 'Content-Type: multipart/form-data; boundary=x'
says "is told" 'send a JPEG or PNG file itself as the body, as in curl --data-binary @face\.jpg$'
ask "a packed body" 415 POST /segment face.png 'Content-Encoding: gzip'
ask "another word in the query" 400 POST '/segment?size=3' face.png
says "is told" '^/segment has no "size"; all that can be asked is /segment\?mask$'
: >empty
ask "nothing" 400 POST /segment empty
says "is told" '^no picture came; send a JPEG or PNG file as the body'
echo hello >text
ask "no picture" 400 POST /segment text
says "is told" '^the picture: neither a JPEG nor a PNG file$'
head -c 200 face.png >cut.png
ask "half a picture" 400 POST '/segment?mask' cut.png
says "is told" '^\{"error":"the picture: broken PNG: '
head -c 2097153 /dev/zero >big
ask "a file that is too large" 413 POST /segment big
says "is told" '^a file of more than 2 MiB is not taken; send a smaller one, or give more to --max-mib$'
ask "before it is sent" 413 POST /segment big 'Expect: 100-continue'
holds "and not read" sh -c '! grep -q "100 Continue" head'
printf '%x\r\n' 3000000 >chunked && head -c 3000000 /dev/zero >>chunked && printf '\r\n0\r\n\r\n' >>chunked
ask "in chunks" 413 POST /segment chunked 'Transfer-Encoding: chunked'
stop
start --max-megapixels 1 "$run"
# IHDR of 1200 x 1000 grey pixels, with its checksum
printf '\211PNG\r\n\032\n\000\000\000\rIHDR\000\000\004\260\000\000\003\350\010\000\000\000\000\353\060\130\007\000\000\000\000IDAT' >large.png
ask "a picture of too many pixels" 413 POST /segment large.png
says "is told" '^the picture has 1200 x 1000 pixels, and more than 1 megapixels are not taken; .* --max-megapixels$'
stop

# ---- many, and slow ones ----
start --at-once 1 --timeout 1 "$run"
mkfifo go
./client hold "$port" face.png masks/face.png go >held_one &
holder=$!
until grep -q holding held_one; do sleep 0.02; done
ask "a second picture at a time" 503 POST /segment face.png
says "is to come again" '^1 picture is already at work; come again in a moment$'
head_says "and told when" '^Retry-After: 1$'
ask "all else goes on" 200 GET /model -
for how in head body idle; do
    expect "a client that is slow ($how)" 0 ./client slow "$port" $how
    says "is left" '^closed$'
done
: >go
wait $holder
ask "then there is room" 200 POST /segment face.png
stop
start --at-once 100 "$run"
expect "a hundred pictures at once" 0 ./client flood "$port" face.png masks/face.png 100 100
says "are all answered rightly" '^100 right, 0 busy, 0 wrong$'
stop
start "$run"
expect "a hundred where sixteen are taken" 0 ./client flood "$port" face.png masks/face.png 100 100
says "are answered, or told to come again" '^[1-9][0-9]* right, [0-9]+ busy, 0 wrong$'
says "sixteen at least" '^(1[6-9]|[2-9][0-9]|100) right'

# ---- nonsense ----
./client hostile "$port" face.png 500 1 >out # what is taken once is there
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status; }
files() { ls /proc/$pid/fd | wc -l; }
before=$(memory)
open=$(files)
expect "10,000 requests that are wrong" 0 ./client hostile "$port" face.png 10000 2
says "are all answered or closed, and none is taken" '; 0 unreachable, 0 hung, 0 accepted$'
cp out nonsense
for code in 400 403 404 405 413 414 415 431; do
    holds "some by $code" grep -q " of $code;" nonsense
done
after=$(memory)
if [ -n "$san" ]; then
    echo "ok memory # SKIP a sanitizer keeps what is freed"
else
    echo "$before KiB before, $after KiB after" >held
    if [ "$after" -lt $((before + 16384)) ]; then ok "memory is as before"; else not_ok "memory is as before" held; fi
fi
tries=0
until [ "$(files)" -le "$open" ] || [ $tries -gt 500 ]; do sleep 0.02 && tries=$((tries + 1)); done
holds "and so are open files" test "$(files)" -le "$open"
expect "it serves" 0 ./client flood "$port" face.png masks/face.png 50 4
says "as before" '^50 right, 0 busy, 0 wrong$'

# ---- the end ----
./client hold "$port" face.png masks/face.png go >held_one &
holder=$!
until grep -q holding held_one; do sleep 0.02; done
kill $pid
cp log out
until grep -q 'answering what was asked' log || ! kill -0 $pid; do sleep 0.02; done
tries=0
until [ "$(./client ask "$port" GET / -)" = "no connection" ] || [ $tries -gt 500 ]; do sleep 0.02 && tries=$((tries + 1)); done
holds "after a signal nobody is let in" test $tries -le 500
: >go
wait $holder
cp held_one out
says "what was asked before is answered" '^200, the same$'
wait $pid
code=$?
holds "and it ends well" test $code -eq 0
cp log out
says "saying so" '^fpcore: answering what was asked; once more ends it at once$'

# ---- the page, in a browser ----
python=${FPCORE_PYTHON:-python3}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$chromium" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
    echo "ok the page in a browser # SKIP chromium or $python is not there (Debian: apt-get install chromium)"
elif ! HOME=$scratch timeout 60 "$chromium" --headless=new --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" \
    --dump-dom about:blank >out 2>&1; then
    echo "ok the page in a browser # SKIP chromium does not start here"
else
    start "$run"
    HOME=$scratch timeout 300 "$python" "$FPCORE_SRC/tests/cli/serve_page.py" "$chromium" "$(cat url)" face.png masks/face.png || bad=1
    stop
fi

# ---- other addresses ----
: >url
"$FPCORE" serve --port 0 --host 0.0.0.0 "$run" >url 2>log &
pid=$!
while [ ! -s url ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
port=$(sed -n 's,^http://0\.0\.0\.0:\([0-9]*\)/$,\1,p' url)
ask "all addresses, by any name" 200 GET /model - 'Host: my.machine'
cp log out
says "are warned of" 'warning: whoever reaches http://0\.0\.0\.0:[0-9]*/ may send pictures; there is neither a password nor encryption$'
expect "a port that is taken" 1 "$FPCORE" serve --host 0.0.0.0 --port "$port" "$run"
says "is told" "port $port of 0\.0\.0\.0 cannot be opened: Address already in use; another program has it: give another to --port, or 0 for a free one"
stop
expect "an address that nobody is told" 1 sh -c '"$0" serve --port 0 "$1" >/dev/full' "$FPCORE" "$run"
says "is an error" 'its address cannot be written to standard output'
exit $bad
