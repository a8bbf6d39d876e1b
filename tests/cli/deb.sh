#!/bin/sh
# The Debian packages of `make deb`, made of the tree that `make check` has installed: what they hold and need, that both
# unpacked into any folder work there, that they are made alike twice; lintian finds nothing that is not explained.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
for tool in dpkg-deb dpkg-shlibdeps dpkg-parsechangelog; do
    command -v $tool >/dev/null 2>&1 || {
        echo "ok the packages # SKIP $tool is not installed (dpkg-dev)"
        exit 77
    }
done
of() { sed -n "s/^$1 = //p" "$FPCORE_BUILD/Makefile" | sed -e "s,\${exec_prefix},$prefix," -e "s,\${prefix},$prefix,"; }
prefix=
prefix=$(of prefix)
libdir=$(of libdir)
version=$("$FPCORE" -V | sed -n 's/^fpcore //p')
case $libdir in "$prefix"/*) ;; *)
    echo "ok the packages # SKIP libraries go to $libdir"
    exit 77
    ;;
esac
if [ -n "$(find "$FPCORE_BUILD/tests/installed" -name libfpcore.so -exec readelf -d {} + | grep -E 'libasan|libtsan')" ]; then
    echo "ok the packages # SKIP a build with sanitizers"
    exit 77
fi
make_them() {
    mkdir "$1"
    cp -R "$FPCORE_BUILD/tests/installed" stage
    sh "$FPCORE_SRC/dist/deb.sh" "$scratch/stage" "$prefix" "$libdir" "$version" "$scratch/$1"
    status=$?
    rm -rf stage
    return $status
}
if ! make_them one >out 2>&1 && grep -q '^make deb: what was built looks for its libraries in ' out; then
    echo "ok the packages # SKIP $(sed -n 's/^make deb: //p' out)"
    exit 77
fi
rm -rf one
expect "the packages" 0 make_them one
holds "without a word but their names" test "$(wc -l <out)" -eq 2
main=$(echo one/fpcore_*.deb) dev=$(echo one/fpcore-dev_*.deb)
expect "again" 0 make_them two
holds "they are the same bytes" cmp "$main" "two/${main#one/}"
holds "both" cmp "$dev" "two/${dev#one/}"
holds "nothing else is left" test "$(find one two -type f | wc -l)" -eq 4

# ---- what they say ----
expect "the fields" 0 dpkg-deb -f "$main"
says "its name" '^Package: fpcore$'
says "its version" "^Version: $version-1\$"
says "what it needs" '^Depends: .*libc6 \(>= .*libcairo2'
if grep -q '^Depends:.*fpcore' out; then not_ok "not itself" out; else ok "not itself"; fi
expect "those of the other" 0 dpkg-deb -f "$dev"
says "which needs the first" "^Depends: fpcore \(= $version-1\)"
expect "the contents" 0 dpkg-deb -c "$main"
for file in bin/fpcore 'lib/.*libfpcore\.so\.0' 'lib/.*loss_dice\.so' share/fpcore/conf/quickstart.ini share/man/man1/fpcore.1.gz \
    share/doc/fpcore/copyright share/doc/fpcore/changelog.Debian.gz share/zsh/vendor-completions/_fpcore; do
    says "has $file" "/usr/$file( |\$)"
done
if grep -E 'include/|\.la$|libfpcore\.so( |$)' out >bad; then not_ok "and nothing of a developer's" bad; else ok "and nothing of a developer's"; fi
if grep -v ' root/root ' out >bad; then not_ok "all is root's" bad; else ok "all is root's"; fi
expect "of the other" 0 dpkg-deb -c "$dev"
for file in include/fpcore/plugin.h include/fpseg.h 'lib/.*pkgconfig/fpcore.pc' 'lib/.*libfpseg\.so' bin/fpcore-conform; do
    says "has $file" "/usr/$file( |\$)"
done

# ---- unpacked, they work ----
unset FPCORE_PLUGIN_PATH FPCORE_PLUGIN_DIR FPCORE_RECIPES LD_LIBRARY_PATH
dpkg-deb -x "$main" here
expect "fpcore -l of an unpacked one" 0 here/usr/bin/fpcore -l
says "has its plugins" '^  microsegformer '
expect "and a training" 0 here/usr/bin/fpcore -c quickstart.ini -s run.epochs=1 -s dataset.size=32 -s dataset.train=8 \
    -s dataset.val=4 -s dataset.batch=4
holds "leaves weights" test -s "$(run_in runs)/best.safetensors"
dpkg-deb -x "$dev" here
pc=$(dirname "$(find "$scratch/here" -name fpcore.pc)")
expect "with the other, a plugin" 0 here/usr/bin/fpcore new metric my_metric
# shellcheck disable=SC2046
expect "compiles" 0 ${CC:-cc} -std=c11 -shared -fPIC my_metric.c $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs fpcore) -o my_metric.so
expect "and passes" 0 here/usr/bin/fpcore-conform ./my_metric.so

# ---- lintian ----
if command -v lintian >/dev/null 2>&1; then
    lintian --tag-display-limit 0 "$main" "$dev" 2>/dev/null >out
    if grep -E '^[EW]:' out >bad; then not_ok "lintian finds nothing" bad; else ok "lintian finds nothing"; fi
else
    echo "ok lintian finds nothing # SKIP lintian is not installed"
fi

# ---- refusals ----
expect "libraries beside the tree" 1 sh "$FPCORE_SRC/dist/deb.sh" stage /usr /opt/lib "$version" .
says "are told of" '^make deb: the libraries go to /opt/lib, which does not lie below /usr'
expect "a version that the changelog does not have" 1 sh "$FPCORE_SRC/dist/deb.sh" stage /usr /usr/lib 9.9 .
says "is told of" '^make deb: dist/debian/changelog does not begin with 9\.9-1$'
exit $bad
