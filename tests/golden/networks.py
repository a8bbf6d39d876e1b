"""PyTorch statements of the further models of plugins/model, for make.py: the ablations and decoders of MicroSegFormer
(over the oracle's modules), BiSeNetV2 without its auxiliary heads, SegFormer, ConvNeXt blocks under a feature pyramid. Written from the papers; names are those of
the plugins' parameters.
"""
import sys
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, sys.argv[1])
import oracle_model as O


def up(x, size):
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=False)


def named(**modules):
    s = nn.Module()
    for k, m in modules.items():
        setattr(s, k, m)
    return s


# ---- what several of them have ----

class Conv(nn.Module):
    """Convolution without bias, batch norm, and ReLU unless told otherwise."""
    def __init__(s, i, o, k=3, stride=1, groups=1, relu=True):
        super().__init__()
        s.conv, s.bn, s.relu = nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o), relu

    def forward(s, x):
        x = s.bn(s.conv(x))
        return x.relu() if s.relu else x


class Separable(nn.Module):
    def __init__(s, i, o):
        super().__init__()
        s.depth, s.point = nn.Conv2d(i, i, 3, 1, 1, groups=i, bias=False), Conv(i, o, 1)

    def forward(s, x):
        return s.point(s.depth(x))


def steps_of(dims, e):
    """A projection of each map; below the coarsest, what mixes it with what comes from above."""
    mixes = [dict(mix=Separable(e, e)) for _ in dims[1:]] + [{}]
    return {f'step{i + 1}': named(lateral=nn.Linear(c, e), **mixes[i]) for i, c in enumerate(dims)}


def top_down(d, maps):
    x = None
    for i in range(len(maps), 0, -1):
        step = getattr(d, f'step{i}')
        y = step.lateral(maps[i - 1].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = y if x is None else step.mix(up(x, y.shape[2:]) + y)
    return x


def half_of(x, skip, e):
    return named(mix1=Separable(x + skip, e), mix2=Separable(e, e))


def join(d, x, skip):
    return d.at_half.mix2(d.at_half.mix1(torch.cat([up(x, skip.shape[2:]), skip], 1)))


# ---- MicroSegFormer: its decoders and ablations ----

class Mixer(nn.Module):
    """In the place of attention."""
    def __init__(s, c):
        super().__init__()
        s.dw_conv3x3, s.bn, s.pw_conv = nn.Conv2d(c, c, 3, 1, 1, groups=c), nn.BatchNorm2d(c), nn.Conv2d(c, c, 1)

    def forward(s, x, h, w):
        m = x.transpose(1, 2).reshape(x.shape[0], -1, h, w)
        return s.pw_conv(s.bn(s.dw_conv3x3(m))).flatten(2).transpose(1, 2)


def refine(i, o, k, bias):
    conv = nn.Conv2d(i, o, k, padding=k // 2, bias=bias)
    return nn.Sequential(conv, nn.ReLU()) if bias else nn.Sequential(conv, nn.BatchNorm2d(o), nn.ReLU())


class Decoder(nn.Module):
    def __init__(s, kind, dims, e, classes, lmsa):
        super().__init__()
        s.kind, s.use = kind, lmsa
        s.linear_c4 = nn.Linear(dims[3], e)
        if kind == 'single_scale':
            s.linear_fuse = nn.Linear(e, e)
        else:
            s.linear_c3, s.linear_c2, s.linear_c1 = (nn.Linear(dims[i], e) for i in (2, 1, 0))
            widths = (4 * e, 2 * e, e, e) if kind == 'deep_mlp' else (4 * e, e, e)
            layers = [m for a, b in zip(widths, widths[1:]) for m in (nn.Linear(a, b), nn.GELU())]
            s.linear_fuse = nn.Sequential(*layers[:-1])
        if lmsa:
            s.lmsa = O.Lmsa(e)
        if kind in ('enhanced', 'lightweight'):
            light = kind == 'lightweight'
            s.up1, s.skip = refine(e, e, 3, light), refine(e + dims[0], e, 1, light)
            s.up2 = refine(e, e, 3, light)
            if not light:
                s.merge, s.refine1, s.refine2 = refine(e, e, 3, False), refine(e, e, 3, False), refine(e, e, 3, False)
        s.conv_seg = nn.Conv2d(e, classes, 1)

    def quarter(s, fs):
        h, w = fs[0].shape[2:]
        per_pixel = lambda m, x: m(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        if s.kind == 'single_scale':
            x = per_pixel(s.linear_fuse, per_pixel(s.linear_c4, fs[3]))
        else:
            parts = [up(per_pixel(m, f), (h, w)) for m, f in zip((s.linear_c1, s.linear_c2, s.linear_c3, s.linear_c4), fs)]
            x = per_pixel(s.linear_fuse, torch.cat(parts, 1))
        return s.lmsa(x) if s.use else x

    def forward(s, fs):
        x, (h, w) = s.quarter(fs), fs[0].shape[2:]
        if s.kind in ('enhanced', 'lightweight'):
            x = s.up1(up(x, (2 * h, 2 * w)))
            x = s.skip(torch.cat([x, up(fs[0], (2 * h, 2 * w))], 1))
            x = s.up2(up(s.merge(x) if s.kind == 'enhanced' else x, (4 * h, 4 * w)))
            x = s.refine2(s.refine1(x)) if s.kind == 'enhanced' else x
        else:
            x = up(x, (4 * h, 4 * w))
        return s.conv_seg(x)


class Refine(Decoder):
    """The standard one, refined at half of the picture's size."""
    def __init__(s, kind, dims, e, classes, lmsa, half_dim=48, stem_dim=24):
        super().__init__('standard', dims, e, classes, lmsa)
        s.stem, s.at_half, s.conv_seg = Conv(3, stem_dim, stride=2), half_of(e, stem_dim, half_dim), nn.Conv2d(half_dim, classes, 1)

    def forward(s, fs):
        return up(s.conv_seg(join(s, s.quarter(fs), s.stem(s.image))), s.image.shape[2:])


class Progressive(Refine):
    def __init__(s, kind, dims, e, classes, lmsa, refine_dim=96, **widths):
        super().__init__(kind, dims, refine_dim, classes, lmsa, **widths)
        for k in ('linear_c1', 'linear_c2', 'linear_c3', 'linear_c4', 'linear_fuse'):
            delattr(s, k)
        for k, m in steps_of(dims, refine_dim).items():
            setattr(s, k, m)

    def quarter(s, fs):
        x = top_down(s, fs)
        return s.lmsa(x) if s.use else x


class Micro(O.MicroSegFormer):
    def forward(s, x):
        s.decoder.image = x
        return super().forward(x)


class MixBlock(O.Block):
    """With Mix-FFN, whose convolution has to know the map's size."""
    def __init__(s, c, sr):
        super().__init__(c, sr, 0.)
        s.mlp = Mix(c, 2)

    def forward(s, x, h, w):
        x = x + s.attn(s.norm1(x), h, w)
        return x + s.mlp(s.norm2(x), h, w)


def microsegformer(classes=19, attention=True, mix_ffn=False, decoder='standard', lmsa=True,
                   dims=(32, 64, 128, 192), depths=(1, 2, 2, 2), srs=(8, 4, 2, 1), embed=128, **widths):
    m = Micro(classes, 0., False, dims=dims, depths=depths, srs=srs, embed=embed)
    if mix_ffn:
        for i in range(4):
            setattr(m, f'block{i + 1}', nn.ModuleList(MixBlock(dims[i], srs[i]) for _ in range(depths[i])))
    if not attention:
        for i in range(4):
            for b in getattr(m, f'block{i + 1}'):
                b.attn = Mixer(dims[i])
    kind = dict(refine=Refine, progressive=Progressive).get(decoder, Decoder)
    m.decoder = kind(decoder, dims, embed, classes, lmsa, **widths)
    return m


# ---- BiSeNetV2, arXiv:2004.02147 ----

class Stem(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.conv, s.left = Conv(3, c, stride=2), nn.Sequential(Conv(c, c // 2, 1), Conv(c // 2, c, stride=2))
        s.fuse = Conv(2 * c, c)

    def forward(s, x):
        x = s.conv(x)
        return s.fuse(torch.cat([s.left(x), F.max_pool2d(x, 3, 2, 1)], 1))


class Gather(nn.Module):
    """Gather and expand."""
    def __init__(s, i, o, e, stride):
        super().__init__()
        s.conv1 = Conv(i, i)
        if stride == 2:
            s.dw1, s.dw2 = Conv(i, i * e, stride=2, groups=i, relu=False), Conv(i * e, i * e, groups=i * e)
            s.shortcut = nn.Sequential(Conv(i, i, stride=2, groups=i, relu=False), Conv(i, o, 1, relu=False))
        else:
            s.dw1 = Conv(i, i * e, groups=i)
        s.conv2 = Conv(i * e, o, 1, relu=False)

    def forward(s, x):
        y = s.dw1(s.conv1(x))
        if hasattr(s, 'dw2'):
            return (s.conv2(s.dw2(y)) + s.shortcut(x)).relu()
        return (s.conv2(y) + x).relu()


class Context(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.bn, s.gap, s.last = nn.BatchNorm2d(c), Conv(c, c, 1), Conv(c, c)

    def forward(s, x):
        return s.last(s.gap(s.bn(x.mean((2, 3), keepdim=True))) + x)


class Aggregation(nn.Module):
    def __init__(s, d, m, a):
        super().__init__()
        pair = lambda c: nn.Sequential(Conv(c, c, groups=c, relu=False), nn.Conv2d(c, a, 1, bias=False))
        s.detail_keep, s.detail_down = pair(d), Conv(d, a, stride=2, relu=False)
        s.semantic_up, s.semantic_keep = Conv(m, a, relu=False), pair(m)
        s.out = Conv(a, a)

    def forward(s, d, m):
        down = F.avg_pool2d(s.detail_down(d), 3, 2, 1)
        fine = s.detail_keep(d) * up(s.semantic_up(m), d.shape[2:]).sigmoid()
        coarse = down * s.semantic_keep(m).sigmoid()
        return s.out(fine + up(coarse, d.shape[2:]))


class BiSeNetV2(nn.Module):
    def __init__(s, detail=(64, 64, 128), semantic=(16, 32, 64, 96), aggregation=96, head=256, e=6, classes=19):
        super().__init__()
        a, b, c = detail
        m0, m1, m2, m3 = semantic
        s.detail = named(s1=nn.Sequential(Conv(3, a, stride=2), Conv(a, a)),
                         s2=nn.Sequential(Conv(a, b, stride=2), Conv(b, b), Conv(b, b)),
                         s3=nn.Sequential(Conv(b, c, stride=2), Conv(c, c), Conv(c, c)))
        s.semantic = named(stem=Stem(m0), s3=nn.Sequential(Gather(m0, m1, e, 2), Gather(m1, m1, e, 1)),
                           s4=nn.Sequential(Gather(m1, m2, e, 2), Gather(m2, m2, e, 1)),
                           s5=nn.Sequential(Gather(m2, m3, e, 2), *(Gather(m3, m3, e, 1) for _ in range(3))),
                           context=Context(m3))
        s.aggregation = Aggregation(c, m3, aggregation)
        s.head = named(conv=Conv(aggregation, head), conv_seg=nn.Conv2d(head, classes, 1))

    def forward(s, x):
        d = s.detail.s3(s.detail.s2(s.detail.s1(x)))
        m = s.semantic.stem(x)
        m = s.semantic.context(s.semantic.s5(s.semantic.s4(s.semantic.s3(m))))
        return up(s.head.conv_seg(s.head.conv(s.aggregation(d, m))), x.shape[2:])


# ---- SegFormer, arXiv:2105.15203, with the names of its authors' checkpoints ----

class Attention(nn.Module):
    def __init__(s, c, heads, sr):
        super().__init__()
        s.q, s.kv, s.proj, s.heads = nn.Linear(c, c), nn.Linear(c, 2 * c), nn.Linear(c, c), heads
        if sr > 1:
            s.sr, s.norm = nn.Conv2d(c, c, sr, sr), nn.LayerNorm(c)

    def forward(s, x, h, w):
        b, n, c = x.shape
        t = s.norm(s.sr(x.transpose(1, 2).reshape(b, c, h, w)).flatten(2).transpose(1, 2)) if hasattr(s, 'sr') else x
        split = lambda y: y.reshape(b, -1, s.heads, c // s.heads).transpose(1, 2)
        k, v = map(split, s.kv(t).split(c, -1))
        a = (split(s.q(x)) @ k.transpose(2, 3) * (c // s.heads) ** -.5).softmax(-1)
        return s.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class Mix(nn.Module):
    def __init__(s, c, ratio):
        super().__init__()
        s.fc1, s.fc2 = nn.Linear(c, c * ratio), nn.Linear(c * ratio, c)
        s.dwconv = named(dwconv=nn.Conv2d(c * ratio, c * ratio, 3, 1, 1, groups=c * ratio))

    def forward(s, x, h, w):
        y = s.fc1(x)
        y = s.dwconv.dwconv(y.transpose(1, 2).reshape(y.shape[0], -1, h, w)).flatten(2).transpose(1, 2)
        return s.fc2(F.gelu(y))


class Block(nn.Module):
    def __init__(s, c, heads, sr, ratio):
        super().__init__()
        s.norm1, s.attn = nn.LayerNorm(c, 1e-6), Attention(c, heads, sr)
        s.norm2, s.mlp = nn.LayerNorm(c, 1e-6), Mix(c, ratio)

    def forward(s, x, h, w):
        x = x + s.attn(s.norm1(x), h, w)
        return x + s.mlp(s.norm2(x), h, w)


class SegFormer(nn.Module):
    def __init__(s, dims=(32, 64, 160, 256), depths=(2, 2, 2, 2), heads=(1, 2, 5, 8), srs=(8, 4, 2, 1), ratio=4, e=256,
                 classes=19):
        super().__init__()
        parts = {}
        for i, c in enumerate(dims):
            parts[f'patch_embed{i + 1}'] = O.Embed(dims[i - 1] if i else 3, c, 3 if i else 7, 2 if i else 4)
            parts[f'block{i + 1}'] = nn.ModuleList(Block(c, heads[i], srs[i], ratio) for _ in range(depths[i]))
            parts[f'norm{i + 1}'] = nn.LayerNorm(c, 1e-6)
        s.backbone = named(**parts)
        fuse = named(conv=nn.Conv2d(len(dims) * e, e, 1, bias=False), bn=nn.BatchNorm2d(e))
        s.decode_head = named(**{f'linear_c{i + 1}': named(proj=nn.Linear(c, e)) for i, c in enumerate(dims)},
                              linear_fuse=fuse, linear_pred=nn.Conv2d(e, classes, 1))
        s.stages = len(dims)

    def forward(s, x):
        maps, size = [], x.shape[2:]
        for i in range(1, s.stages + 1):
            t, h, w = getattr(s.backbone, f'patch_embed{i}')(x)
            for b in getattr(s.backbone, f'block{i}'):
                t = b(t, h, w)
            x = getattr(s.backbone, f'norm{i}')(t).transpose(1, 2).reshape(t.shape[0], -1, h, w)
            maps.append(x)
        h = s.decode_head
        parts = [up(getattr(h, f'linear_c{i}').proj(maps[i - 1].flatten(2).transpose(1, 2)).transpose(1, 2)
                    .reshape(x.shape[0], -1, *maps[i - 1].shape[2:]), maps[0].shape[2:]) for i in range(s.stages, 0, -1)]
        return up(h.linear_pred(h.linear_fuse.bn(h.linear_fuse.conv(torch.cat(parts, 1))).relu()), size)


# ---- ConvNeXt blocks, arXiv:2201.03545, with batch norms; a feature pyramid up to half of the picture's size ----

class NextBlock(nn.Module):
    def __init__(s, c, k, ratio):
        super().__init__()
        s.dwconv, s.norm = nn.Conv2d(c, c, k, 1, k // 2, groups=c, bias=False), nn.BatchNorm2d(c)
        s.pwconv1, s.pwconv2 = nn.Linear(c, ratio * c), nn.Linear(ratio * c, c)

    def forward(s, x):
        y = s.norm(s.dwconv(x)).permute(0, 2, 3, 1)
        return x + s.pwconv2(F.gelu(s.pwconv1(y))).permute(0, 3, 1, 2)


class ConvNextFpn(nn.Module):
    def __init__(s, dims=(32, 64, 128, 160), depths=(3, 4, 6, 2), k=5, ratio=4, stem=24, refine=96, half=48, classes=19):
        super().__init__()
        s.stem, s.stages = Conv(3, stem, stride=2), len(dims)
        for i, c in enumerate(dims):
            blocks = {str(b): NextBlock(c, k, ratio) for b in range(depths[i])}
            setattr(s, f'stage{i + 1}', named(down=Conv(dims[i - 1] if i else stem, c, stride=2, relu=False), **blocks))
        s.decoder = named(**steps_of(dims, refine), at_half=half_of(refine, stem, half), conv_seg=nn.Conv2d(half, classes, 1))

    def forward(s, x):
        half, maps, size = s.stem(x), [], x.shape[2:]
        y = half
        for i in range(1, s.stages + 1):
            for m in getattr(s, f'stage{i}').children():
                y = m(y)
            maps.append(y)
        return up(s.decoder.conv_seg(join(s.decoder, top_down(s.decoder, maps), half)), size)


def count(m):
    return sum(p.numel() for p in m.parameters())
