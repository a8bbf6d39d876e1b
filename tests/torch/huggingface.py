"""Writes huggingface.weights.safetensors and huggingface.expect.safetensors: a small SegFormer of random weights as
transformers saves it, and what it makes of a picture. Nothing is downloaded.

usage: huggingface.py FOLDER     needs torch, transformers and safetensors; what lies here was written by transformers 5.24
       huggingface.py has        whether they are there: exit status
"""
import os
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import SegformerConfig, SegformerForSemanticSegmentation

if sys.argv[1] == "has":
    sys.exit(0)
config = SegformerConfig(hidden_sizes=[4, 6, 8, 8], depths=[1, 1, 2, 1], num_attention_heads=[1, 2, 2, 4],
                         sr_ratios=[4, 2, 1, 1], mlp_ratios=[2, 2, 2, 2], decoder_hidden_size=8, num_labels=19)
network = SegformerForSemanticSegmentation(config).eval()
generator = torch.Generator().manual_seed(1)
with torch.no_grad():
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            scale = name.endswith("norm.weight") or "norm_" in name and name.endswith("weight") or "running_var" in name
            value.copy_((torch.rand(value.shape, generator=generator) - 0.5) * 0.6 + float(scale))
    picture = torch.rand(1, 3, 32, 48, generator=generator)
    logits = network(picture).logits
with tempfile.TemporaryDirectory() as folder:
    network.save_pretrained(folder)
    tensors = load_file(os.path.join(folder, "model.safetensors"))
save_file(tensors, f"{sys.argv[1]}/huggingface.weights.safetensors")
save_file({"image": picture, "logits": logits.contiguous()}, f"{sys.argv[1]}/huggingface.expect.safetensors")
torch.save(network.state_dict(), f"{sys.argv[1]}/huggingface.pth")
