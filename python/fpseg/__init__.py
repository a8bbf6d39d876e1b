"""Trained networks of fpcore in Python: what `fpcore pack` wrote goes in, pictures go in, labels come out.

    model = fpseg.Model("face.fps")
    labels = model.labels(picture)    # uint8 (height, width, 3) in, uint8 (height, width) out

Everything is computed by libfpseg.so, which lies beside this file (fpseg.h says what it promises). NumPy is used where
it is installed: without it pictures are bytes with a width and a height, and results are memoryviews of the same shape.

Threads: a Model may be shared by any number of them. A Session serves one call at a time, and another thread's waits
meanwhile; so threads that are to run at once have a Session each (Model.session). Calls release the interpreter.
"""
import ctypes
import errno
import operator
import os
import threading
import weakref

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Model", "Session", "__version__"]

# fpseg.h has them; asked before there is room for a result.
_MOST_SIDE, _MOST_PIXELS = 16384, 64 << 20
_INT32 = 2**31 - 1
_EINVAL, _ENOMEM, _EIO, _EFORMAT = -1, -2, -3, -4


class _About(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("height", ctypes.c_int32), ("width", ctypes.c_int32),
                ("classes", ctypes.c_int32), ("class_names", ctypes.POINTER(ctypes.c_char_p)),
                ("palette", ctypes.POINTER(ctypes.c_uint8 * 3)), ("name", ctypes.c_char_p),
                ("parameters", ctypes.c_int64)]


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("threads", ctypes.c_int32)]


def _load():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libfpseg.so")
    try:
        lib = ctypes.CDLL(path)
    except OSError as e:
        raise ImportError(f"fpseg: its library cannot be loaded: {e}; `make wheel` of fpcore makes a package that has "
                          "it, for the machine that it runs on") from None
    handle, size, place = ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)
    picture = [handle, handle, ctypes.c_int32, ctypes.c_int32, ctypes.c_ssize_t, handle]
    for name, result, arguments in (
            ("fps_open", ctypes.c_int, [ctypes.c_char_p, place, ctypes.c_char_p, size]),
            ("fps_open_memory", ctypes.c_int, [ctypes.c_char_p, size, place, ctypes.c_char_p, size]),
            ("fps_close", None, [handle]),
            ("fps_model_about", None, [handle, ctypes.POINTER(_About)]),
            ("fps_session_new", ctypes.c_int,
             [handle, ctypes.POINTER(_Options), place, ctypes.c_char_p, size]),
            ("fps_session_free", None, [handle]),
            ("fps_segment", ctypes.c_int, picture + [ctypes.c_ssize_t]),
            ("fps_probabilities", ctypes.c_int, picture),
            ("fps_session_error", ctypes.c_char_p, [handle]),
            ("fps_version", ctypes.c_char_p, [])):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


_lib = _load()
__version__ = _lib.fps_version().decode()


def _text(of):
    return (of or b"").decode("utf-8", "replace")


def _cannot_be_read(path):
    """Why, as the system has it: the library's status says only that."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as e:
        return e.errno
    return errno.EIO


def _error(status, sentence, path=None):
    """The exception of a status, with the library's sentence."""
    sentence = _text(sentence)
    if status in (_EINVAL, _EFORMAT):
        return ValueError(sentence)
    if status == _ENOMEM:
        return MemoryError(sentence)
    if status == _EIO:
        return OSError(_cannot_be_read(path) if path else errno.EIO, sentence)  # FileNotFoundError and the like
    return RuntimeError(sentence or f"libfpseg: status {status}")


# ---- pictures ----

def _check_size(width, height):
    if not (1 <= width <= _MOST_SIDE and 1 <= height <= _MOST_SIDE and width * height <= _MOST_PIXELS):
        raise ValueError(f"a picture of {width} x {height}; up to {_MOST_SIDE} on a side and {_MOST_PIXELS >> 20} "
                         "megapixels can be")


def _address(view):
    """(what has to live on, address) of a view's bytes; a copy where nothing else can be had."""
    if numpy is not None:
        array = numpy.asarray(view)
        return array, array.ctypes.data
    if view.readonly or not view.c_contiguous:
        view = memoryview(bytearray(view.tobytes()))
    first = ctypes.c_uint8.from_buffer(view)
    return (view, first), ctypes.addressof(first)


def _from_array(picture):
    try:
        view = memoryview(picture)
    except TypeError:
        if numpy is None:
            raise TypeError(f"a picture is an array or bytes, no {type(picture).__name__}") from None
        view = memoryview(numpy.asarray(picture))  # what makes an array of itself, as pictures of Pillow do
    if view.format != "B":
        raise TypeError(f"a picture's numbers are uint8; these have the format {view.format!r}")
    if view.ndim != 3 or view.shape[2] != 3:
        raise ValueError(f"a picture has the shape (height, width, 3), this one {view.shape}; bytes come with a width "
                         "and a height")
    height, width = view.shape[:2]
    _check_size(width, height)
    rows, pixels, channels = view.strides
    if view.c_contiguous:
        rows = 0  # strides of sides of 1 may be anything
    elif numpy is None or channels != 1 or pixels != 3 or rows < 3 * width:
        view = memoryview(view.tobytes() if numpy is None else numpy.ascontiguousarray(view))
        rows = 0
    return (*_address(view), width, height, rows)


def _from_bytes(data, width, height, stride):
    if width is None or height is None:
        raise TypeError("bytes come with a width and a height")
    width, height, stride = operator.index(width), operator.index(height), operator.index(stride)
    _check_size(width, height)
    view = memoryview(data)
    if view.itemsize != 1:
        raise TypeError(f"a picture's numbers are uint8; these have the format {view.format!r}")
    if stride and not 3 * width <= stride <= _INT32:
        raise ValueError(f"a stride of {stride} bytes is less than a row of {width} pixels, or more than can be")
    if stride == 0 and view.nbytes != 3 * width * height:
        raise ValueError(f"{view.nbytes} bytes; a picture of {width} x {height} has {3 * width * height}")
    if view.nbytes < (height - 1) * stride + 3 * width:
        raise ValueError(f"{view.nbytes} bytes; {height} rows of {width} pixels, {stride} bytes from row to row, have "
                         f"{(height - 1) * stride + 3 * width}")
    if not view.c_contiguous:
        view = memoryview(view.tobytes())
    return (*_address(view.cast("B")), width, height, stride)


def _seen(picture, width, height, stride):
    """(what has to live on, address, width, height, bytes from row to row) of a picture."""
    if width is None and height is None and not isinstance(picture, (bytes, bytearray)):
        if stride:
            raise TypeError("an array has strides of its own; a stride is for bytes with a width and a height")
        return _from_array(picture)
    return _from_bytes(picture, width, height, stride)


def _room(shape, kind):
    """(array, what has to live on, address) of room for a result. kind: B or f."""
    if numpy is not None:
        array = numpy.empty(shape, kind)
        return array, array, array.ctypes.data
    n = ctypes.sizeof(ctypes.c_float) if kind == "f" else 1
    for side in shape:
        n *= side
    data = bytearray(n)
    first = ctypes.c_uint8.from_buffer(data)
    return memoryview(data).cast(kind, shape), first, ctypes.addressof(first)


# ---- models ----

class _File:
    """A model of the library. Sessions keep it, so that it is closed with the last of them."""

    def __init__(self, source):
        why, at = ctypes.create_string_buffer(4096), ctypes.c_void_p()
        path = data = None
        if isinstance(source, (str, os.PathLike)):
            path = os.fsencode(source)
            if b"\0" in path:
                raise ValueError(f"{source!r}: a path holds no zero byte")
            status = _lib.fps_open(path, ctypes.byref(at), why, len(why))
        else:
            try:
                data = source if type(source) is bytes else bytes(memoryview(source))
            except TypeError:
                raise TypeError(f"a model is a path or the bytes of a file, no {type(source).__name__}") from None
            status = _lib.fps_open_memory(data, len(data), ctypes.byref(at), why, len(why))
        if status:
            raise _error(status, why.value, path)
        self.at = at  # a pointer of ctypes, which nobody can pickle
        weakref.finalize(self, _close, at, data).atexit = False
        self.about = _About(size=ctypes.sizeof(_About))
        _lib.fps_model_about(at, ctypes.byref(self.about))


def _close(at, _data):
    """_data: the bytes that were opened, which have to stay as they are until now."""
    _lib.fps_close(at)


class Model:
    """A trained network, from a file of `fpcore pack`: a path, or the file's bytes.

    classes: names; palette: colours, uint8 (classes, 3), or a list of tuples without NumPy; None where the model has
    none. size: (height, width) of what the network sees; pictures of other sizes are resized to it. name: of the model
    as recipes have it. parameters: their number.
    """

    def __init__(self, source):
        self._own = None
        self._file = _File(source)
        about = self._file.about
        self.classes = tuple(_text(about.class_names[c]) for c in range(about.classes))
        self.palette = [tuple(about.palette[c]) for c in range(about.classes)] if about.palette else None
        if self.palette is not None and numpy is not None:
            self.palette = numpy.array(self.palette, "B")
        self.size = about.height, about.width
        self.name = _text(about.name)
        self.parameters = about.parameters

    def session(self, threads=1):
        """Room to work in; threads: so many compute a picture. Results do not depend on their number."""
        if self._file is None:
            raise ValueError("the model is closed")
        return Session(self._file, threads)

    def _session(self):
        mine = self._own
        if mine is None or mine._process != os.getpid():
            mine = self._own = self.session()
        return mine

    def labels(self, picture, width=None, height=None, stride=0):
        """Session.labels of a session of this model's own, in which one picture is computed at a time."""
        return self._session().labels(picture, width, height, stride)

    def probabilities(self, picture, width=None, height=None, stride=0):
        """Session.probabilities of a session of this model's own."""
        return self._session().probabilities(picture, width, height, stride)

    def close(self):
        """No further sessions begin. Those that there are go on, and the last one's end gives the memory back."""
        mine, self._own, self._file = self._own, None, None
        if mine is not None:
            mine.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<fpseg.Model {self.name}: {len(self.classes)} classes, {self.size[0]} x {self.size[1]}>"


class Session:
    """Room to work in, of one model; Model.session makes it. Calls of several threads are served one after another."""

    def __init__(self, file, threads):
        why, at = ctypes.create_string_buffer(4096), ctypes.c_void_p()
        threads = max(-_INT32, min(operator.index(threads), _INT32))
        options = _Options(ctypes.sizeof(_Options), threads)
        if threads == 0:
            raise ValueError("threads = 0; at least one can be")
        status = _lib.fps_session_new(file.at, ctypes.byref(options), ctypes.byref(at), why, len(why))
        if status:
            raise _error(status, why.value)
        self._at, self._about, self._process, self._lock = at, file.about, os.getpid(), threading.RLock()
        self._end = weakref.finalize(self, _free, at, self._process, file)
        self._end.atexit = False

    def _run(self, function, *arguments):
        if self._process != os.getpid():
            raise RuntimeError("a session belongs to the process that began it, whose threads a fork does not copy: "
                               "begin another with Model.session")
        with self._lock:
            if not self._end.alive:
                raise ValueError("the session is closed")
            status = function(self._at, *arguments)
            if status:
                raise _error(status, _lib.fps_session_error(self._at))

    def labels(self, picture, width=None, height=None, stride=0):
        """The class of each pixel: uint8 (height, width).

        picture: uint8 (height, width, 3), RGB, or what NumPy makes such an array of; rows may be apart, and all other
        views are copied first. Or bytes, with a width and a height, and, where rows are apart, a stride: bytes from
        one to the next.
        """
        kept, data, width, height, stride = _seen(picture, width, height, stride)
        result, room, to = _room((height, width), "B")
        self._run(_lib.fps_segment, data, width, height, stride, to, 0)
        del kept, room
        return result

    def probabilities(self, picture, width=None, height=None, stride=0):
        """The probability of each class at the network's own size: float32 (Model.size + classes). Pictures: labels."""
        kept, data, width, height, stride = _seen(picture, width, height, stride)
        result, room, to = _room((self._about.height, self._about.width, self._about.classes), "f")
        self._run(_lib.fps_probabilities, data, width, height, stride, to)
        del kept, room
        return result

    def close(self):
        """Gives the memory back, after the call that is under way."""
        with self._lock:
            self._end()

    def __reduce__(self):
        raise TypeError("a session is neither copied nor pickled: begin another with Model.session")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _free(at, process, _file):
    """_file: the model, which has to be open until now. A fork has no threads of the session to wait for."""
    if process == os.getpid():
        _lib.fps_session_free(at)
