"""What fpcore export --onnx wrote, run by ONNX Runtime and held against the backend ref in double.

usage: onnx_agrees.py has                    whether onnx, onnxruntime and numpy are there: exit status
       onnx_agrees.py pictures NAME HxW...   makes NAME.HxW.in.safetensors, two pictures each, for fpcore probe
       onnx_agrees.py compare CASE...        prints `ok WHAT` or `not ok WHAT` lines
CASE names CASE.OUTPUT.BATCH.onnx files (labels, logits, probabilities; 1, 2, free), CASE.in.safetensors with pictures
and CASE.out.safetensors with logits. Bounds: logits 1e-4 of the largest, probabilities 1e-4; labels are equal wherever
the two best logits differ by more than 1e-3.
"""
import json
import struct
import sys

import numpy


def read(path):
    with open(path, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    kinds = {"F32": "<f4", "F64": "<f8", "U8": "u1", "I64": "<i8"}
    return {name: numpy.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], kinds[t["dtype"]]).reshape(t["shape"])
            for name, t in head.items() if name != "__metadata__"}


def write(path, name, array):
    array = numpy.ascontiguousarray(array, "<f4")
    head = json.dumps({name: {"dtype": "F32", "shape": array.shape, "data_offsets": [0, array.nbytes]}}).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + array.tobytes())


def pictures(name, sizes):
    """Smooth ground, so that labels come in patches, and noise."""
    for size in sizes:
        h, w = map(int, size.split("x"))
        y, x, c, n = numpy.ogrid[:h, :w, :3, :2]
        ground = 128 + 100 * numpy.sin(0.11 * x + 0.07 * y * (n + 1) + 2 * c + n)
        noise = numpy.random.default_rng(h * 1000 + w).integers(-27, 28, (h, w, 3, 2))
        byte = numpy.clip(ground + noise, 0, 255).astype("u1").transpose(3, 2, 0, 1)
        write(f"{name}.{size}.in.safetensors", "image", byte.astype("f4") / numpy.float32(255))


def run(path, image):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    n = session.get_inputs()[0].shape[0]
    step = len(image) if isinstance(n, str) else n
    parts = [session.run(None, {"image": image[i:i + step]})[0] for i in range(0, len(image), step)]
    return numpy.concatenate(parts)


def check(path, image, want):
    """A sentence of what is wrong, or none."""
    import onnx
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    got = run(path, image)
    scale = numpy.abs(want).max()
    if ".labels." in path:
        best = numpy.sort(want, -1)
        sure = best[..., -1] - best[..., -2] > 1e-3
        wrong = int(((got != want.argmax(-1)) & sure).sum())
        if got.dtype != numpy.uint8 or got.shape != want.shape[:3]:
            return f"labels are {got.dtype} {got.shape}"
        return f"{wrong} of {got.size} labels differ" if wrong or sure.mean() < 0.5 else None
    if ".probabilities." in path:
        scale = 1
        want = numpy.exp(want - want.max(-1, keepdims=True))
        want /= want.sum(-1, keepdims=True)
    if got.dtype != numpy.float32 or got.shape != want.shape:
        return f"it gives {got.dtype} {got.shape}"
    off = numpy.abs(got - want).max() / scale
    return None if off <= 1e-4 else f"it is off by {off:.2g}"


def compare(cases):
    import glob
    for case in cases:
        image = read(f"{case}.in.safetensors")["image"].transpose(0, 2, 3, 1)
        image = numpy.ascontiguousarray(numpy.rint(image * 255).astype("u1"))
        want = read(f"{case}.out.safetensors")["logits"].astype("f8").transpose(0, 2, 3, 1)
        paths = sorted(glob.glob(f"{case}.*.onnx"))
        if not paths:
            print(f"not ok {case}: there is no file")
        for path in paths:
            try:
                what = check(path, image, want)
            except Exception as e:  # of onnx.checker or the runtime
                what = f"{type(e).__name__}: {str(e)[:300]}"
            print(f"not ok {path}: {what}" if what else f"ok {path}")


if __name__ == "__main__":
    if sys.argv[1] == "has":
        import onnx
        import onnxruntime
    elif sys.argv[1] == "pictures":
        pictures(sys.argv[2], sys.argv[3:])
    else:
        compare(sys.argv[2:])
