#!/bin/sh
# The Python package fpseg: `make wheel` writes the same wheel twice, whole and with its hashes; unpacked, and by pip where
# that is there, it gives the labels of `fpcore predict` and of a C program, with and without NumPy; the examples of
# docs/embedding.md as they stand there. FPCORE_PYTHON: the interpreter, python3.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
python=${FPCORE_PYTHON:-python3}
lib=$FPCORE_BUILD/.libs
holder=$FPCORE_SRC/tests/cli/wheel_holds.py
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH
make_wheel() { ${MAKE:-make} -s -C "$FPCORE_BUILD" wheel WHEEL_DIR="$scratch/$1" PYTHON="$2"; }

expect "without Python" 2 make_wheel none no-such-python
if [ -n "$san" ]; then
    says "a build with sanitizers has no wheel" 'make wheel: Python cannot load a library with sanitizers'
    echo "ok the Python package # SKIP Python cannot load a library with sanitizers"
    exit $bad
fi
says "there is a sentence" 'make wheel: no-such-python is not there; PYTHON=\.\.\. names another'
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
    echo "ok the Python package # SKIP $python is not there, or older than 3.8 (FPCORE_PYTHON names another)"
    exit $bad
fi

# ---- the wheel ----
expect "make wheel" 0 make_wheel one "$python"
says "says what it wrote" '/one/fpseg-[0-9.]+-py3-none-linux_[a-z0-9_]+\.whl$'
expect "again" 0 make_wheel two "$python"
wheel=$(ls one/*.whl)
holds "the same bytes" cmp "$wheel" "two/${wheel#one/}"
holds "nothing else" test "$(ls one | wc -l)" -eq 1
version=$("$FPCORE" -V | sed -n 's/^fpcore //p')
"$python" "$holder" wheel "$wheel" "$version" || bad=1
expect "no library" 1 "$python" "$FPCORE_SRC/python/make_wheel.py" --version 1.0 --library face.fps --licence "$FPCORE_SRC/COPYING" --out .
says "is told" '^make_wheel\.py: face\.fps: No such file'
expect "another file" 1 "$python" "$FPCORE_SRC/python/make_wheel.py" --version 1.0 --library tiny.ini --licence "$FPCORE_SRC/COPYING" --out .
says "is told, too" '^make_wheel\.py: tiny\.ini: no shared library'
expect "a version that wheels do not have" 1 "$python" "$FPCORE_SRC/python/make_wheel.py" --version 1.0-x --library tiny.ini --licence "$FPCORE_SRC/COPYING" --out .
says "is refused" 'version 1\.0-x: wheels have'
expect "it unpacks" 0 "$python" -m zipfile -e "$wheel" package

# ---- a network, a picture, and its labels by others ----
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
compiles() { ${CC:-cc} -std=c11 -Wall -Wextra -Werror -O1 -I"$FPCORE_SRC/include" -L"$lib" "$@"; }
expect "a C program of libfpseg" 0 compiles "$FPCORE_SRC/tests/seg/try.c" -lfpseg -lpthread -o try
expect "one that reads PNG" 0 compiles "$FPCORE_SRC/tests/seg/raw.c" -lfpcore -o raw
mkdir ds
expect "a picture" 0 ./draw masks ds 1
holds "as a program has it" ./raw picture ds/images/pic_00.png face.ppm # 48 x 40
sed -i 's/^use = ref$/use = cpu/' tiny.ini
expect "a run" 0 "$FPCORE" -c tiny.ini -s run.epochs=6 -s dataset.train=64 -s run.out=runs
run=$(run_in runs)
expect "is packed" 0 "$FPCORE" pack -w "$run" -o face.fps
expect "fpcore predict" 0 "$FPCORE" predict -w "$run" -o masks ds/images/pic_00.png
holds "writes labels" ./raw mask masks/pic_00.png labels
holds "of several classes" test "$(od -An -v -tu1 -w1 labels | sort -u | wc -l)" -gt 1
expect "the C program" 0 ./try labels face.fps face.ppm got 1
holds "has the same" cmp labels got
export LD_LIBRARY_PATH= # the package has a library of its own

# ---- the package ----
# held FOLDER HOW...: the package in FOLDER, by the cases of wheel_holds.py
held() {
    folder=$1
    shift
    echo "# the package in $folder${1:+, $1}"
    PYTHONPATH=$scratch/$folder "$python" -B -X faulthandler "$holder" package face.fps face.ppm labels "$@" || {
        bad=1
        not_ok "the cases of $folder${1:+, $1}"
    }
}
held package no-numpy
if "$python" -c 'import numpy' 2>/dev/null; then
    numpy=1
    held package
else
    numpy=0
    echo "ok the package with NumPy # SKIP $python has no NumPy (FPCORE_PYTHON names another)"
fi
if "$python" -m pip --version >/dev/null 2>&1; then
    expect "pip installs it" 0 "$python" -m pip install -q --no-index --no-compile --target there "$wheel"
    holds "whole" sh -c 'cmp package/fpseg/libfpseg.so there/fpseg/libfpseg.so && cmp package/fpseg/__init__.py there/fpseg/__init__.py'
    holds "and it runs" env PYTHONPATH="$scratch/there" "$python" -c 'import fpseg; print(fpseg.Model("face.fps"))'
    expect "pip knows it" 0 env PYTHONPATH="$scratch/there" "$python" -m pip show fpseg
    says "by its version" "^Version: $version\$"
else
    echo "ok pip installs it # SKIP $python has no pip"
fi
expect "the sources, which have no library" 1 env PYTHONPATH="$FPCORE_SRC/python" "$python" -c 'import fpseg'
says "say what is missing" '^ImportError: fpseg: its library cannot be loaded: .*libfpseg\.so: .*`make wheel`'

# ---- the page's examples, as they stand there ----
awk '/^```python$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print >("example" n ".py") }' "$FPCORE_SRC/docs/embedding.md"
export PYTHONPATH="$scratch/package"
expect "the page's program" 0 "$python" example1.py face.fps face.ppm
says "says what it saw" '^ *[0-9]+\.[0-9] %  [a-z_]+$'
od -An -v -tu1 -w1 labels | awk '{ n[$1 + 0]++ } END { for (c in n) printf "%.1f\n", 100 * n[c] / NR }' | sort >wanted
sed 's/ *\([0-9.]*\) .*/\1/' out | sort >seen
holds "in the shares of the labels" cmp wanted seen
expect "a file that is missing" 1 "$python" example1.py nowhere face.ppm
says "has its sentence" '^FileNotFoundError: .*nowhere cannot be read: No such file'
if [ $numpy = 1 ] && "$python" -c 'import PIL' 2>/dev/null; then
    expect "the one with Pillow" 0 "$python" example2.py face.fps ds/images/pic_00.png colours.png
    says "says how much hair it saw" '^hair: [0-9.]+ %$'
    # shellcheck disable=SC2016
    holds "and writes the labels' colours" "$python" -c 'import fpseg, numpy
from PIL import Image
wanted = fpseg.Model("face.fps").palette[numpy.fromfile("labels", "u1").reshape(40, 48)]
assert (numpy.asarray(Image.open("colours.png")) == wanted).all()'
else
    echo "ok the page's program with Pillow # SKIP $python has no NumPy and Pillow (FPCORE_PYTHON names another)"
fi
exit $bad
