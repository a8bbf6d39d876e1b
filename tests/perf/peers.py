"""One measurement of what others do with the same network: PyTorch, ONNX Runtime, OpenVINO, on the CPU.

usage: peers.py ORACLE PEER train|infer SIZE BATCH STEPS THREADS
ORACLE is the folder with oracle_model.py (MicroSegFormer stated in PyTorch). PEER is one of
  torch            the model as everybody writes it
  torch_rewritten  with the exact identities that fpcore finds by itself, written by hand: the sum of the decoder's four
                   products is taken at their own sizes, and the last enlargement comes behind the classifier
  torch_compiled   the latter through torch.compile
  torch_bf16       the latter (not compiled) under autocast to bfloat16
  torch_compiled_bf16
  onnxruntime, openvino, openvino_bf16   the rewritten model, exported to ONNX; inference only
A training step is forward, cross entropy + 1.5 Dice, backward, clipping at 1, AdamW. Prints the median images a second
and the peak resident MiB of the process; `-` where the peer cannot do it.
"""
import os
import resource
import statistics
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", sys.argv[7])
import torch
from torch.nn import functional as F

sys.path.insert(0, sys.argv[1])
import oracle_model

PEER, WHAT = sys.argv[2], sys.argv[3]
SIZE, BATCH, STEPS, THREADS = map(int, sys.argv[4:8])
WARM_UP = 3


def decode(self, features):
    """oracle_model.Decoder.forward, each linear map at the size of its own feature map."""
    weights = self.linear_fuse[0].weight.chunk(4, 1)
    maps = (self.linear_c1, self.linear_c2, self.linear_c3, self.linear_c4)
    total = self.linear_fuse[0].bias[None, :, None, None]
    for weight, linear, feature in zip(weights, maps, features):
        part = F.linear(feature.permute(0, 2, 3, 1), weight @ linear.weight, weight @ linear.bias).permute(0, 3, 1, 2)
        if part.shape[2:] != features[0].shape[2:]:
            part = F.interpolate(part, size=features[0].shape[2:], mode="bilinear", align_corners=False)
        total = total + part
    x = self.linear_fuse[2](F.gelu(total.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
    if self.use:
        x = self.lmsa(x)
    return F.interpolate(self.conv_seg(x), scale_factor=4, mode="bilinear", align_corners=False)


def timed(step):
    """Median seconds of STEPS steps."""
    for _ in range(WARM_UP):
        step()
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def network():
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    if PEER != "torch":
        oracle_model.Decoder.forward = decode
    return oracle_model.MicroSegFormer(19, 0.15, True)


def torch_step(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-4, weight_decay=1e-4)
    image = torch.rand(BATCH, 3, SIZE, SIZE)
    blocks = torch.randint(0, 19, (BATCH, SIZE // 8, SIZE // 8))
    label = blocks.repeat_interleave(8, 1).repeat_interleave(8, 2)
    model.train(WHAT == "train")
    run = torch.compile(model) if "compiled" in PEER else model

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=PEER.endswith("bf16")):
            if WHAT == "infer":
                with torch.inference_mode():
                    return run(image).argmax(1)
            optimizer.zero_grad(set_to_none=True)
            logits = run(image)
            loss = F.cross_entropy(logits, label) + 1.5 * oracle_model.dice_loss(logits.float(), label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        return optimizer.step()

    return step


def exported(model, folder):
    class Labels(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x).argmax(1)

    path = os.path.join(folder, "model.onnx")
    with torch.no_grad():
        torch.onnx.export(Labels().eval(), (torch.rand(BATCH, 3, SIZE, SIZE),), path, input_names=["image"],
                          output_names=["label"], dynamo=False, opset_version=17)
    return path


def onnxruntime_step(path, image):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": image})


def openvino_step(path, image):
    import openvino
    precision = "bf16" if PEER.endswith("bf16") else "f32"
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": precision,
                                                           "INFERENCE_NUM_THREADS": THREADS,
                                                           "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda: request.infer({0: image})


def main():
    runtime = not PEER.startswith("torch")
    if runtime and WHAT == "train":
        print("-")
        return
    model = network()
    if runtime:
        with tempfile.TemporaryDirectory() as folder:
            path = exported(model.eval(), folder)
            image = torch.rand(BATCH, 3, SIZE, SIZE).numpy()
            step = (onnxruntime_step if PEER == "onnxruntime" else openvino_step)(path, image)
            seconds = timed(step)
    else:
        seconds = timed(torch_step(model))
    print(f"{BATCH / seconds:.3f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


main()
