"""What fpcore export --torch wrote, run by PyTorch and held against the backend ref in double.

usage: torch_agrees.py has           whether torch and numpy are there: exit status
       torch_agrees.py compare CASE...   prints `ok WHAT` or `not ok WHAT` lines; CASE.torch is the folder that was
                                         written, CASE.in.safetensors and CASE.out.safetensors are of fpcore probe
The weights load strictly, logits are within 1e-4 of the largest.
"""
import importlib.util
import sys

import numpy
import torch

if sys.argv[1] == "has":
    sys.exit(0)
sys.dont_write_bytecode = True
torch.set_num_threads(1)
from onnx_agrees import read  # noqa: E402


def off(case):
    spec = importlib.util.spec_from_file_location("model", f"{case}.torch/model.py")
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    network = model.Network()
    network.load_state_dict(torch.load(f"{case}.torch/ckpt.pth", weights_only=True)["state_dict"])
    image = torch.from_numpy(read(f"{case}.in.safetensors")["image"].copy())
    want = read(f"{case}.out.safetensors")["logits"]
    with torch.no_grad():
        got = network.eval()(image).numpy()
    if got.shape != want.shape or tuple(model.SIZE) != want.shape[2:] or len(model.NAMES) != want.shape[1]:
        return f"logits are {got.shape}"
    worst = numpy.abs(got - want).max() / numpy.abs(want).max()
    return None if worst <= 1e-4 else f"logits are off by {worst:.2g}"


for name in sys.argv[2:]:
    try:
        what = off(name)
    except Exception as e:  # of the source, of load_state_dict
        what = f"{type(e).__name__}: {str(e)[:300]}"
    print(f"not ok {name}.torch: {what}" if what else f"ok {name}.torch")
