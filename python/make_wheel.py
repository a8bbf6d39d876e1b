"""Writes the wheel of the package fpseg for `make wheel`: the files of fpseg/ beside this script, and the library.

usage: make_wheel.py --version V --library libfpseg.so --licence COPYING --out FOLDER

Python's standard library is all that it needs. The same files give the same bytes: names are sorted, times are fixed.
The wheel's tag says what machine the library was compiled for, which need not be this one. Prints the wheel's path.
"""
import argparse
import base64
import hashlib
import os
import re
import struct
import sys
import sysconfig
import zipfile

# e_machine of the ELF header, as names of platforms have it.
MACHINES = {3: "i686", 21: "ppc64le", 22: "s390x", 40: "armv7l", 62: "x86_64", 183: "aarch64", 243: "riscv64",
            258: "loongarch64"}

METADATA = """\
Metadata-Version: 2.1
Name: fpseg
Version: {version}
Summary: Runs segmentation networks that fpcore trained: pictures in, labels out
License: MIT
Classifier: License :: OSI Approved :: MIT License
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Requires-Python: >=3.8
Provides-Extra: numpy
Requires-Dist: numpy; extra == "numpy"
Description-Content-Type: text/markdown

{readme}"""

WHEEL = """\
Wheel-Version: 1.0
Generator: fpcore
Root-Is-Purelib: false
Tag: {tag}
"""


def read(path):
    with open(path, "rb") as f:
        return f.read()


def platform_of(path, library):
    if library[:4] != b"\x7fELF":
        sys.exit(f"make_wheel.py: {path}: no shared library (ELF)")
    machine = struct.unpack("<H" if library[5] == 1 else ">H", library[18:20])[0]
    if machine in MACHINES:
        return "linux_" + MACHINES[machine]
    return re.sub(r"[-.]", "_", sysconfig.get_platform())


def contents(args):
    """(path in the wheel, its bytes) of all but RECORD, and the wheel's name."""
    here = os.path.dirname(os.path.abspath(__file__))
    library = read(args.library)
    tag = "py3-none-" + platform_of(args.library, library)
    info = f"fpseg-{args.version}.dist-info/"
    files = {"fpseg/" + name: read(os.path.join(here, "fpseg", name))
             for name in os.listdir(os.path.join(here, "fpseg")) if name.endswith(".py")}
    files["fpseg/libfpseg.so"] = library
    files[info + "COPYING"] = read(args.licence)
    readme = read(os.path.join(here, "README.md")).decode()
    files[info + "METADATA"] = METADATA.format(version=args.version, readme=readme).encode()
    files[info + "WHEEL"] = WHEEL.format(tag=tag).encode()
    return files, info, f"fpseg-{args.version}-{tag}.whl"


def record(files, name):
    rows = []
    for path in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(files[path])}\n")
    return "".join(rows + [f"{name},,\n"]).encode()


def add(archive, path, data):
    entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix, so that modes count
    entry.external_attr = (0o100755 if path.endswith(".so") else 0o100644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data, compresslevel=9)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--version", "--library", "--licence", "--out"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*((a|b|rc|\.post|\.dev)[0-9]+)*", args.version):
        sys.exit(f"make_wheel.py: version {args.version}: wheels have 1.2.3, or 1.2.3rc1 and the like (PEP 440)")
    files, info, name = contents(args)
    path = os.path.join(args.out, name)
    with zipfile.ZipFile(path + ".new", "w") as archive:
        for entry in sorted(files):
            add(archive, entry, files[entry])
        add(archive, info + "RECORD", record(files, info + "RECORD"))
    os.replace(path + ".new", path)
    print(path)


try:
    main()
except OSError as e:
    sys.exit(f"make_wheel.py: {e.filename}: {e.strerror}")
