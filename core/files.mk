# Written by .ci/sources from the tree; run it after adding or removing a file.
public_headers = \
    include/fpcore/augment.h \
    include/fpcore/backend.h \
    include/fpcore/base.h \
    include/fpcore/dataset.h \
    include/fpcore/draw.h \
    include/fpcore/graph.h \
    include/fpcore/logger.h \
    include/fpcore/loss.h \
    include/fpcore/metric.h \
    include/fpcore/model.h \
    include/fpcore/op.h \
    include/fpcore/ops.h \
    include/fpcore/optimizer.h \
    include/fpcore/option.h \
    include/fpcore/plugin.h \
    include/fpcore/rng.h \
    include/fpcore/schedule.h \
    include/fpcore/tensor.h
core_sources = \
    core/arena.c \
    core/args.c \
    core/args.h \
    core/augment.c \
    core/autodiff.c \
    core/backend.c \
    core/checkpoint.c \
    core/checkpoint.h \
    core/cmd.h \
    core/cmd_bench.c \
    core/cmd_check.c \
    core/cmd_describe.c \
    core/cmd_eval.c \
    core/cmd_list.c \
    core/cmd_lr.c \
    core/cmd_model.c \
    core/cmd_new.c \
    core/cmd_predict.c \
    core/cmd_probe.c \
    core/cmd_train.c \
    core/cmdline.c \
    core/core_options.c \
    core/core_options.h \
    core/data.h \
    core/dataset.c \
    core/draw.c \
    core/events.c \
    core/events.h \
    core/exec.c \
    core/exec.h \
    core/exec_node.c \
    core/file.c \
    core/graph.c \
    core/graph.h \
    core/help.c \
    core/help.h \
    core/image.c \
    core/image.h \
    core/image_file.h \
    core/image_jpeg.c \
    core/image_png.c \
    core/image_resize.c \
    core/instance.c \
    core/layers.c \
    core/lint.c \
    core/lint.h \
    core/message.c \
    core/message.h \
    core/ops.c \
    core/ops.h \
    core/ops_attention.c \
    core/ops_image.c \
    core/ops_linear.c \
    core/ops_loss.c \
    core/ops_norm.c \
    core/ops_pointwise.c \
    core/ops_resize.c \
    core/option.c \
    core/option.h \
    core/option_text.c \
    core/option_value.c \
    core/option_value.h \
    core/plan.c \
    core/plan.h \
    core/plugin_check.c \
    core/plugin_check.h \
    core/print.c \
    core/program.h \
    core/recipe.c \
    core/recipe.h \
    core/recipe_scan.c \
    core/recipe_scan.h \
    core/registry.c \
    core/registry.h \
    core/rewrite.c \
    core/run.c \
    core/run.h \
    core/run_epoch.c \
    core/run_folder.c \
    core/run_log.c \
    core/run_meter.c \
    core/run_save.c \
    core/safetensors.c \
    core/samples.c \
    core/split.c \
    core/split.h \
    core/stages.c \
    core/stages.h \
    core/state.c \
    core/steps.c \
    core/templates.h \
    core/trainer.h
core_data = \
    core/ops.def
template_files = \
    core/templates/augment.c.in \
    core/templates/backend.c.in \
    core/templates/dataset.c.in \
    core/templates/logger.c.in \
    core/templates/loss.c.in \
    core/templates/metric.c.in \
    core/templates/model.c.in \
    core/templates/optimizer.c.in \
    core/templates/schedule.c.in
conf_files = \
    conf/augment_6_1.ini \
    conf/base.ini \
    conf/celebamask128.ini \
    conf/lmsa_dice1.5_warm_restart.ini \
    conf/lmsa_enhanced_dice.ini \
    conf/lmsa_v1.ini \
    conf/quickstart.ini \
    conf/unet_baseline.ini
doc_files = \
    docs/architecture.md \
    docs/performance.md \
    docs/quickstart.png \
    docs/results.md \
    docs/writing-a-plugin.md
ci_files = \
    .ci/run \
    .ci/sources \
    .ci/lint \
    .ci/summary
