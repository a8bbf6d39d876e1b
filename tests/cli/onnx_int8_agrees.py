"""What fpcore export --onnx --int8 wrote, run by ONNX Runtime on the pictures that gave the ranges.

usage: onnx_int8_agrees.py pictures FOLDER HxW    writes PNGs of that size
       onnx_int8_agrees.py compare CASE HxW       prints `ok WHAT` or `not ok WHAT` lines
CASE names CASE.int8.onnx, CASE.fp32.onnx (labels of any number of pictures), CASE.said, what fpcore printed, and the
folder CASE.pictures.

fpcore prints which share of the labels stays, of a network that it rounds itself, in fp32. Here the files are run: once
node by node as they are written, where only the order of sums in fp32 differs: of 10,000 pixels it may turn 20. Once
with the runtime's own products of whole numbers, which is what users get: it also rounds where it joins nodes, and may
turn 50. Sums of those may be cut on processors without VNNI (docs/export.md), so there it is not compared.
"""
import os
import re
import struct
import sys
import zlib

NUMBER = 4


def picture(h, w, k):
    import numpy
    y, x, c = numpy.ogrid[:h, :w, :3]
    ground = 128 + 100 * numpy.sin(0.11 * x + 0.07 * y * (k + 1) + 2 * c + k)
    noise = numpy.random.default_rng(1000 * h + w + k).integers(-27, 28, (h, w, 3))
    return numpy.clip(ground + noise, 0, 255).astype("u1")


def write_png(path, rgb):
    h, w, _ = rgb.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def labels(path, images, literal):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if literal:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": images})[0]


def has_vnni():
    try:
        with open("/proc/cpuinfo") as f:
            return "vnni" in f.read()
    except OSError:
        return False


def compare(case, h, w):
    import numpy
    import onnx
    onnx.checker.check_model(onnx.load(f"{case}.int8.onnx"), full_check=True)
    with open(f"{case}.said") as f:
        said = float(re.search(r"keeps the labels of ([0-9.]+) %", f.read()).group(1))
    images = numpy.stack([picture(h, w, k) for k in range(NUMBER)])
    real = labels(f"{case}.fp32.onnx", images, False)
    literal = labels(f"{case}.int8.onnx", images, True)
    own = labels(f"{case}.int8.onnx", images, False)
    share = 100 * (real == literal).mean()
    good = abs(share - said) <= 0.2
    print(f"{'ok' if good else 'not ok'} {case}: {said:.2f} % of the labels stay, {share:.2f} % in the file")
    if has_vnni():
        turned = 100 * (own != literal).mean()
        print(f"{'ok' if turned <= 0.5 else 'not ok'} {case}: whole numbers turn {turned:.2f} % of the labels")


if __name__ == "__main__":
    size = [int(side) for side in sys.argv[3].split("x")]
    if sys.argv[1] == "pictures":
        os.makedirs(sys.argv[2], exist_ok=True)
        for number in range(NUMBER):
            write_png(f"{sys.argv[2]}/{number}.png", picture(*size, number))
    else:
        try:
            compare(sys.argv[2], *size)
        except Exception as e:  # of onnx.checker or the runtime
            print(f"not ok {sys.argv[2]}: {type(e).__name__}: {str(e)[:300]}")
