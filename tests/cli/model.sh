#!/bin/sh
# fpcore model: rows, totals, work before and after the rewrites, and the limit of parameters.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
conf=$FPCORE_SRC/conf

expect "model" 0 "$FPCORE" model -c "$conf/lmsa_v1.ini" --size 512
says "a row of the encoder" '^block1\.0 .* 1x128x128x32 +74,176 +386\.40 '
says "a row of the decoder" '^decoder\.conv_seg +linear +1x512x512x19 +2,451 +637\.53 '
says "the parameters" '^parameters: 1,747,923$'
says "the work" '^forward MACs: 4\.157 G as stated, [12]\.[0-9]+ G after rewrites$'
says "the limit" '^limit: 1,821,085 parameters \(model\.max_params\), 96\.0 % used, 73,162 left$'
expect "without LMSA" 0 "$FPCORE" model -c "$conf/lmsa_v1.ini" -s model.lmsa=off
says "it is smaller" '^parameters: 1,721,939$'
expect "the baseline" 0 "$FPCORE" model -c "$conf/recorded/unet_baseline.ini" --size 64
says "parameters" '^parameters: 1,688,499$'
expect "a model above the limit" 2 "$FPCORE" model -c "$conf/recorded/unet_baseline.ini" --size 64 -s model.width=22
says "is refused" 'model\.max_params = 1821085: the model has 2,042,675 parameters, 221,590 too many$'
expect "an oblong picture" 0 "$FPCORE" model -c tiny.ini --size 48x64 --batch 3 --nodes
says "batch, height and width" '^decoder\.conv_seg +linear +3x48x64x19 '
says "a row per node" '^block1\.0\.attn\.q +linear '
expect "the rewritten graph" 0 "$FPCORE" model -c tiny.ini --rewritten --nodes
says "has the head before the last resize" '^decoder\.conv_seg +linear +1x8x8x19 '
exit $bad
