#!/bin/sh
# make deb: two Debian packages of a tree that `make install` put into a folder: fpcore (program, libraries, plugins,
# recipes, documents) and fpcore-dev (headers, pkg-config, links for the linker, fpcore-conform). The tree may be moved,
# so it is laid below /usr as it is, and nothing is compiled again.
# deb.sh STAGE PREFIX LIBDIR VERSION OUT: STAGE/PREFIX is the tree, and is used up; LIBDIR lies below it.
set -eu
export LC_ALL=C
[ $# -eq 5 ] || { echo "usage: deb.sh STAGE PREFIX LIBDIR VERSION OUT" >&2 && exit 2; }
stage=$1 prefix=$2 libdir=$3 version=$4-1 out=$5
here=$(cd "$(dirname "$0")" && pwd)
for tool in dpkg dpkg-deb dpkg-shlibdeps dpkg-parsechangelog readelf; do
    command -v $tool >/dev/null || { echo "make deb: $tool is not there (Debian: apt-get install dpkg-dev)" >&2 && exit 1; }
done
arch=$(dpkg --print-architecture)
case $libdir in
"$prefix"/*) lib=${libdir#"$prefix"/} ;;
*) echo "make deb: the libraries go to $libdir, which does not lie below $prefix; configure without --libdir" >&2 && exit 1 ;;
esac

# Files are as old as the entry of the changelog says, so that the same tree gives the same bytes.
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH
[ "$(dpkg-parsechangelog -l "$here/debian/changelog" -S Version)" = "$version" ] ||
    { echo "make deb: dist/debian/changelog does not begin with $version" >&2 && exit 1; }

# ---- two trees ----
work=$out/deb.work
rm -rf "$work"
main=$work/debian/fpcore/usr dev=$work/debian/fpcore-dev/usr
mkdir -p "$work/debian/fpcore/DEBIAN" "$work/debian/fpcore-dev/DEBIAN" "$dev/bin" "$dev/$lib"
mv "$stage$prefix" "$main"
mv "$main/include" "$dev/"
mv "$main/bin/fpcore-conform" "$dev/bin/"
mv "$main/$lib/pkgconfig" "$main/$lib"/lib*.so "$dev/$lib/"
find "$main/$lib" "$main/bin" "$dev/bin" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec strip --strip-unneeded \
    --remove-section=.comment --remove-section=.note {} +
find "$main/$lib" -name '*.so*' -type f -exec chmod 644 {} +

# Of a prefix where the system looks for no libraries, libtool writes the place into each file.
foreign=$(find "$main" "$dev" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec readelf -d {} + 2>/dev/null |
    sed -n 's/.*R[UN]*PATH.*\[\(\/.*\)\]$/\1/p' | head -n 1)
# Of CUDA's libraries there is no Debian package to depend on.
[ -z "$foreign" ] || {
    case $foreign in
    *cuda*) echo "make deb: what was built looks for its libraries in $foreign; configure with --without-cuda" >&2 ;;
    *) echo "make deb: what was built looks for its libraries in $foreign; configure with --prefix=/usr" >&2 ;;
    esac
    exit 1
}

# ---- what Debian calls otherwise ----
doc=$main/share/doc/fpcore
mkdir -p "$dev/share/doc" "$main/share/zsh" "$main/share/lintian/overrides" "$dev/share/lintian/overrides"
rm "$doc/COPYING" # its text stands in copyright
mv "$doc/CHANGELOG.md" "$doc/changelog"
cp "$here/debian/changelog" "$doc/changelog.Debian"
cp "$here/debian/copyright" "$doc/copyright"
mv "$main/share/zsh/site-functions" "$main/share/zsh/vendor-completions"
find "$main/share/man" "$doc" \( -name '*.[15]' -o -name 'changelog*' \) -exec gzip -9n {} +
mkdir "$dev/share/man" "$dev/share/man/man1" "$dev/share/doc/fpcore-dev"
cp "$doc/copyright" "$doc/changelog.gz" "$doc/changelog.Debian.gz" "$dev/share/doc/fpcore-dev/"
gzip -9nc "$here/debian/fpcore-conform.1" >"$dev/share/man/man1/fpcore-conform.1.gz"
cp "$here/debian/fpcore.lintian-overrides" "$main/share/lintian/overrides/fpcore"
cp "$here/debian/fpcore-dev.lintian-overrides" "$dev/share/lintian/overrides/fpcore-dev"

# ---- what they need ----
# dpkg-shlibdeps wants debian/control. The backend cuda, where there is one, is opened by name alone, and what it
# needs comes from NVIDIA.
cp "$here/debian/control" "$work/debian/control"
printf 'libfpcore 0\nlibfpseg 0\n' >"$work/own" # they lie in the package itself
needs() { (cd "$work" && find "debian/$1" -type f \( -name '*.so*' -o -path '*/bin/*' \) ! -name 'backend_cuda.so' -print |
    sed 's/^/-e/' | xargs dpkg-shlibdeps -O -Lown -Sdebian/fpcore --warnings=1 | sed -n 's/^shlibs:Depends=//p'); }

# package NAME DEPENDS: a field of control that names no package of this build is taken as it stands
package() {
    tree=$work/debian/$1
    find "$tree" -type d -exec chmod 755 {} +
    (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    awk -v name="$1" -v RS= '$0 ~ "^Package: " name "\n"' "$here/debian/control" | sed -e '/^$/d' \
        -e "s/^Package: .*/&\\nVersion: $version\\nMaintainer: $(dpkg-parsechangelog -l "$here/debian/changelog" -S Maintainer)/" \
        -e "s/^Architecture: any/Architecture: $arch/" -e "s/\${shlibs:Depends}/$2/" -e "s/\${binary:Version}/$version/" \
        -e "s/^Description:/Installed-Size: $(du -k -s "$tree/usr" | cut -f1)\\n&/" >"$tree/DEBIAN/control"
    dpkg-deb -Zxz --root-owner-group --build "$tree" "$out/$1_${version}_$arch.deb" >/dev/null
    echo "$out/$1_${version}_$arch.deb"
}
main_needs=$(needs fpcore)
dev_needs=$(needs fpcore-dev)
printf 'libfpcore 0 fpcore (>= %s)\nlibfpseg 0 fpcore (>= %s)\n' "$4" "$4" >"$work/debian/fpcore/DEBIAN/shlibs"
echo 'activate-noawait ldconfig' >"$work/debian/fpcore/DEBIAN/triggers"
package fpcore "$main_needs"
package fpcore-dev "$dev_needs"
rm -rf "$work"
