"""Writes the small golden tensors beside this file: python3 make.py ORACLE_DIR  (PyTorch; ORACLE_DIR: shared/oracle).

tiny.*: MicroSegFormer with LMSA, dims 4,8,8,12, depths 1,1,1,1, sr_ratios 4,2,1,1, decoder_dim 8; 2x32x40.
steps.*: the same model, three steps of one 32x32 picture: lr 1e-2 with 1 warm-up epoch then cosine, clip 1; adamw with eps
1e-5 (the bias of attention's keys has no gradient but rounding, which a smaller eps would blow up) and sgd with Nesterov.
unet.*, unet_transposed.*: the usual U-Net of width 2 (transposed: 1) on 1x37x44, as in plugins/model/unet.c; weights are
exact in half precision and stored so. Logits are stored at every 4th pixel, gradients of parameters with at most 600 numbers.
steps.adam.*: the steps again with torch.optim.Adam, its decay in the gradient; steps.sam.*: AdamW within SAM, rho 0.05.
micro_*.*, bisenetv2.*, segformer_b0.*, convnext_fpn.*: the further models, of networks.py, on three.input (3x40x64); stored as the
U-Nets are, but for logits at every 8th pixel and gradients of at most 128 numbers.
"""
import sys
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, sys.argv[1])
import oracle_model as O
import safetensors_io as S
import networks as N

DIMS = dict(dims=(4, 8, 8, 12), depths=(1, 1, 1, 1), srs=(4, 2, 1, 1), embed=8)


def arr(t):
    return t.detach().numpy().copy()


def blobs(n, h, w, g):
    low = torch.randint(0, 19, (n, 1, max(2, h // 8), max(2, w // 8)), generator=g).float()
    return F.interpolate(low, size=(h, w), mode='nearest')[:, 0].long()


def stir(m, g):
    """Defaults hide mistakes: every norm, bias and running statistic becomes non-trivial."""
    with torch.no_grad():
        for p in m.parameters():
            p.copy_((torch.rand(p.shape, generator=g) * 2 - 1) * (3 / max(1, p[0].numel())) ** .5 if p.dim() > 1
                    else p + torch.randn(p.shape, generator=g) * .1)
        for k, b in m.named_buffers():
            if 'num_batches' not in k:
                b.copy_(torch.rand(b.shape, generator=g) + .5 if 'var' in k else torch.randn(b.shape, generator=g) * .1)
    return m


def weights(m):
    return {k: arr(v) for k, v in m.state_dict().items()}


def passes(m, x, y, most=10**9, every=4):
    m.eval()
    e = {'logits_eval': arr(m(x)[:, :, ::every, ::every])}
    m.train()
    z = m(x)
    ce, dice = F.cross_entropy(z, y), O.dice_loss(z, y)
    (ce + 1.5 * dice).backward()
    e.update({'logits_train': arr(z[:, :, ::every, ::every]), 'loss': arr(ce + 1.5 * dice), 'loss.ce': arr(ce), 'loss.dice': arr(dice)})
    e.update({'grad.' + k: arr(p.grad) for k, p in m.named_parameters() if p.numel() <= most})
    e.update({'buffer.' + k: arr(b) for k, b in m.named_buffers() if 'num_batches' not in k})
    return e


def uphill(m, x, y, rho):
    """Sharpness-aware minimisation: gradients of the same batch at w + rho g/|g|; running statistics stay."""
    ps, bns = list(m.parameters()), [b for b in m.modules() if isinstance(b, nn.BatchNorm2d)]
    old = [p.detach().clone() for p in ps]
    norm = torch.sqrt(sum((p.grad ** 2).sum() for p in ps))
    with torch.no_grad():
        for p in ps:
            p.add_(p.grad, alpha=float(rho / (norm + 1e-12)))
    m.zero_grad()
    for b in bns:
        b.momentum = 0.
    z = m(x)
    (F.cross_entropy(z, y) + 1.5 * O.dice_loss(z, y)).backward()
    with torch.no_grad():
        for p, w in zip(ps, old):
            p.copy_(w)
    for b in bns:
        b.momentum = .1


def steps(optimizer, g0, x, y, rho=0):
    torch.manual_seed(g0)
    m = stir(O.MicroSegFormer(19, 0., True, **DIMS), torch.Generator().manual_seed(g0))
    w0 = weights(m)
    opt = optimizer(m.parameters())
    sch = torch.optim.lr_scheduler.SequentialLR(opt, [torch.optim.lr_scheduler.LinearLR(opt, .1, 1., 1),
                                                      torch.optim.lr_scheduler.CosineAnnealingLR(opt, 2)], [1])
    log = {'lr': [], 'loss': [], 'grad_norm': []}
    m.train()
    for i in range(len(x)):
        opt.zero_grad()
        z = m(x[i])
        loss = F.cross_entropy(z, y[i]) + 1.5 * O.dice_loss(z, y[i])
        loss.backward()
        if rho:
            uphill(m, x[i], y[i], rho)
        log['lr'].append(opt.param_groups[0]['lr'])
        log['grad_norm'].append(float(nn.utils.clip_grad_norm_(m.parameters(), 1.)))
        log['loss'].append(loss.item())
        opt.step()
        sch.step()
    e = {k: arr(torch.tensor(v, dtype=torch.float64)) for k, v in log.items()}
    e.update({'after.' + k: arr(v) for k, v in m.state_dict().items() if 'num_batches' not in k})
    return w0, e


class Double(nn.Module):
    def __init__(s, i, m, o):
        super().__init__()
        s.double_conv = nn.Sequential(nn.Conv2d(i, m, 3, padding=1, bias=False), nn.BatchNorm2d(m), nn.ReLU(), nn.Identity(),
                                      nn.Conv2d(m, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.Identity())

    def forward(s, x):
        return s.double_conv(x)


class Down(nn.Module):
    def __init__(s, i, o):
        super().__init__()
        s.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Double(i, o, o))

    def forward(s, x):
        return s.maxpool_conv(x)


class Up(nn.Module):
    def __init__(s, i, o, bilinear):
        super().__init__()
        s.up = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True) if bilinear else nn.ConvTranspose2d(i, i // 2, 2, 2)
        s.conv = Double(i, i // 2 if bilinear else o, o)

    def forward(s, x, skip):
        x = s.up(x)
        dh, dw = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        return s.conv(torch.cat([skip, F.pad(x, [dw // 2, dw - dw // 2, dh // 2, dh - dh // 2])], 1))


class Head(nn.Module):
    def __init__(s, i, o):
        super().__init__()
        s.conv = nn.Conv2d(i, o, 1)

    def forward(s, x):
        return s.conv(x)


class UNet(nn.Module):
    def __init__(s, b, bilinear, classes=19):
        super().__init__()
        f = 2 if bilinear else 1
        s.inc = Double(3, b, b)
        s.down1, s.down2, s.down3, s.down4 = Down(b, 2 * b), Down(2 * b, 4 * b), Down(4 * b, 8 * b), Down(8 * b, 16 * b // f)
        s.up1, s.up2 = Up(16 * b, 8 * b // f, bilinear), Up(8 * b, 4 * b // f, bilinear)
        s.up3, s.up4 = Up(4 * b, 2 * b // f, bilinear), Up(2 * b, b, bilinear)
        s.outc = Head(b, classes)

    def forward(s, x):
        a = s.inc(x)
        b = s.down1(a)
        c = s.down2(b)
        d = s.down3(c)
        return s.outc(s.up4(s.up3(s.up2(s.up1(s.down4(d), d), c), b), a))


def further():
    g = torch.Generator().manual_seed(8)
    torch.manual_seed(8)
    i = S.load('steps.input.safetensors')[0]
    x, y = torch.from_numpy(i['image'].copy()), torch.from_numpy(i['mask'].astype('int64'))
    w, e = steps(lambda p: torch.optim.Adam(p, lr=1e-2, weight_decay=1e-2, eps=1e-5), 11, x, y)
    S.save('steps.adam.safetensors', e)
    w, e = steps(lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=1e-2, eps=1e-5), 11, x, y, rho=.05)
    S.save('steps.sam.safetensors', e)

    x, y = torch.rand(3, 3, 40, 64, generator=g).half().float(), blobs(3, 40, 64, g)
    S.save('three.input.safetensors', {'image': arr(x.half()), 'mask': arr(y.to(torch.uint8))})
    small = dict(dims=(4, 4, 6, 8), depths=(1, 1, 1, 1), srs=(4, 2, 1, 1), embed=8)
    models = {'micro_convolution': N.microsegformer(attention=False, lmsa=False, **small)}
    models.update({'micro_' + k: N.microsegformer(decoder=k, **small)
                   for k in ('single_scale', 'deep_mlp', 'enhanced', 'lightweight')})
    models['bisenetv2'] = N.BiSeNetV2((4, 4, 6), (4, 4, 6, 8), 6, 8, 2)
    models['segformer_b0'] = N.SegFormer((4, 6, 8, 8), (1, 1, 2, 1), (1, 2, 2, 4), (4, 2, 1, 1), 2, 8)
    half = dict(half_dim=6, stem_dim=4, **small)
    models['micro_progressive'] = N.microsegformer(decoder='progressive', refine_dim=8, **half)
    models['micro_refine'] = N.microsegformer(decoder='refine', **half)
    models['micro_mix_ffn'] = N.microsegformer(mix_ffn=True, **small)
    models['convnext_fpn'] = N.ConvNextFpn((4, 6, 8, 8), (1, 2, 1, 1), 5, 2, 4, 8, 6)
    for name, m in models.items():
        stir(m, g)
        w = {k: v.half() if v.dtype == torch.float32 else v for k, v in m.state_dict().items()}
        m.load_state_dict({k: v.float() if v.dtype == torch.float16 else v for k, v in w.items()})
        S.save(f'{name}.weights.safetensors', {k: arr(v) for k, v in w.items()})
        S.save(f'{name}.expect.safetensors', passes(m, x, y, 128, 8))
    counts = {N.count(N.microsegformer(lmsa=False, **k)): n for n, k in (
        (1053075, dict(attention=False)), (1627219, dict(decoder='single_scale')), (1820499, dict(decoder='deep_mlp')))}
    counts.update({N.count(N.microsegformer(decoder='enhanced')): 2507219, N.count(N.SegFormer()): 3719027,
                   N.count(N.microsegformer(decoder='lightweight')): 2063699, N.count(N.BiSeNetV2()): 1790723,
                   N.count(N.microsegformer(decoder='progressive')): 1680963,
                   N.count(N.microsegformer(decoder='progressive', lmsa=False)): 1666083,
                   N.count(N.microsegformer(decoder='refine')): 1758691,
                   N.count(N.microsegformer(mix_ffn=True)): 1763923,
                   N.count(N.microsegformer(decoder='progressive', mix_ffn=True)): 1696963,
                   N.count(N.ConvNextFpn()): 1761379, N.count(N.ConvNextFpn(k=7)): 1795939})
    assert all(a == b for a, b in counts.items())


def main():
    g = torch.Generator().manual_seed(7)
    torch.manual_seed(7)
    torch.use_deterministic_algorithms(True)

    m = stir(O.MicroSegFormer(19, 0., True, **DIMS), g)
    x, y = torch.rand(2, 3, 32, 40, generator=g), blobs(2, 32, 40, g)
    S.save('tiny.weights.safetensors', weights(m))
    S.save('tiny.input.safetensors', {'image': arr(x), 'mask': arr(y.to(torch.uint8))})
    S.save('tiny.expect.safetensors', passes(m, x, y))

    x, y = torch.rand(3, 1, 3, 32, 32, generator=g), torch.stack([blobs(1, 32, 32, g) for _ in range(3)])
    S.save('steps.input.safetensors', {'image': arr(x), 'mask': arr(y.to(torch.uint8))})
    w, e = steps(lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=1e-2, eps=1e-5), 11, x, y)
    S.save('steps.weights.safetensors', w)
    S.save('steps.adamw.safetensors', e)
    w, e = steps(lambda p: torch.optim.SGD(p, lr=1e-2, momentum=.9, nesterov=True, weight_decay=1e-2), 11, x, y)
    S.save('steps.sgd.safetensors', e)

    x, y = torch.rand(1, 3, 37, 44, generator=g), blobs(1, 37, 44, g)
    S.save('unet.input.safetensors', {'image': arr(x), 'mask': arr(y.to(torch.uint8))})
    for name, bilinear, width in (('unet', True, 2), ('unet_transposed', False, 1)):
        m = stir(UNet(width, bilinear), g)
        w = {k: v.half() if v.dtype == torch.float32 else v for k, v in m.state_dict().items()}
        m.load_state_dict({k: v.float() if v.dtype == torch.float16 else v for k, v in w.items()})
        S.save(f'{name}.weights.safetensors', {k: arr(v) for k, v in w.items()})
        S.save(f'{name}.expect.safetensors', passes(m, x, y, 600))
    big = UNet(20, True)
    assert N.count(big) == 1688499
    further()


main()
