"""Writes losses.safetensors beside this file: values and gradients by the logits of the losses that PyTorch does not have,
written here from their papers, in double: python3 make.py. Names: value.NAME, grad.NAME; the rows of test_golden_terms.c.
mask_b, share: a second mask, and how much of each image belongs to the first (mixed_NAME).
"""
import json
import os
import struct
import numpy as np
import torch

N, K, H, W, IGNORE = 3, 5, 6, 8, 255
CLASS_WEIGHTS = torch.tensor([0.5, 1, 2, 0, 4], dtype=torch.float64)


def images(mask):
    """Labelled images: (index, labelled pixels, their labels)."""
    for n in range(N):
        seen = mask[n] != IGNORE
        if seen.any():
            yield n, seen, mask[n][seen]


def count(mask):
    return len(list(images(mask)))


def cross_entropy(z, mask, share):
    total = pixels = 0
    for n, seen, label in images(mask):
        logp = torch.log_softmax(z[n], 0)[:, seen]
        total = total - share[n] * logp.gather(0, label[None]).sum()
        pixels += len(label)
    return total / pixels


def tversky(alpha, beta, gamma, eps=1e-8):
    def loss(z, mask, share):
        total = 0
        for n, seen, label in images(mask):
            p = torch.softmax(z[n], 0)[:, seen]
            y = torch.nn.functional.one_hot(label, K).T.double()
            hit, fp, fn = (p * y).sum(1), (p * (1 - y)).sum(1), ((1 - p) * y).sum(1)
            t = (hit + eps) / (hit + alpha * fp + beta * fn + eps)
            total = total + share[n] * ((1 - t) ** (1 / gamma)).mean()
        return total / count(mask)
    return loss


def dice(z, mask, share):
    return tversky(0.5, 0.5, 1, 0.5e-8)(z, mask, share)


def lovasz_list(p, label, weight, every):
    """p (K, pixels), label, weight (pixels)."""
    losses = []
    for c in range(K):
        own = (label == c).double()
        if own.sum() == 0 and not every:
            continue
        error = (own - p[c]).abs()
        order = torch.argsort(error.detach(), descending=True)
        own, error = own[order], error[order]
        jaccard = 1 - (own.sum() - own.cumsum(0)) / (own.sum() + (1 - own).cumsum(0))
        step = torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
        losses.append((weight[order] * error * step).sum())
    return torch.stack(losses).mean()


def lovasz(every=False, per_image=True):
    def loss(z, mask, share):
        parts = [(torch.softmax(z[n], 0)[:, seen], label, share[n].expand(len(label))) for n, seen, label in images(mask)]
        if not per_image:
            parts = [(torch.cat([p for p, _, _ in parts], 1), torch.cat([y for _, y, _ in parts]), torch.cat([w for _, _, w in parts]))]
        return sum(lovasz_list(*part, every) for part in parts) / len(parts)
    return loss


def ohem(threshold, keep, weight=None):
    weight = torch.ones(K, dtype=torch.float64) if weight is None else weight

    def loss(z, mask, share):
        total = 0
        for n, seen, label in images(mask):
            logp = torch.log_softmax(z[n], 0)[:, seen].gather(0, label[None])[0]
            hard = max(int((logp.exp() < threshold).sum()), int(np.ceil(keep * len(label) - 1e-9)))
            kept = torch.argsort(logp.detach())[:hard]
            w = weight[label[kept]]
            total = total + share[n] * (-(w * logp[kept]).sum() / w.sum())
        return total / count(mask)
    return loss


def signed_distance(mask, c):
    """By looking at every pair of pixels."""
    at = np.stack(np.meshgrid(np.arange(H), np.arange(W), indexing='ij'), -1).reshape(-1, 2)
    mask = mask.numpy().reshape(-1)
    own, other = at[mask == c], at[(mask != c) & (mask != IGNORE)]
    d = np.zeros(H * W)
    for i in range(H * W):
        sites = other if mask[i] == c else own
        if mask[i] != IGNORE and len(sites):
            nearest = np.sqrt(((sites - at[i]) ** 2).sum(1).min())
            d[i] = 1 - nearest if mask[i] == c else nearest
    return torch.from_numpy(d.reshape(H, W))


def boundary(unit):
    def loss(z, mask, share):
        total = 0
        for n, seen, label in images(mask):
            p = torch.softmax(z[n], 0)
            present = [c for c in range(K) if (label == c).any()]
            each = [(p[c] * signed_distance(mask[n], c) * unit)[seen].mean() for c in present]
            total = total + share[n] * sum(each) / len(present)
        return total / count(mask)
    return loss


LOSSES = {
    'tversky': tversky(0.3, 0.7, 1),
    'focal_tversky': tversky(0.3, 0.7, 4 / 3),
    'lovasz': lovasz(),
    'lovasz_all': lovasz(every=True),
    'lovasz_batch': lovasz(per_image=False),
    'ohem': ohem(0.25, 0.1),
    'ohem_keep': ohem(0.001, 0.4),
    'ohem_weights': ohem(0.3, 0.5, CLASS_WEIGHTS),
    'boundary': boundary(1 / np.hypot(H, W)),
    'boundary_pixels': boundary(1),
    'mixed_cross_entropy': cross_entropy,
    'mixed_dice': dice,
    'mixed_tversky': tversky(0.3, 0.7, 1),
    'mixed_lovasz': lovasz(),
    'mixed_lovasz_batch': lovasz(per_image=False),
    'mixed_ohem': ohem(0.25, 0.1),
    'mixed_boundary': boundary(1 / np.hypot(H, W)),
}


def write(path, tensors):
    names = {np.dtype('float32'): 'F32', np.dtype('float64'): 'F64', np.dtype('uint8'): 'U8'}
    header, at = {}, 0
    for k, v in tensors.items():
        header[k] = {'dtype': names[v.dtype], 'shape': list(v.shape), 'data_offsets': [at, at + v.nbytes]}
        at += v.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(np.ascontiguousarray(v).tobytes() for v in tensors.values()))


g = torch.Generator().manual_seed(5)
logits = (torch.randn(N, K, H, W, generator=g) * 1.5).float()
masks = []
for m in range(2):
    low = torch.randint(0, K - 1 if m == 0 else K, (N, 1, 3, 4), generator=g).float()  # the first has no class 4
    mask = torch.nn.functional.interpolate(low, size=(H, W), mode='nearest')[:, 0].long()
    mask[torch.rand(mask.shape, generator=g) < 0.1] = IGNORE
    masks.append(mask)
masks[0][2][masks[0][2] == 1] = 0
share = torch.tensor([0.7, 0.25, 1.0], dtype=torch.float64)
out = {'share': share.numpy(), 'logits': logits.numpy(), 'mask': masks[0].numpy().astype(np.uint8),
       'mask_b': masks[1].numpy().astype(np.uint8)}
values, grads = {}, {}
for name, loss in LOSSES.items():
    z = logits.double().requires_grad_()
    if name.startswith('mixed_'):
        value = loss(z, masks[0], share) + loss(z, masks[1], 1 - share)
    else:
        value = loss(z, masks[0], torch.ones(N, dtype=torch.float64))
    value.backward()
    values['value.' + name] = value.detach().numpy().reshape(1)
    grads['grad.' + name] = z.grad.numpy().astype(np.float32)
    print(f'{name:20} {float(value):.12f}')
write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'losses.safetensors'), {**{k: v for k, v in out.items() if v.itemsize == 8}, **values, **{k: v for k, v in out.items() if v.itemsize == 4}, **grads, **{k: v for k, v in out.items() if v.itemsize == 1}})
