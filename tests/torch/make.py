"""Writes the files of tests/torch by PyTorch, as test_archive.c expects them.

usage: make.py FOLDER      needs torch and safetensors; what lies in tests/torch was written by torch 2.15
       make.py has         whether torch is there: exit status
"""
import sys
import warnings

import torch

if sys.argv[1] == "has":
    sys.exit(0)
warnings.simplefilter("ignore")
folder = sys.argv[1]


def counted(*shape, dtype=torch.float32, first=1):
    """first, first + 1, ... in the order of the axes."""
    n = 1
    for size in shape:
        n *= size
    return torch.arange(first, first + n).reshape(shape).to(dtype)


def save(thing, name, **how):
    torch.save(thing, f"{folder}/{name}", **how)


kinds = {
    "float": counted(2, 3),
    "double": counted(2, 3, dtype=torch.float64),
    "half": counted(2, 3, dtype=torch.float16),
    "bfloat": counted(2, 3, dtype=torch.bfloat16),
    "long": counted(2, 3, dtype=torch.int64, first=-2),
    "int": counted(2, 3, dtype=torch.int32, first=-2),
    "byte": counted(2, 3, dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(7.0),
    "empty": torch.zeros(0, 3),
}
save(kinds, "kinds.pth")

storage = counted(24)
views = {
    "whole": storage,
    "part": storage[6:12].reshape(2, 3),
    "turned": storage[6:12].reshape(2, 3).t(),
    "other": storage[1::2],
    "last": counted(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
    "tied": storage,
}
save(views, "views.pth")

torch.manual_seed(1)
network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
for parameter in network.parameters():
    parameter.data = counted(*parameter.shape)
optimizer = torch.optim.Adam(network.parameters())
network(torch.rand(2, 3, 8, 8)).sum().backward()
save(
    {
        "epoch": 12,
        "best": 0.625,
        "args": {"name": "S\u00e4ge", "sizes": [224, (1, 2, 3, 4, 5)], "none": None, "large": 1 << 40, "huge": 1 << 90,
                 "minus": -70000, "log": "one\ntwo", "flags": [True, False]},
        "optimizer": optimizer.state_dict(),
        "nested": {"model_ema": {"0.weight": counted(4, 3, 3, 3)}, "model": network.state_dict()},
        "lr": torch.tensor(0.1),
    },
    "training.pth",
)
save(dict(network.named_parameters()), "parameters.pth")
save(network, "module.pth")
save({"state_dict": network.state_dict(), "where": torch.device("cpu")}, "object.pth")
save(kinds, "old.pth", _use_new_zipfile_serialization=False)
save({"a": torch.zeros(2, dtype=torch.complex64)}, "complex.pth")
save({"a": torch.zeros(1).expand(1000)}, "repeated.pth")
save({"a": counted(2)}, "protocol.pth", pickle_protocol=4)
save(counted(3), "tensor.pth")
torch.jit.script(torch.nn.Linear(2, 3)).save(f"{folder}/script.pt")
