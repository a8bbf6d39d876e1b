"""Writes tta.expect.safetensors beside this file: python3 make_tta.py ORACLE_DIR  (PyTorch; ORACLE_DIR: shared/oracle).

The network of tiny.weights.safetensors on one 32x40 picture of bytes: mean probabilities over scales 1, 1.5 and 2 and
mirror images, as PyTorch computes them; `exchange`: the channels of the pairs 4-5, 6-7, 8-9 exchanged in
the mirrored branch, `keep`: without. Stored at every 4th pixel, (h, w, classes).
Sizes are multiples of 4: elsewhere the oracle's last upsampling, by a factor of 4, overshoots the picture.
"""
import sys
import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, sys.argv[1])
import oracle_model as O
import safetensors_io as S

here = __file__.rsplit('/', 1)[0] if '/' in __file__ else '.'
m = O.MicroSegFormer(19, 0., True, dims=(4, 8, 8, 12), depths=(1, 1, 1, 1), srs=(4, 2, 1, 1), embed=8)
m.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in S.load(here + '/tiny.weights.safetensors')[0].items()})
m.eval()
y, x, c = np.meshgrid(np.arange(32), np.arange(40), np.arange(3), indexing='ij')
picture = ((7 * x + 11 * y + 60 * c + (x * y) % 17 * 5) % 256).astype(np.uint8)
x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
swap = list(range(19))
for a, b in ((4, 5), (6, 7), (8, 9)):
    swap[a], swap[b] = b, a


def branch(x, s):
    z = m(F.interpolate(x, size=(int(32 * s), int(40 * s)), mode='bilinear', align_corners=False))
    return F.interpolate(z.softmax(1), size=(32, 40), mode='bilinear', align_corners=False)


def mean(exchange):
    total = 0
    for s in (1, 1.5, 2):
        back = branch(x.flip(3), s).flip(3)
        total = total + branch(x, s) + (back[:, swap] if exchange else back)
    return (total / 6)[0, :, ::4, ::4].permute(1, 2, 0).detach().numpy().copy()


S.save(here + '/tta.expect.safetensors', {'image': picture, 'exchange': mean(1), 'keep': mean(0)})
