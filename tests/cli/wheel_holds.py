"""What the Python package fpseg gives, held against files that other programs wrote.

usage: wheel_holds.py wheel FILE.whl VERSION                             names, modes, METADATA, WHEEL, RECORD
       wheel_holds.py package FILE.fps PICTURE.ppm LABELS [no-numpy]     the package that PYTHONPATH finds
Prints `ok WHAT` or `not ok WHAT` lines. no-numpy: as where NumPy is not installed.
"""
import base64
import concurrent.futures
import gc
import hashlib
import io
import mmap
import os
import pathlib
import pickle
import re
import sys
import threading
import weakref
import zipfile

bad = 0


def holds(what, true, seen=""):
    global bad
    print(("ok " if true else "not ok ") + what + ("" if true else f": {seen}"))
    bad |= not true


def raises(what, kind, pattern, call):
    try:
        call()
        holds(what, False, "nothing was raised")
    except Exception as e:  # any other is the finding
        holds(what, type(e) is kind and re.search(pattern, str(e)), repr(e))


# ---- the wheel ----

def wheel(path, version):
    name = os.path.basename(path)
    pattern = rf"fpseg-{re.escape(version)}-py3-none-linux_[a-z0-9_]+\.whl"
    holds("its name is a wheel's", re.fullmatch(pattern, name), name)
    with zipfile.ZipFile(path) as z:
        holds("the archive is whole", z.testzip() is None)
        files = {i.filename: z.read(i) for i in z.infolist()}
        holds("no name twice", len(files) == len(z.infolist()))
        holds("times are fixed", {i.date_time for i in z.infolist()} == {(1980, 1, 1, 0, 0, 0)})
        modes = {i.filename: oct(i.external_attr >> 16) for i in z.infolist()}
    info = f"fpseg-{version}.dist-info/"
    wanted = {"fpseg/__init__.py", "fpseg/libfpseg.so", *(info + n for n in ("COPYING", "METADATA", "WHEEL", "RECORD"))}
    holds("it holds what it should", set(files) == wanted, sorted(files))
    holds("with modes", all(modes[n] == ("0o100755" if n.endswith(".so") else "0o100644") for n in files), modes)
    rows = dict(row.split(",", 1) for row in files[info + "RECORD"].decode().splitlines())
    right = {n: f"sha256={base64.urlsafe_b64encode(hashlib.sha256(d).digest()).decode().rstrip('=')},{len(d)}"
             for n, d in files.items()}
    right[info + "RECORD"] = ","
    holds("RECORD has them all, with their hashes", rows == right, rows)
    head = files[info + "METADATA"].decode()
    holds("METADATA names it", head.startswith(f"Metadata-Version: 2.1\nName: fpseg\nVersion: {version}\n"), head)
    holds("and ends in its page", "\n\n# fpseg\n" in head)
    tag = name[len(f"fpseg-{version}-"):-len(".whl")]
    holds("WHEEL has the tag of its name", f"Tag: {tag}\n" in files[info + "WHEEL"].decode())
    holds("COPYING is there", b"MIT License" in files[info + "COPYING"])
    holds("the library has no symbols for debuggers", b".debug_info" not in files["fpseg/libfpseg.so"])


# ---- the package ----

def read_ppm(path):
    with open(path, "rb") as f:
        data = f.read()
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return data[head.end():], int(head[1]), int(head[2])


class Case:
    def __init__(self, file, ppm, labels, numpy):
        import fpseg
        self.fpseg, self.file, self.numpy = fpseg, file, numpy
        self.data, self.width, self.height = read_ppm(ppm)
        with open(labels, "rb") as f:
            self.labels = f.read()
        self.model = fpseg.Model(file)

    def same(self, what, labels):
        holds(what, labels.shape == (self.height, self.width) and labels.tobytes() == self.labels, labels.shape)

    def args(self):
        return self.data, self.width, self.height


def about(t):
    m = t.model
    holds("the model tells its name", m.name == "microsegformer", m.name)
    holds("its size", m.size == (32, 32), m.size)
    holds("its classes", m.classes[:2] == ("background", "skin") and len(m.classes) == 19, m.classes)
    holds("as many colours", len(m.palette) == 19 and tuple(m.palette[1]) != tuple(m.palette[2]), m.palette)
    holds("its parameters", m.parameters > 1000, m.parameters)
    holds("all of it in a line", repr(m) == "<fpseg.Model microsegformer: 19 classes, 32 x 32>", repr(m))
    holds("the version is the library's", re.fullmatch(r"\d+\.\d+\.\d+", t.fpseg.__version__), t.fpseg.__version__)


def of_bytes(t):
    t.same("bytes with width and height", t.model.labels(*t.args()))
    t.same("a bytearray", t.model.labels(bytearray(t.data), t.width, height=t.height))
    row = 3 * t.width
    apart = b"".join(t.data[y * row:(y + 1) * row] + b"\xee" * 7 for y in range(t.height))
    t.same("rows that are apart", t.model.labels(apart, t.width, t.height, row + 7))
    t.same("of which the last may end", t.model.labels(apart[:-7], t.width, t.height, stride=row + 7))
    t.same("bytes in reverse", t.model.labels(memoryview(t.data[::-1])[::-1], t.width, t.height))
    view = memoryview(t.data).cast("B", (t.height, t.width, 3))
    t.same("a view of three dimensions", t.model.labels(view))
    first = t.model.labels(t.data[:row], t.width, 1)
    holds("one row of it in reverse", t.model.labels(view[:1][::-1]).tobytes() == first.tobytes())
    double = b"".join(2 * t.data[y * row:(y + 1) * row] for y in range(t.height))
    t.same("every second row of one", t.model.labels(memoryview(double).cast("B", (2 * t.height, t.width, 3))[::2]))
    for threads in 1, 3:
        with t.model.session(threads=threads) as s:
            t.same(f"a session of {threads}", s.labels(*t.args()))
    with open(t.file, "rb") as f:
        data = f.read()
        t.same("a model in memory", t.fpseg.Model(data).labels(*t.args()))
        other = bytearray(data)
        model = t.fpseg.Model(other)
        other[:] = bytes(len(other))
        t.same("of which the caller may do what he likes", model.labels(*t.args()))
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            t.same("a mapped one", t.fpseg.Model(mapped).labels(*t.args()))
    t.same("a path", t.fpseg.Model(pathlib.Path(t.file)).labels(*t.args()))


def probabilities(t):
    p = t.model.probabilities(*t.args())
    n = len(t.model.classes)
    holds("probabilities have the network's size", p.shape == (32, 32, n) and p.nbytes == 4 * 32 * 32 * n, p.shape)
    flat = memoryview(p).cast("B").cast("f").tolist()
    sums = [sum(flat[i:i + n]) for i in range(0, len(flat), n)]
    holds("each pixel's make one", max(abs(s - 1) for s in sums) < 1e-5 and min(flat) >= 0, (min(sums), max(sums)))
    small = bytes(v for y in range(32) for v in t.data[3 * t.width * y:3 * t.width * y + 96])
    labels = t.model.labels(small, 32, 32).tobytes()
    flat = memoryview(t.model.probabilities(small, 32, 32)).cast("B").cast("f").tolist()
    best = bytes(max(range(n), key=flat[i:i + n].__getitem__) for i in range(0, len(flat), n))
    holds("the largest is the label", sum(a != b for a, b in zip(best, labels)) <= 2 and len(set(best)) > 1)


def of_arrays(t):
    np = t.numpy
    picture = np.frombuffer(t.data, "u1").reshape(t.height, t.width, 3)
    labels = t.model.labels(picture)
    holds("an array gives an array", type(labels) is np.ndarray and labels.dtype == np.uint8 and labels.flags.writeable)
    t.same("an array that is read only", labels)
    wide = np.full((2 * t.height, t.width + 9, 3), 0xee, "u1")
    wide[::2, 4:-5] = picture
    kept = wide.copy()
    cut = wide[::2, 4:-5]
    t.same("every second row of a cut", t.model.labels(cut))
    kept_address = t.fpseg._from_array(cut)[1]
    holds("which is passed on as it is", kept_address == cut.ctypes.data)
    holds("and stays as it is", (wide == kept).all())
    t.same("columns in reverse", t.model.labels(picture[..., ::-1].copy()[..., ::-1]))
    t.same("rows in reverse", t.model.labels(picture[::-1].copy()[::-1]))
    t.same("planes", t.model.labels(np.ascontiguousarray(picture.transpose(2, 0, 1)).transpose(1, 2, 0)))
    t.same("columns first", t.model.labels(np.asfortranarray(picture)))
    alpha = np.zeros((t.height, t.width, 4), "u1")
    alpha[..., :3] = picture
    t.same("three channels of four", t.model.labels(alpha[..., :3]))
    row, column = t.model.labels(picture[:1]), t.model.labels(picture[:, :1])
    holds("one row", (row == t.model.labels(picture[:1].copy())).all() and row.shape == (1, t.width))
    holds("one column", (column == t.model.labels(picture[:, :1].copy())).all() and column.shape == (t.height, 1))
    holds("one column of few", (t.model.labels(picture[:, ::5][:, :1]) == column).all())
    same = np.broadcast_to(np.array([200, 150, 120], "u1"), (40, 40, 3))
    holds("one pixel for all", (t.model.labels(same) == t.model.labels(same.copy())).all())
    p = t.model.probabilities(picture)
    holds("probabilities are float32", p.dtype == np.float32 and p.shape == (32, 32, 19))
    holds("of the same numbers", p.tobytes() == t.model.probabilities(*t.args()).tobytes())
    holds("colours of labels are a picture", t.model.palette[labels].shape == picture.shape)

    class Pillow:  # of its pictures all that is asked
        __array_interface__ = picture.__array_interface__

    t.same("what makes an array of itself", t.model.labels(Pillow()))
    raises("floats", TypeError, "uint8; these have the format 'f'", lambda: t.model.labels(picture.astype("f4")))
    raises("a list of floats", TypeError, "uint8", lambda: t.model.labels([[[0.5, 0.5, 0.5]]]))
    raises("four channels", ValueError, r"\(height, width, 3\), this one \(40, 48, 4\)", lambda: t.model.labels(alpha))
    raises("grey", ValueError, r"this one \(\d+, \d+\)", lambda: t.model.labels(picture[..., 0]))
    raises("a stride of an array", TypeError, "strides of its own", lambda: t.model.labels(picture, stride=300))
    none = np.zeros((0, 5, 3), "u1")
    raises("an array without pixels", ValueError, "a picture of 5 x 0;", lambda: t.model.labels(none))
    huge = np.broadcast_to(np.zeros(3, "u1"), (16384, 16384, 3))
    raises("more than can be", ValueError, "64 megapixels", lambda: t.model.labels(huge))


def refusals(t):
    model = t.fpseg.Model
    raises("a file that is not there", FileNotFoundError, "nowhere cannot be read: No such", lambda: model("nowhere"))
    raises("a file in a file", NotADirectoryError, "cannot be read: Not a directory", lambda: model(t.file + "/x"))
    raises("a folder", ValueError, "is no plain file", lambda: model("/"))
    raises("a zero in a path", ValueError, "zero byte", lambda: model(t.file + "\0.txt"))
    raises("what is none of fpcore", ValueError, "no file of `fpcore pack`, or cut", lambda: model(b"none"))
    raises("no bytes", ValueError, "no file of `fpcore pack`, or cut: 0 bytes", lambda: model(b""))
    raises("a number for a model", TypeError, "a path or the bytes of a file, no int", lambda: model(7))
    raises("no threads", ValueError, "threads = 0", lambda: t.model.session(0))
    raises("fewer", ValueError, r"threads = -1; 1 to \d+ can be", lambda: t.model.session(threads=-1))
    raises("more than there are", ValueError, r"threads = \d+; 1 to \d+ can be", lambda: t.model.session(2**64 + 1))
    raises("bytes without a size", TypeError, "a width and a height", lambda: t.model.labels(t.data))
    raises("or with half of one", TypeError, "a width and a height", lambda: t.model.labels(t.data, 4))
    raises("too few", ValueError, r"^\d+ bytes; a picture of 48 x 41 has 5904$", lambda: t.model.labels(t.data, 48, 41))
    raises("too many", ValueError, "bytes; a picture of 48 x 39", lambda: t.model.probabilities(t.data, 48, 39))
    raises("too few for a stride", ValueError, "150 bytes from row to row", lambda: t.model.labels(t.data, 48, 40, 150))
    for stride in 143, -144, 2**70:
        raises(f"a stride of {stride}", ValueError, "a stride of", lambda: t.model.labels(t.data, 48, 40, stride))
    for width, height in (0, 1), (-3, 1), (16385, 1), (1, 2**32 + 1), (9000, 9000):
        raises(f"a picture of {width} x {height}", ValueError,
               f"a picture of {width} x {height}; up to 16384 on a side and 64 megapixels can be",
               lambda: t.model.labels(t.data, width, height))
    raises("half a pixel", TypeError, "float", lambda: t.model.labels(t.data, 48.5, 40))
    raises("no picture", TypeError, "", lambda: t.model.labels(None))
    raises("wide numbers", TypeError, "uint8", lambda: t.model.labels(memoryview(bytes(96)).cast("f"), 4, 2))
    raises("a session in a pickle", TypeError, "begin another", lambda: pickle.dumps(t.model.session()))
    raises("a model in a pickle", ValueError, "pointers", lambda: pickle.dumps(t.fpseg.Model(t.file)))
    t.same("after all that", t.model.labels(*t.args()))


class Watched:
    """The library, with what ends noted."""

    def __init__(self, lib):
        self.lib, self.ended = lib, []

    def __getattr__(self, name):
        return getattr(self.lib, name)

    def fps_session_free(self, at):
        self.ended.append("session")
        self.lib.fps_session_free(at)

    def fps_close(self, at):
        self.ended.append("model")
        self.lib.fps_close(at)


def the_end(t):
    with t.fpseg.Model(t.file) as model:
        session = model.session()
        model.labels(*t.args())
    raises("a model that is closed", ValueError, "the model is closed", lambda: model.labels(*t.args()))
    t.same("its sessions go on", session.labels(*t.args()))
    model.close()
    session.close()
    session.close()
    raises("until they are closed", ValueError, "the session is closed", lambda: session.labels(*t.args()))
    lib, t.fpseg._lib = t.fpseg._lib, Watched(t.fpseg._lib)
    ended = t.fpseg._lib.ended
    model = t.fpseg.Model(t.file)
    session = model.session()
    gone = weakref.ref(session)
    del model
    gc.collect()
    holds("a session keeps its model", ended == [] and session.labels(*t.args()).tobytes() == t.labels, ended)
    del session
    gc.collect()
    holds("both end, the session first", ended == ["session", "model"] and gone() is None, ended)
    t.fpseg._lib = lib


def together(t):
    def work(n, session):
        return all(session.labels(*t.args()).tobytes() == t.labels for _ in range(n))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        own = [pool.submit(work, 5, t.model.session()) for _ in range(2)]
        holds("two threads with a session each", all(f.result() for f in own))
        shared = t.model.session(2)
        one = [pool.submit(work, 5, shared) for _ in range(4)]
        holds("four with one", all(f.result() for f in one))
        holds("four with the model alone", all(f.result() for f in [pool.submit(work, 5, t.model) for _ in range(4)]))
    began, end = threading.Event(), []

    def close():
        began.wait()
        shared.close()
        end.append(1)

    closer = threading.Thread(target=close)
    closer.start()
    began.set()
    try:
        while work(1, shared):
            pass
    except ValueError as e:
        holds("a session that another thread closes", str(e) == "the session is closed", e)
    closer.join()


def forked(t):
    global bad
    sessions = [t.model.session(3)]
    sessions[0].labels(*t.args())
    t.model.labels(*t.args())
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        bad, sys.stdout = 0, io.StringIO()
        t.fpseg._lib = Watched(t.fpseg._lib)
        raises("the parent's session", RuntimeError, "belongs to the process that began it",
               lambda: sessions[0].labels(*t.args()))
        t.same("the model", t.model.labels(*t.args()))
        sessions.clear()
        gc.collect()
        holds("threads that are not there are not waited for", t.fpseg._lib.ended == [], t.fpseg._lib.ended)
        sys.__stdout__.write(sys.stdout.getvalue().replace("ok ", "ok in a forked process: "))
        sys.__stdout__.flush()
        os._exit(bad)
    holds("a forked process ends", os.waitpid(child, 0)[1] == 0)
    t.same("and changes nothing", sessions[0].labels(*t.args()))


def package(file, ppm, labels, *how):
    numpy = None
    if how:
        sys.modules["numpy"] = None  # its import fails
    else:
        import numpy
    t = Case(file, ppm, labels, numpy)
    for part in about, of_bytes, probabilities, refusals, the_end, together, forked:
        part(t)
    if numpy:
        of_arrays(t)
    else:
        raises("what is no picture", TypeError, "an array or bytes, no object", lambda: t.model.labels(object()))
        holds("results are views", type(t.model.labels(*t.args())) is memoryview)


{"wheel": wheel, "package": package}[sys.argv[1]](*sys.argv[2:])
sys.exit(bad)
