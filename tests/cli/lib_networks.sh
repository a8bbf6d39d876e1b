# lib_networks.sh: the networks whose weights are tests/golden/NAME.weights.safetensors, for scripts that take all of them:
# the file `models` has a line each, NAME SIZE,SIZE... SETTINGS; the sizes are HxW and not square. `tiny` is the settings of
# the first. Read by `. "$FPCORE_SRC/tests/cli/lib_networks.sh"` in the scratch folder.
# shellcheck shell=sh
tiny="model.dims=4,8,8,12 model.depths=1,1,1,1 model.sr_ratios=4,2,1,1 model.decoder_dim=8"
micro="model.dims=4,4,6,8 model.depths=1,1,1,1 model.sr_ratios=4,2,1,1 model.decoder_dim=8 model.dropout=0"
cat >models <<END
tiny 32x48,50x38 model.use=microsegformer $tiny
micro_convolution 32x48 $micro model.attention=off model.lmsa=off
micro_single_scale 32x48 $micro model.decoder=single_scale
micro_deep_mlp 48x32 $micro model.decoder=deep_mlp
micro_enhanced 32x48,44x36 $micro model.decoder=enhanced
micro_lightweight 32x48 $micro model.decoder=lightweight
micro_progressive 32x48,44x36 $micro model.decoder=progressive model.refine_dim=8 model.half_dim=6 model.stem_dim=4
micro_refine 48x32 $micro model.decoder=refine model.half_dim=6 model.stem_dim=4
micro_mix_ffn 32x48 $micro model.mix_ffn=on
unet 32x48,37x51 model.use=unet model.width=2
unet_transposed 48x32,37x51 model.use=unet model.width=1 model.bilinear=off
bisenetv2 64x96,52x68 model.use=bisenetv2 model.detail=4,4,6 model.semantic=4,4,6,8 model.aggregation=6 model.head=8 model.expansion=2
segformer_b0 32x48,45x61 model.use=segformer_b0 $tiny model.dims=4,6,8,8 model.depths=1,1,2,1 model.heads=1,2,2,4 model.mlp_ratio=2
convnext_fpn 32x48,52x44 model.use=convnext_fpn model.dims=4,6,8,8 model.depths=1,2,1,1 model.expansion=2 model.stem_dim=4 model.refine_dim=8 model.half_dim=6
END
