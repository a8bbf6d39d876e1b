# Written by .ci/sources from the tree; run it after adding or removing a file.
EXTRA_PROGRAMS =
conform_sources = \
    tests/conform/conform.h \
    tests/conform/descriptor.c \
    tests/conform/draws.c \
    tests/conform/eval.c \
    tests/conform/machine.c \
    tests/conform/main.c \
    tests/conform/networks.c \
    tests/conform/plain.c \
    tests/conform/symbols.c
emulate_sources = \
    tests/cuda_emulator/engine.cpp \
    tests/cuda_emulator/fiber.cpp \
    tests/cuda_emulator/libraries.cpp \
    tests/cuda_emulator/memory.cpp \
    tests/cuda_emulator/queue.cpp \
    tests/cuda_emulator/races.cpp \
    tests/cuda_emulator/runtime.cpp \
    tests/cuda_emulator/warp.cpp
test_programs = \
    tests/abi/test_abi \
    tests/golden/test_golden \
    tests/ops/agree \
    tests/ops/grad \
    tests/ops/kornia \
    tests/ops/losses \
    tests/ops/pictures \
    tests/ops/properties \
    tests/ops/shapes \
    tests/ops/support \
    tests/plugins/augment/test_colour \
    tests/plugins/augment/test_field \
    tests/plugins/augment/test_geometry \
    tests/plugins/augment/test_kornia \
    tests/plugins/augment/test_mix \
    tests/plugins/augment/test_pictures \
    tests/plugins/augment/test_pixel \
    tests/plugins/augment/test_policy \
    tests/plugins/dataset/test_folder \
    tests/plugins/dataset/test_folder_fingerprint \
    tests/plugins/dataset/test_folder_layouts \
    tests/plugins/dataset/test_folder_masks \
    tests/plugins/dataset/test_folder_parts \
    tests/plugins/dataset/test_folder_shapes \
    tests/plugins/dataset/test_folder_text \
    tests/plugins/dataset/test_synthetic \
    tests/plugins/logger/test_console \
    tests/plugins/logger/test_hparams \
    tests/plugins/logger/test_logger \
    tests/plugins/logger/test_names \
    tests/plugins/logger/test_tensorboard \
    tests/plugins/loss/test_class_weights \
    tests/plugins/loss/test_golden_terms \
    tests/plugins/loss/test_loss \
    tests/plugins/loss/test_relations \
    tests/plugins/metric/test_metric \
    tests/plugins/model/test_model \
    tests/plugins/optimizer/test_optimizer \
    tests/plugins/schedule/test_schedule \
    tests/plugins/schedule/test_torch \
    tests/recipes/test_recipes \
    tests/torch/test_archive \
    tests/torch/test_names \
    tests/unit/test_analyze \
    tests/unit/test_analyze_reference \
    tests/unit/test_arena \
    tests/unit/test_args \
    tests/unit/test_at_work \
    tests/unit/test_audit \
    tests/unit/test_audit_notes \
    tests/unit/test_augment \
    tests/unit/test_augment_draw \
    tests/unit/test_autodiff \
    tests/unit/test_backend \
    tests/unit/test_blobs \
    tests/unit/test_checkpoint \
    tests/unit/test_classes \
    tests/unit/test_compare \
    tests/unit/test_compare_apart \
    tests/unit/test_dataset \
    tests/unit/test_draw \
    tests/unit/test_dtype \
    tests/unit/test_events \
    tests/unit/test_exec \
    tests/unit/test_experiment \
    tests/unit/test_export \
    tests/unit/test_fit \
    tests/unit/test_flow \
    tests/unit/test_fuse \
    tests/unit/test_graph \
    tests/unit/test_groups \
    tests/unit/test_half \
    tests/unit/test_help \
    tests/unit/test_image \
    tests/unit/test_index \
    tests/unit/test_int8 \
    tests/unit/test_labels \
    tests/unit/test_layers \
    tests/unit/test_lint \
    tests/unit/test_lint_data \
    tests/unit/test_lint_keys \
    tests/unit/test_lint_loss \
    tests/unit/test_lint_schedule \
    tests/unit/test_measure \
    tests/unit/test_message \
    tests/unit/test_native \
    tests/unit/test_near_hashes \
    tests/unit/test_normalize \
    tests/unit/test_open_once \
    tests/unit/test_ops \
    tests/unit/test_option \
    tests/unit/test_output \
    tests/unit/test_parts \
    tests/unit/test_pattern \
    tests/unit/test_place \
    tests/unit/test_plan \
    tests/unit/test_post \
    tests/unit/test_precision \
    tests/unit/test_predict \
    tests/unit/test_predictor \
    tests/unit/test_preview \
    tests/unit/test_products \
    tests/unit/test_queue \
    tests/unit/test_recipe \
    tests/unit/test_recorded \
    tests/unit/test_registry \
    tests/unit/test_report \
    tests/unit/test_rewrite \
    tests/unit/test_run \
    tests/unit/test_run_check \
    tests/unit/test_run_counters \
    tests/unit/test_run_files \
    tests/unit/test_run_init \
    tests/unit/test_run_shown \
    tests/unit/test_run_stop \
    tests/unit/test_run_swa \
    tests/unit/test_safetensors \
    tests/unit/test_sampler \
    tests/unit/test_samples \
    tests/unit/test_scores \
    tests/unit/test_seen \
    tests/unit/test_series \
    tests/unit/test_serve \
    tests/unit/test_split \
    tests/unit/test_state \
    tests/unit/test_stats \
    tests/unit/test_steps \
    tests/unit/test_steps_update \
    tests/unit/test_submit \
    tests/unit/test_sweep \
    tests/unit/test_text \
    tests/unit/test_threads \
    tests/unit/test_tiles \
    tests/unit/test_training_graphs \
    tests/unit/test_transfer \
    tests/unit/test_tta \
    tests/unit/test_tune \
    tests/unit/test_validation \
    tests/unit/test_zip_archive
test_scripts = \
    tests/abi/exports.sh \
    tests/abi/grow.sh \
    tests/cli/analyze.sh \
    tests/cli/augmentations.sh \
    tests/cli/bad_plugins.sh \
    tests/cli/bad_recipes.sh \
    tests/cli/bad_starts.sh \
    tests/cli/check.sh \
    tests/cli/compare.sh \
    tests/cli/data.sh \
    tests/cli/data_init.sh \
    tests/cli/deb.sh \
    tests/cli/disk_full.sh \
    tests/cli/embedding.sh \
    tests/cli/examples.sh \
    tests/cli/export.sh \
    tests/cli/export_c.sh \
    tests/cli/export_int8.sh \
    tests/cli/going_on.sh \
    tests/cli/help.sh \
    tests/cli/installcheck.sh \
    tests/cli/installed.sh \
    tests/cli/join_parts.sh \
    tests/cli/kill.sh \
    tests/cli/layouts.sh \
    tests/cli/list.sh \
    tests/cli/losses.sh \
    tests/cli/lr.sh \
    tests/cli/man.sh \
    tests/cli/measured_again.sh \
    tests/cli/model.sh \
    tests/cli/models.sh \
    tests/cli/moved.sh \
    tests/cli/nan.sh \
    tests/cli/new.sh \
    tests/cli/new_plugin.sh \
    tests/cli/no_gpu.sh \
    tests/cli/normalize.sh \
    tests/cli/oblong.sh \
    tests/cli/other_data.sh \
    tests/cli/own_data.sh \
    tests/cli/pack.sh \
    tests/cli/parts.sh \
    tests/cli/paths.sh \
    tests/cli/plateau.sh \
    tests/cli/precision.sh \
    tests/cli/predict.sh \
    tests/cli/predict_maps.sh \
    tests/cli/predict_tiles.sh \
    tests/cli/preview.sh \
    tests/cli/resume.sh \
    tests/cli/serve.sh \
    tests/cli/show.sh \
    tests/cli/signal.sh \
    tests/cli/submit.sh \
    tests/cli/sweep.sh \
    tests/cli/sweep_folds.sh \
    tests/cli/sweep_halving.sh \
    tests/cli/sweep_random.sh \
    tests/cli/terminal.sh \
    tests/cli/threads.sh \
    tests/cli/train_tiny.sh \
    tests/cli/trained.sh \
    tests/cli/tta.sh \
    tests/cli/tune.sh \
    tests/cli/void_colour.sh \
    tests/cli/weights.sh \
    tests/cli/wheel.sh \
    tests/cli/widths.sh \
    tests/cli/your_data.sh \
    tests/conform/broken_plugins.sh \
    tests/conform/own_plugins.sh \
    tests/emulated/kit.sh \
    tests/emulated/ops.sh \
    tests/emulated/recipes.sh \
    tests/emulated/train.sh \
    tests/torch/archives.sh
test_data = \
    tests/abi/abi1/fpcore/augment.h \
    tests/abi/abi1/fpcore/backend.h \
    tests/abi/abi1/fpcore/base.h \
    tests/abi/abi1/fpcore/dataset.h \
    tests/abi/abi1/fpcore/draw.h \
    tests/abi/abi1/fpcore/fpcore.h \
    tests/abi/abi1/fpcore/graph.h \
    tests/abi/abi1/fpcore/half.h \
    tests/abi/abi1/fpcore/image.h \
    tests/abi/abi1/fpcore/ini.h \
    tests/abi/abi1/fpcore/logger.h \
    tests/abi/abi1/fpcore/loss.h \
    tests/abi/abi1/fpcore/metric.h \
    tests/abi/abi1/fpcore/model.h \
    tests/abi/abi1/fpcore/op.h \
    tests/abi/abi1/fpcore/ops.h \
    tests/abi/abi1/fpcore/optimizer.h \
    tests/abi/abi1/fpcore/option.h \
    tests/abi/abi1/fpcore/plugin.h \
    tests/abi/abi1/fpcore/rng.h \
    tests/abi/abi1/fpcore/schedule.h \
    tests/abi/abi1/fpcore/tensor.h \
    tests/case.h \
    tests/cli/onnx_agrees.py \
    tests/cli/onnx_int8_agrees.py \
    tests/cli/serve_page.py \
    tests/cli/torch_agrees.py \
    tests/cli/wheel_holds.py \
    tests/conform/conform.h \
    tests/cuda_emulator/bits.h \
    tests/cuda_emulator/cuda_bf16.h \
    tests/cuda_emulator/cuda_fp16.h \
    tests/cuda_emulator/cuda_runtime.h \
    tests/cuda_emulator/cuda_runtime_api.h \
    tests/cuda_emulator/engine.h \
    tests/cuda_emulator/intrinsics.h \
    tests/cuda_emulator/kernels/cuda/ptx.h \
    tests/cuda_emulator/mma.h \
    tests/cuda_emulator/queue.h \
    tests/cuda_emulator/sanitize.h \
    tests/cuda_emulator/warp.h \
    tests/emulated/test_emulator.cpp \
    tests/emulated/test_races.cpp \
    tests/fixture.h \
    tests/fuzz/fuzz.h \
    tests/fuzz/fuzz_tensors.h \
    tests/fuzz/packed.json \
    tests/golden/bisenetv2.expect.safetensors \
    tests/golden/bisenetv2.weights.safetensors \
    tests/golden/convnext_fpn.expect.safetensors \
    tests/golden/convnext_fpn.weights.safetensors \
    tests/golden/golden.ini \
    tests/golden/make.py \
    tests/golden/make_tta.py \
    tests/golden/micro_convolution.expect.safetensors \
    tests/golden/micro_convolution.weights.safetensors \
    tests/golden/micro_deep_mlp.expect.safetensors \
    tests/golden/micro_deep_mlp.weights.safetensors \
    tests/golden/micro_enhanced.expect.safetensors \
    tests/golden/micro_enhanced.weights.safetensors \
    tests/golden/micro_lightweight.expect.safetensors \
    tests/golden/micro_lightweight.weights.safetensors \
    tests/golden/micro_mix_ffn.expect.safetensors \
    tests/golden/micro_mix_ffn.weights.safetensors \
    tests/golden/micro_progressive.expect.safetensors \
    tests/golden/micro_progressive.weights.safetensors \
    tests/golden/micro_refine.expect.safetensors \
    tests/golden/micro_refine.weights.safetensors \
    tests/golden/micro_single_scale.expect.safetensors \
    tests/golden/micro_single_scale.weights.safetensors \
    tests/golden/networks.py \
    tests/golden/segformer_b0.expect.safetensors \
    tests/golden/segformer_b0.weights.safetensors \
    tests/golden/steps.adam.safetensors \
    tests/golden/steps.adamw.safetensors \
    tests/golden/steps.input.safetensors \
    tests/golden/steps.sam.safetensors \
    tests/golden/steps.sgd.safetensors \
    tests/golden/steps.weights.safetensors \
    tests/golden/three.input.safetensors \
    tests/golden/tiny.expect.safetensors \
    tests/golden/tiny.input.safetensors \
    tests/golden/tiny.weights.safetensors \
    tests/golden/tta.expect.safetensors \
    tests/golden/unet.expect.safetensors \
    tests/golden/unet.input.safetensors \
    tests/golden/unet.weights.safetensors \
    tests/golden/unet_transposed.expect.safetensors \
    tests/golden/unet_transposed.weights.safetensors \
    tests/lsan.supp \
    tests/ops/backends.h \
    tests/ops/case_macros.h \
    tests/ops/cases.h \
    tests/ops/device.h \
    tests/ops/machine.h \
    tests/ops/try.h \
    tests/perf/peers.py \
    tests/plugins/augment/apply.h \
    tests/plugins/augment/draws.h \
    tests/plugins/dataset/folders.h \
    tests/plugins/logger/told.h \
    tests/plugins/logger/wire.h \
    tests/plugins/loss/losses.safetensors \
    tests/plugins/loss/make.py \
    tests/plugins/loss/term.h \
    tests/plugins/pictures.h \
    tests/plugins/tagged.h \
    tests/seg/common.h \
    tests/serve/hostile.h \
    tests/torch/complex.pth \
    tests/torch/huggingface.expect.safetensors \
    tests/torch/huggingface.py \
    tests/torch/huggingface.weights.safetensors \
    tests/torch/kinds.pth \
    tests/torch/make.py \
    tests/torch/module.pth \
    tests/torch/object.pth \
    tests/torch/old.pth \
    tests/torch/parameters.pth \
    tests/torch/protocol.pth \
    tests/torch/repeated.pth \
    tests/torch/script.pt \
    tests/torch/tensor.pth \
    tests/torch/training.pth \
    tests/torch/views.pth \
    tests/unit/compared.h \
    tests/unit/compile.h \
    tests/unit/graphs.h \
    tests/unit/lints.h \
    tests/unit/pixels.h \
    tests/unit/recordings.h \
    tests/unit/tiny.h \
    tests/unit/training.h \
    tests/unit/training_files.h \
    tests/cli/installcheck.sh \
    tests/cli/lib_networks.sh \
    tests/cli/lib_pictures.sh \
    tests/cli/lib_train.sh \
    tests/conform/lib_conform.sh \
    tests/cuda.sh \
    tests/emulated/lib_emulated.sh \
    tests/installcheck.sh \
    tests/faults/fault.c \
    tests/faults/run.sh \
    tests/fuzz/fuzz_image.c \
    tests/fuzz/fuzz_misc.c \
    tests/fuzz/fuzz_packed.c \
    tests/fuzz/fuzz_recipe.c \
    tests/fuzz/fuzz_recorded.c \
    tests/fuzz/fuzz_torch.c \
    tests/fuzz/fuzz_weights.c \
    tests/fuzz/run.sh \
    tests/perf/against_peers.sh \
    tests/perf/cores.sh \
    tests/portable/run.sh \
    tests/seg/programs.c \
    tests/seg/raw.c \
    tests/seg/try.c \
    tests/serve/client.c \
    tests/exported/try.c \
    tests/abi/abi1/augment.c \
    tests/abi/abi1/backend.c \
    tests/abi/abi1/dataset.c \
    tests/abi/abi1/logger.c \
    tests/abi/abi1/loss.c \
    tests/abi/abi1/metric.c \
    tests/abi/abi1/model.c \
    tests/abi/abi1/optimizer.c \
    tests/abi/abi1/schedule.c

tests_abi_test_abi_SOURCES = tests/abi/test_abi.c
tests_abi_test_abi_CPPFLAGS = $(test_cppflags)
tests_abi_test_abi_CFLAGS = $(test_cflags)
tests_abi_test_abi_LDFLAGS = $(test_ldflags)
tests_abi_test_abi_LDADD = $(test_libs)

tests_golden_test_golden_SOURCES = tests/golden/test_golden.c
tests_golden_test_golden_CPPFLAGS = $(test_cppflags)
tests_golden_test_golden_CFLAGS = $(test_cflags)
tests_golden_test_golden_LDFLAGS = $(test_ldflags)
tests_golden_test_golden_LDADD = $(test_libs)

tests_ops_agree_SOURCES = tests/ops/agree.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_agree_CPPFLAGS = $(test_cppflags)
tests_ops_agree_CFLAGS = $(test_cflags)
tests_ops_agree_LDFLAGS = $(test_ldflags)
tests_ops_agree_LDADD = $(test_libs)

tests_ops_bench_SOURCES = tests/ops/bench.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_bench_CPPFLAGS = $(test_cppflags)
tests_ops_bench_CFLAGS = $(test_cflags)
tests_ops_bench_LDFLAGS = $(test_ldflags)
tests_ops_bench_LDADD = $(test_libs)
EXTRA_PROGRAMS += tests/ops/bench

tests_ops_grad_SOURCES = tests/ops/grad.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_grad_CPPFLAGS = $(test_cppflags)
tests_ops_grad_CFLAGS = $(test_cflags)
tests_ops_grad_LDFLAGS = $(test_ldflags)
tests_ops_grad_LDADD = $(test_libs)

tests_ops_kornia_SOURCES = tests/ops/kornia.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_kornia_CPPFLAGS = $(test_cppflags)
tests_ops_kornia_CFLAGS = $(test_cflags)
tests_ops_kornia_LDFLAGS = $(test_ldflags)
tests_ops_kornia_LDADD = $(test_libs)

tests_ops_losses_SOURCES = tests/ops/losses.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_losses_CPPFLAGS = $(test_cppflags)
tests_ops_losses_CFLAGS = $(test_cflags)
tests_ops_losses_LDFLAGS = $(test_ldflags)
tests_ops_losses_LDADD = $(test_libs)

tests_ops_pictures_SOURCES = tests/ops/pictures.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_pictures_CPPFLAGS = $(test_cppflags)
tests_ops_pictures_CFLAGS = $(test_cflags)
tests_ops_pictures_LDFLAGS = $(test_ldflags)
tests_ops_pictures_LDADD = $(test_libs)

tests_ops_properties_SOURCES = tests/ops/properties.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_properties_CPPFLAGS = $(test_cppflags)
tests_ops_properties_CFLAGS = $(test_cflags)
tests_ops_properties_LDFLAGS = $(test_ldflags)
tests_ops_properties_LDADD = $(test_libs)

tests_ops_shapes_SOURCES = tests/ops/shapes.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_shapes_CPPFLAGS = $(test_cppflags)
tests_ops_shapes_CFLAGS = $(test_cflags)
tests_ops_shapes_LDFLAGS = $(test_ldflags)
tests_ops_shapes_LDADD = $(test_libs)

tests_ops_support_SOURCES = tests/ops/support.c tests/ops/backends.c tests/ops/backends.h tests/ops/bench_cases.c tests/ops/case_macros.h tests/ops/cases.c tests/ops/cases.h tests/ops/device.c tests/ops/device.h tests/ops/fill_picture.c tests/ops/machine.c tests/ops/machine.h tests/ops/run.c tests/ops/try.h tests/ops/watch.c
tests_ops_support_CPPFLAGS = $(test_cppflags)
tests_ops_support_CFLAGS = $(test_cflags)
tests_ops_support_LDFLAGS = $(test_ldflags)
tests_ops_support_LDADD = $(test_libs)

tests_plugins_augment_test_colour_SOURCES = tests/plugins/augment/test_colour.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_colour_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_colour_CFLAGS = $(test_cflags)
tests_plugins_augment_test_colour_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_colour_LDADD = $(test_libs)

tests_plugins_augment_test_field_SOURCES = tests/plugins/augment/test_field.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_field_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_field_CFLAGS = $(test_cflags)
tests_plugins_augment_test_field_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_field_LDADD = $(test_libs)

tests_plugins_augment_test_geometry_SOURCES = tests/plugins/augment/test_geometry.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_geometry_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_geometry_CFLAGS = $(test_cflags)
tests_plugins_augment_test_geometry_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_geometry_LDADD = $(test_libs)

tests_plugins_augment_test_kornia_SOURCES = tests/plugins/augment/test_kornia.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_kornia_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_kornia_CFLAGS = $(test_cflags)
tests_plugins_augment_test_kornia_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_kornia_LDADD = $(test_libs)

tests_plugins_augment_test_mix_SOURCES = tests/plugins/augment/test_mix.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_mix_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_mix_CFLAGS = $(test_cflags)
tests_plugins_augment_test_mix_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_mix_LDADD = $(test_libs)

tests_plugins_augment_test_pictures_SOURCES = tests/plugins/augment/test_pictures.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_pictures_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_pictures_CFLAGS = $(test_cflags)
tests_plugins_augment_test_pictures_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_pictures_LDADD = $(test_libs)

tests_plugins_augment_test_pixel_SOURCES = tests/plugins/augment/test_pixel.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_pixel_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_pixel_CFLAGS = $(test_cflags)
tests_plugins_augment_test_pixel_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_pixel_LDADD = $(test_libs)

tests_plugins_augment_test_policy_SOURCES = tests/plugins/augment/test_policy.c tests/plugins/augment/apply.h tests/plugins/augment/draws.h
tests_plugins_augment_test_policy_CPPFLAGS = $(test_cppflags)
tests_plugins_augment_test_policy_CFLAGS = $(test_cflags)
tests_plugins_augment_test_policy_LDFLAGS = $(test_ldflags)
tests_plugins_augment_test_policy_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_SOURCES = tests/plugins/dataset/test_folder.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_fingerprint_SOURCES = tests/plugins/dataset/test_folder_fingerprint.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_fingerprint_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_fingerprint_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_fingerprint_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_fingerprint_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_layouts_SOURCES = tests/plugins/dataset/test_folder_layouts.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_layouts_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_layouts_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_layouts_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_layouts_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_masks_SOURCES = tests/plugins/dataset/test_folder_masks.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_masks_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_masks_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_masks_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_masks_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_parts_SOURCES = tests/plugins/dataset/test_folder_parts.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_parts_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_parts_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_parts_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_parts_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_shapes_SOURCES = tests/plugins/dataset/test_folder_shapes.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_shapes_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_shapes_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_shapes_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_shapes_LDADD = $(test_libs)

tests_plugins_dataset_test_folder_text_SOURCES = tests/plugins/dataset/test_folder_text.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_folder_text_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_folder_text_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_folder_text_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_folder_text_LDADD = $(test_libs)

tests_plugins_dataset_test_synthetic_SOURCES = tests/plugins/dataset/test_synthetic.c tests/plugins/dataset/folders.h
tests_plugins_dataset_test_synthetic_CPPFLAGS = $(test_cppflags)
tests_plugins_dataset_test_synthetic_CFLAGS = $(test_cflags)
tests_plugins_dataset_test_synthetic_LDFLAGS = $(test_ldflags)
tests_plugins_dataset_test_synthetic_LDADD = $(test_libs)

tests_plugins_logger_test_console_SOURCES = tests/plugins/logger/test_console.c tests/plugins/logger/told.h tests/plugins/logger/wire.h
tests_plugins_logger_test_console_CPPFLAGS = $(test_cppflags)
tests_plugins_logger_test_console_CFLAGS = $(test_cflags)
tests_plugins_logger_test_console_LDFLAGS = $(test_ldflags)
tests_plugins_logger_test_console_LDADD = $(test_libs)

tests_plugins_logger_test_hparams_SOURCES = tests/plugins/logger/test_hparams.c tests/plugins/logger/told.h tests/plugins/logger/wire.h
tests_plugins_logger_test_hparams_CPPFLAGS = $(test_cppflags)
tests_plugins_logger_test_hparams_CFLAGS = $(test_cflags)
tests_plugins_logger_test_hparams_LDFLAGS = $(test_ldflags)
tests_plugins_logger_test_hparams_LDADD = $(test_libs)

tests_plugins_logger_test_logger_SOURCES = tests/plugins/logger/test_logger.c tests/plugins/logger/told.h tests/plugins/logger/wire.h
tests_plugins_logger_test_logger_CPPFLAGS = $(test_cppflags)
tests_plugins_logger_test_logger_CFLAGS = $(test_cflags)
tests_plugins_logger_test_logger_LDFLAGS = $(test_ldflags)
tests_plugins_logger_test_logger_LDADD = $(test_libs)

tests_plugins_logger_test_names_SOURCES = tests/plugins/logger/test_names.c tests/plugins/logger/told.h tests/plugins/logger/wire.h
tests_plugins_logger_test_names_CPPFLAGS = $(test_cppflags)
tests_plugins_logger_test_names_CFLAGS = $(test_cflags)
tests_plugins_logger_test_names_LDFLAGS = $(test_ldflags)
tests_plugins_logger_test_names_LDADD = $(test_libs)

tests_plugins_logger_test_tensorboard_SOURCES = tests/plugins/logger/test_tensorboard.c tests/plugins/logger/told.h tests/plugins/logger/wire.h
tests_plugins_logger_test_tensorboard_CPPFLAGS = $(test_cppflags)
tests_plugins_logger_test_tensorboard_CFLAGS = $(test_cflags)
tests_plugins_logger_test_tensorboard_LDFLAGS = $(test_ldflags)
tests_plugins_logger_test_tensorboard_LDADD = $(test_libs)

tests_plugins_loss_test_class_weights_SOURCES = tests/plugins/loss/test_class_weights.c tests/plugins/loss/term.h
tests_plugins_loss_test_class_weights_CPPFLAGS = $(test_cppflags)
tests_plugins_loss_test_class_weights_CFLAGS = $(test_cflags)
tests_plugins_loss_test_class_weights_LDFLAGS = $(test_ldflags)
tests_plugins_loss_test_class_weights_LDADD = $(test_libs)

tests_plugins_loss_test_golden_terms_SOURCES = tests/plugins/loss/test_golden_terms.c tests/plugins/loss/term.h
tests_plugins_loss_test_golden_terms_CPPFLAGS = $(test_cppflags)
tests_plugins_loss_test_golden_terms_CFLAGS = $(test_cflags)
tests_plugins_loss_test_golden_terms_LDFLAGS = $(test_ldflags)
tests_plugins_loss_test_golden_terms_LDADD = $(test_libs)

tests_plugins_loss_test_loss_SOURCES = tests/plugins/loss/test_loss.c tests/plugins/loss/term.h
tests_plugins_loss_test_loss_CPPFLAGS = $(test_cppflags)
tests_plugins_loss_test_loss_CFLAGS = $(test_cflags)
tests_plugins_loss_test_loss_LDFLAGS = $(test_ldflags)
tests_plugins_loss_test_loss_LDADD = $(test_libs)

tests_plugins_loss_test_relations_SOURCES = tests/plugins/loss/test_relations.c tests/plugins/loss/term.h
tests_plugins_loss_test_relations_CPPFLAGS = $(test_cppflags)
tests_plugins_loss_test_relations_CFLAGS = $(test_cflags)
tests_plugins_loss_test_relations_LDFLAGS = $(test_ldflags)
tests_plugins_loss_test_relations_LDADD = $(test_libs)

tests_plugins_metric_test_metric_SOURCES = tests/plugins/metric/test_metric.c
tests_plugins_metric_test_metric_CPPFLAGS = $(test_cppflags)
tests_plugins_metric_test_metric_CFLAGS = $(test_cflags)
tests_plugins_metric_test_metric_LDFLAGS = $(test_ldflags)
tests_plugins_metric_test_metric_LDADD = $(test_libs)

tests_plugins_model_test_model_SOURCES = tests/plugins/model/test_model.c
tests_plugins_model_test_model_CPPFLAGS = $(test_cppflags)
tests_plugins_model_test_model_CFLAGS = $(test_cflags)
tests_plugins_model_test_model_LDFLAGS = $(test_ldflags)
tests_plugins_model_test_model_LDADD = $(test_libs)

tests_plugins_optimizer_test_optimizer_SOURCES = tests/plugins/optimizer/test_optimizer.c
tests_plugins_optimizer_test_optimizer_CPPFLAGS = $(test_cppflags)
tests_plugins_optimizer_test_optimizer_CFLAGS = $(test_cflags)
tests_plugins_optimizer_test_optimizer_LDFLAGS = $(test_ldflags)
tests_plugins_optimizer_test_optimizer_LDADD = $(test_libs)

tests_plugins_schedule_test_schedule_SOURCES = tests/plugins/schedule/test_schedule.c
tests_plugins_schedule_test_schedule_CPPFLAGS = $(test_cppflags)
tests_plugins_schedule_test_schedule_CFLAGS = $(test_cflags)
tests_plugins_schedule_test_schedule_LDFLAGS = $(test_ldflags)
tests_plugins_schedule_test_schedule_LDADD = $(test_libs)

tests_plugins_schedule_test_torch_SOURCES = tests/plugins/schedule/test_torch.c
tests_plugins_schedule_test_torch_CPPFLAGS = $(test_cppflags)
tests_plugins_schedule_test_torch_CFLAGS = $(test_cflags)
tests_plugins_schedule_test_torch_LDFLAGS = $(test_ldflags)
tests_plugins_schedule_test_torch_LDADD = $(test_libs)

tests_recipes_test_recipes_SOURCES = tests/recipes/test_recipes.c
tests_recipes_test_recipes_CPPFLAGS = $(test_cppflags)
tests_recipes_test_recipes_CFLAGS = $(test_cflags)
tests_recipes_test_recipes_LDFLAGS = $(test_ldflags)
tests_recipes_test_recipes_LDADD = $(test_libs)

tests_torch_test_archive_SOURCES = tests/torch/test_archive.c
tests_torch_test_archive_CPPFLAGS = $(test_cppflags)
tests_torch_test_archive_CFLAGS = $(test_cflags)
tests_torch_test_archive_LDFLAGS = $(test_ldflags)
tests_torch_test_archive_LDADD = $(test_libs)

tests_torch_test_names_SOURCES = tests/torch/test_names.c
tests_torch_test_names_CPPFLAGS = $(test_cppflags)
tests_torch_test_names_CFLAGS = $(test_cflags)
tests_torch_test_names_LDFLAGS = $(test_ldflags)
tests_torch_test_names_LDADD = $(test_libs)

tests_unit_test_analyze_SOURCES = tests/unit/test_analyze.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_analyze_CPPFLAGS = $(test_cppflags)
tests_unit_test_analyze_CFLAGS = $(test_cflags)
tests_unit_test_analyze_LDFLAGS = $(test_ldflags)
tests_unit_test_analyze_LDADD = $(test_libs)

tests_unit_test_analyze_reference_SOURCES = tests/unit/test_analyze_reference.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_analyze_reference_CPPFLAGS = $(test_cppflags)
tests_unit_test_analyze_reference_CFLAGS = $(test_cflags)
tests_unit_test_analyze_reference_LDFLAGS = $(test_ldflags)
tests_unit_test_analyze_reference_LDADD = $(test_libs)

tests_unit_test_arena_SOURCES = tests/unit/test_arena.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_arena_CPPFLAGS = $(test_cppflags)
tests_unit_test_arena_CFLAGS = $(test_cflags)
tests_unit_test_arena_LDFLAGS = $(test_ldflags)
tests_unit_test_arena_LDADD = $(test_libs)

tests_unit_test_args_SOURCES = tests/unit/test_args.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_args_CPPFLAGS = $(test_cppflags)
tests_unit_test_args_CFLAGS = $(test_cflags)
tests_unit_test_args_LDFLAGS = $(test_ldflags)
tests_unit_test_args_LDADD = $(test_libs)

tests_unit_test_at_work_SOURCES = tests/unit/test_at_work.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_at_work_CPPFLAGS = $(test_cppflags)
tests_unit_test_at_work_CFLAGS = $(test_cflags)
tests_unit_test_at_work_LDFLAGS = $(test_ldflags)
tests_unit_test_at_work_LDADD = $(test_libs)

tests_unit_test_audit_SOURCES = tests/unit/test_audit.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_audit_CPPFLAGS = $(test_cppflags)
tests_unit_test_audit_CFLAGS = $(test_cflags)
tests_unit_test_audit_LDFLAGS = $(test_ldflags)
tests_unit_test_audit_LDADD = $(test_libs)

tests_unit_test_audit_notes_SOURCES = tests/unit/test_audit_notes.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_audit_notes_CPPFLAGS = $(test_cppflags)
tests_unit_test_audit_notes_CFLAGS = $(test_cflags)
tests_unit_test_audit_notes_LDFLAGS = $(test_ldflags)
tests_unit_test_audit_notes_LDADD = $(test_libs)

tests_unit_test_augment_SOURCES = tests/unit/test_augment.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_augment_CPPFLAGS = $(test_cppflags)
tests_unit_test_augment_CFLAGS = $(test_cflags)
tests_unit_test_augment_LDFLAGS = $(test_ldflags)
tests_unit_test_augment_LDADD = $(test_libs)

tests_unit_test_augment_draw_SOURCES = tests/unit/test_augment_draw.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_augment_draw_CPPFLAGS = $(test_cppflags)
tests_unit_test_augment_draw_CFLAGS = $(test_cflags)
tests_unit_test_augment_draw_LDFLAGS = $(test_ldflags)
tests_unit_test_augment_draw_LDADD = $(test_libs)

tests_unit_test_autodiff_SOURCES = tests/unit/test_autodiff.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_autodiff_CPPFLAGS = $(test_cppflags)
tests_unit_test_autodiff_CFLAGS = $(test_cflags)
tests_unit_test_autodiff_LDFLAGS = $(test_ldflags)
tests_unit_test_autodiff_LDADD = $(test_libs)

tests_unit_test_backend_SOURCES = tests/unit/test_backend.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_backend_CPPFLAGS = $(test_cppflags)
tests_unit_test_backend_CFLAGS = $(test_cflags)
tests_unit_test_backend_LDFLAGS = $(test_ldflags)
tests_unit_test_backend_LDADD = $(test_libs)

tests_unit_test_blobs_SOURCES = tests/unit/test_blobs.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_blobs_CPPFLAGS = $(test_cppflags)
tests_unit_test_blobs_CFLAGS = $(test_cflags)
tests_unit_test_blobs_LDFLAGS = $(test_ldflags)
tests_unit_test_blobs_LDADD = $(test_libs)

tests_unit_test_checkpoint_SOURCES = tests/unit/test_checkpoint.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_checkpoint_CPPFLAGS = $(test_cppflags)
tests_unit_test_checkpoint_CFLAGS = $(test_cflags)
tests_unit_test_checkpoint_LDFLAGS = $(test_ldflags)
tests_unit_test_checkpoint_LDADD = $(test_libs)

tests_unit_test_classes_SOURCES = tests/unit/test_classes.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_classes_CPPFLAGS = $(test_cppflags)
tests_unit_test_classes_CFLAGS = $(test_cflags)
tests_unit_test_classes_LDFLAGS = $(test_ldflags)
tests_unit_test_classes_LDADD = $(test_libs)

tests_unit_test_compare_SOURCES = tests/unit/test_compare.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_compare_CPPFLAGS = $(test_cppflags)
tests_unit_test_compare_CFLAGS = $(test_cflags)
tests_unit_test_compare_LDFLAGS = $(test_ldflags)
tests_unit_test_compare_LDADD = $(test_libs)

tests_unit_test_compare_apart_SOURCES = tests/unit/test_compare_apart.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_compare_apart_CPPFLAGS = $(test_cppflags)
tests_unit_test_compare_apart_CFLAGS = $(test_cflags)
tests_unit_test_compare_apart_LDFLAGS = $(test_ldflags)
tests_unit_test_compare_apart_LDADD = $(test_libs)

tests_unit_test_dataset_SOURCES = tests/unit/test_dataset.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_dataset_CPPFLAGS = $(test_cppflags)
tests_unit_test_dataset_CFLAGS = $(test_cflags)
tests_unit_test_dataset_LDFLAGS = $(test_ldflags)
tests_unit_test_dataset_LDADD = $(test_libs)

tests_unit_test_draw_SOURCES = tests/unit/test_draw.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_draw_CPPFLAGS = $(test_cppflags)
tests_unit_test_draw_CFLAGS = $(test_cflags)
tests_unit_test_draw_LDFLAGS = $(test_ldflags)
tests_unit_test_draw_LDADD = $(test_libs)

tests_unit_test_dtype_SOURCES = tests/unit/test_dtype.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_dtype_CPPFLAGS = $(test_cppflags)
tests_unit_test_dtype_CFLAGS = $(test_cflags)
tests_unit_test_dtype_LDFLAGS = $(test_ldflags)
tests_unit_test_dtype_LDADD = $(test_libs)

tests_unit_test_events_SOURCES = tests/unit/test_events.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_events_CPPFLAGS = $(test_cppflags)
tests_unit_test_events_CFLAGS = $(test_cflags)
tests_unit_test_events_LDFLAGS = $(test_ldflags)
tests_unit_test_events_LDADD = $(test_libs)

tests_unit_test_exec_SOURCES = tests/unit/test_exec.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_exec_CPPFLAGS = $(test_cppflags)
tests_unit_test_exec_CFLAGS = $(test_cflags)
tests_unit_test_exec_LDFLAGS = $(test_ldflags)
tests_unit_test_exec_LDADD = $(test_libs)

tests_unit_test_experiment_SOURCES = tests/unit/test_experiment.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_experiment_CPPFLAGS = $(test_cppflags)
tests_unit_test_experiment_CFLAGS = $(test_cflags)
tests_unit_test_experiment_LDFLAGS = $(test_ldflags)
tests_unit_test_experiment_LDADD = $(test_libs)

tests_unit_test_export_SOURCES = tests/unit/test_export.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_export_CPPFLAGS = $(test_cppflags)
tests_unit_test_export_CFLAGS = $(test_cflags)
tests_unit_test_export_LDFLAGS = $(test_ldflags)
tests_unit_test_export_LDADD = $(test_libs)

tests_unit_test_fit_SOURCES = tests/unit/test_fit.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_fit_CPPFLAGS = $(test_cppflags)
tests_unit_test_fit_CFLAGS = $(test_cflags)
tests_unit_test_fit_LDFLAGS = $(test_ldflags)
tests_unit_test_fit_LDADD = $(test_libs)

tests_unit_test_flow_SOURCES = tests/unit/test_flow.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_flow_CPPFLAGS = $(test_cppflags)
tests_unit_test_flow_CFLAGS = $(test_cflags)
tests_unit_test_flow_LDFLAGS = $(test_ldflags)
tests_unit_test_flow_LDADD = $(test_libs)

tests_unit_test_fuse_SOURCES = tests/unit/test_fuse.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_fuse_CPPFLAGS = $(test_cppflags)
tests_unit_test_fuse_CFLAGS = $(test_cflags)
tests_unit_test_fuse_LDFLAGS = $(test_ldflags)
tests_unit_test_fuse_LDADD = $(test_libs)

tests_unit_test_graph_SOURCES = tests/unit/test_graph.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_graph_CPPFLAGS = $(test_cppflags)
tests_unit_test_graph_CFLAGS = $(test_cflags)
tests_unit_test_graph_LDFLAGS = $(test_ldflags)
tests_unit_test_graph_LDADD = $(test_libs)

tests_unit_test_groups_SOURCES = tests/unit/test_groups.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_groups_CPPFLAGS = $(test_cppflags)
tests_unit_test_groups_CFLAGS = $(test_cflags)
tests_unit_test_groups_LDFLAGS = $(test_ldflags)
tests_unit_test_groups_LDADD = $(test_libs)

tests_unit_test_half_SOURCES = tests/unit/test_half.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_half_CPPFLAGS = $(test_cppflags)
tests_unit_test_half_CFLAGS = $(test_cflags)
tests_unit_test_half_LDFLAGS = $(test_ldflags)
tests_unit_test_half_LDADD = $(test_libs)

tests_unit_test_help_SOURCES = tests/unit/test_help.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_help_CPPFLAGS = $(test_cppflags)
tests_unit_test_help_CFLAGS = $(test_cflags)
tests_unit_test_help_LDFLAGS = $(test_ldflags)
tests_unit_test_help_LDADD = $(test_libs)

tests_unit_test_image_SOURCES = tests/unit/test_image.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_image_CPPFLAGS = $(test_cppflags)
tests_unit_test_image_CFLAGS = $(test_cflags)
tests_unit_test_image_LDFLAGS = $(test_ldflags)
tests_unit_test_image_LDADD = $(test_libs)

tests_unit_test_index_SOURCES = tests/unit/test_index.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_index_CPPFLAGS = $(test_cppflags)
tests_unit_test_index_CFLAGS = $(test_cflags)
tests_unit_test_index_LDFLAGS = $(test_ldflags)
tests_unit_test_index_LDADD = $(test_libs)

tests_unit_test_int8_SOURCES = tests/unit/test_int8.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_int8_CPPFLAGS = $(test_cppflags)
tests_unit_test_int8_CFLAGS = $(test_cflags)
tests_unit_test_int8_LDFLAGS = $(test_ldflags)
tests_unit_test_int8_LDADD = $(test_libs)

tests_unit_test_labels_SOURCES = tests/unit/test_labels.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_labels_CPPFLAGS = $(test_cppflags)
tests_unit_test_labels_CFLAGS = $(test_cflags)
tests_unit_test_labels_LDFLAGS = $(test_ldflags)
tests_unit_test_labels_LDADD = $(test_libs)

tests_unit_test_layers_SOURCES = tests/unit/test_layers.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_layers_CPPFLAGS = $(test_cppflags)
tests_unit_test_layers_CFLAGS = $(test_cflags)
tests_unit_test_layers_LDFLAGS = $(test_ldflags)
tests_unit_test_layers_LDADD = $(test_libs)

tests_unit_test_lint_SOURCES = tests/unit/test_lint.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_lint_CPPFLAGS = $(test_cppflags)
tests_unit_test_lint_CFLAGS = $(test_cflags)
tests_unit_test_lint_LDFLAGS = $(test_ldflags)
tests_unit_test_lint_LDADD = $(test_libs)

tests_unit_test_lint_data_SOURCES = tests/unit/test_lint_data.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_lint_data_CPPFLAGS = $(test_cppflags)
tests_unit_test_lint_data_CFLAGS = $(test_cflags)
tests_unit_test_lint_data_LDFLAGS = $(test_ldflags)
tests_unit_test_lint_data_LDADD = $(test_libs)

tests_unit_test_lint_keys_SOURCES = tests/unit/test_lint_keys.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_lint_keys_CPPFLAGS = $(test_cppflags)
tests_unit_test_lint_keys_CFLAGS = $(test_cflags)
tests_unit_test_lint_keys_LDFLAGS = $(test_ldflags)
tests_unit_test_lint_keys_LDADD = $(test_libs)

tests_unit_test_lint_loss_SOURCES = tests/unit/test_lint_loss.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_lint_loss_CPPFLAGS = $(test_cppflags)
tests_unit_test_lint_loss_CFLAGS = $(test_cflags)
tests_unit_test_lint_loss_LDFLAGS = $(test_ldflags)
tests_unit_test_lint_loss_LDADD = $(test_libs)

tests_unit_test_lint_schedule_SOURCES = tests/unit/test_lint_schedule.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_lint_schedule_CPPFLAGS = $(test_cppflags)
tests_unit_test_lint_schedule_CFLAGS = $(test_cflags)
tests_unit_test_lint_schedule_LDFLAGS = $(test_ldflags)
tests_unit_test_lint_schedule_LDADD = $(test_libs)

tests_unit_test_measure_SOURCES = tests/unit/test_measure.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_measure_CPPFLAGS = $(test_cppflags)
tests_unit_test_measure_CFLAGS = $(test_cflags)
tests_unit_test_measure_LDFLAGS = $(test_ldflags)
tests_unit_test_measure_LDADD = $(test_libs)

tests_unit_test_message_SOURCES = tests/unit/test_message.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_message_CPPFLAGS = $(test_cppflags)
tests_unit_test_message_CFLAGS = $(test_cflags)
tests_unit_test_message_LDFLAGS = $(test_ldflags)
tests_unit_test_message_LDADD = $(test_libs)

tests_unit_test_native_SOURCES = tests/unit/test_native.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_native_CPPFLAGS = $(test_cppflags)
tests_unit_test_native_CFLAGS = $(test_cflags)
tests_unit_test_native_LDFLAGS = $(test_ldflags)
tests_unit_test_native_LDADD = $(test_libs)

tests_unit_test_near_hashes_SOURCES = tests/unit/test_near_hashes.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_near_hashes_CPPFLAGS = $(test_cppflags)
tests_unit_test_near_hashes_CFLAGS = $(test_cflags)
tests_unit_test_near_hashes_LDFLAGS = $(test_ldflags)
tests_unit_test_near_hashes_LDADD = $(test_libs)

tests_unit_test_normalize_SOURCES = tests/unit/test_normalize.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_normalize_CPPFLAGS = $(test_cppflags)
tests_unit_test_normalize_CFLAGS = $(test_cflags)
tests_unit_test_normalize_LDFLAGS = $(test_ldflags)
tests_unit_test_normalize_LDADD = $(test_libs)

tests_unit_test_open_once_SOURCES = tests/unit/test_open_once.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_open_once_CPPFLAGS = $(test_cppflags)
tests_unit_test_open_once_CFLAGS = $(test_cflags)
tests_unit_test_open_once_LDFLAGS = $(test_ldflags)
tests_unit_test_open_once_LDADD = $(test_libs)

tests_unit_test_ops_SOURCES = tests/unit/test_ops.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_ops_CPPFLAGS = $(test_cppflags)
tests_unit_test_ops_CFLAGS = $(test_cflags)
tests_unit_test_ops_LDFLAGS = $(test_ldflags)
tests_unit_test_ops_LDADD = $(test_libs)

tests_unit_test_option_SOURCES = tests/unit/test_option.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_option_CPPFLAGS = $(test_cppflags)
tests_unit_test_option_CFLAGS = $(test_cflags)
tests_unit_test_option_LDFLAGS = $(test_ldflags)
tests_unit_test_option_LDADD = $(test_libs)

tests_unit_test_output_SOURCES = tests/unit/test_output.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_output_CPPFLAGS = $(test_cppflags)
tests_unit_test_output_CFLAGS = $(test_cflags)
tests_unit_test_output_LDFLAGS = $(test_ldflags)
tests_unit_test_output_LDADD = $(test_libs)

tests_unit_test_parts_SOURCES = tests/unit/test_parts.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_parts_CPPFLAGS = $(test_cppflags)
tests_unit_test_parts_CFLAGS = $(test_cflags)
tests_unit_test_parts_LDFLAGS = $(test_ldflags)
tests_unit_test_parts_LDADD = $(test_libs)

tests_unit_test_pattern_SOURCES = tests/unit/test_pattern.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_pattern_CPPFLAGS = $(test_cppflags)
tests_unit_test_pattern_CFLAGS = $(test_cflags)
tests_unit_test_pattern_LDFLAGS = $(test_ldflags)
tests_unit_test_pattern_LDADD = $(test_libs)

tests_unit_test_place_SOURCES = tests/unit/test_place.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_place_CPPFLAGS = $(test_cppflags)
tests_unit_test_place_CFLAGS = $(test_cflags)
tests_unit_test_place_LDFLAGS = $(test_ldflags)
tests_unit_test_place_LDADD = $(test_libs)

tests_unit_test_plan_SOURCES = tests/unit/test_plan.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_plan_CPPFLAGS = $(test_cppflags)
tests_unit_test_plan_CFLAGS = $(test_cflags)
tests_unit_test_plan_LDFLAGS = $(test_ldflags)
tests_unit_test_plan_LDADD = $(test_libs)

tests_unit_test_post_SOURCES = tests/unit/test_post.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_post_CPPFLAGS = $(test_cppflags)
tests_unit_test_post_CFLAGS = $(test_cflags)
tests_unit_test_post_LDFLAGS = $(test_ldflags)
tests_unit_test_post_LDADD = $(test_libs)

tests_unit_test_precision_SOURCES = tests/unit/test_precision.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_precision_CPPFLAGS = $(test_cppflags)
tests_unit_test_precision_CFLAGS = $(test_cflags)
tests_unit_test_precision_LDFLAGS = $(test_ldflags)
tests_unit_test_precision_LDADD = $(test_libs)

tests_unit_test_predict_SOURCES = tests/unit/test_predict.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_predict_CPPFLAGS = $(test_cppflags)
tests_unit_test_predict_CFLAGS = $(test_cflags)
tests_unit_test_predict_LDFLAGS = $(test_ldflags)
tests_unit_test_predict_LDADD = $(test_libs)

tests_unit_test_predictor_SOURCES = tests/unit/test_predictor.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_predictor_CPPFLAGS = $(test_cppflags)
tests_unit_test_predictor_CFLAGS = $(test_cflags)
tests_unit_test_predictor_LDFLAGS = $(test_ldflags)
tests_unit_test_predictor_LDADD = $(test_libs)

tests_unit_test_preview_SOURCES = tests/unit/test_preview.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_preview_CPPFLAGS = $(test_cppflags)
tests_unit_test_preview_CFLAGS = $(test_cflags)
tests_unit_test_preview_LDFLAGS = $(test_ldflags)
tests_unit_test_preview_LDADD = $(test_libs)

tests_unit_test_products_SOURCES = tests/unit/test_products.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_products_CPPFLAGS = $(test_cppflags)
tests_unit_test_products_CFLAGS = $(test_cflags)
tests_unit_test_products_LDFLAGS = $(test_ldflags)
tests_unit_test_products_LDADD = $(test_libs)

tests_unit_test_queue_SOURCES = tests/unit/test_queue.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_queue_CPPFLAGS = $(test_cppflags)
tests_unit_test_queue_CFLAGS = $(test_cflags)
tests_unit_test_queue_LDFLAGS = $(test_ldflags)
tests_unit_test_queue_LDADD = $(test_libs)

tests_unit_test_recipe_SOURCES = tests/unit/test_recipe.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_recipe_CPPFLAGS = $(test_cppflags)
tests_unit_test_recipe_CFLAGS = $(test_cflags)
tests_unit_test_recipe_LDFLAGS = $(test_ldflags)
tests_unit_test_recipe_LDADD = $(test_libs)

tests_unit_test_recorded_SOURCES = tests/unit/test_recorded.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_recorded_CPPFLAGS = $(test_cppflags)
tests_unit_test_recorded_CFLAGS = $(test_cflags)
tests_unit_test_recorded_LDFLAGS = $(test_ldflags)
tests_unit_test_recorded_LDADD = $(test_libs)

tests_unit_test_registry_SOURCES = tests/unit/test_registry.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_registry_CPPFLAGS = $(test_cppflags)
tests_unit_test_registry_CFLAGS = $(test_cflags)
tests_unit_test_registry_LDFLAGS = $(test_ldflags)
tests_unit_test_registry_LDADD = $(test_libs)

tests_unit_test_report_SOURCES = tests/unit/test_report.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_report_CPPFLAGS = $(test_cppflags)
tests_unit_test_report_CFLAGS = $(test_cflags)
tests_unit_test_report_LDFLAGS = $(test_ldflags)
tests_unit_test_report_LDADD = $(test_libs)

tests_unit_test_rewrite_SOURCES = tests/unit/test_rewrite.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_rewrite_CPPFLAGS = $(test_cppflags)
tests_unit_test_rewrite_CFLAGS = $(test_cflags)
tests_unit_test_rewrite_LDFLAGS = $(test_ldflags)
tests_unit_test_rewrite_LDADD = $(test_libs)

tests_unit_test_run_SOURCES = tests/unit/test_run.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_CFLAGS = $(test_cflags)
tests_unit_test_run_LDFLAGS = $(test_ldflags)
tests_unit_test_run_LDADD = $(test_libs)

tests_unit_test_run_check_SOURCES = tests/unit/test_run_check.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_check_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_check_CFLAGS = $(test_cflags)
tests_unit_test_run_check_LDFLAGS = $(test_ldflags)
tests_unit_test_run_check_LDADD = $(test_libs)

tests_unit_test_run_counters_SOURCES = tests/unit/test_run_counters.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_counters_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_counters_CFLAGS = $(test_cflags)
tests_unit_test_run_counters_LDFLAGS = $(test_ldflags)
tests_unit_test_run_counters_LDADD = $(test_libs)

tests_unit_test_run_files_SOURCES = tests/unit/test_run_files.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_files_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_files_CFLAGS = $(test_cflags)
tests_unit_test_run_files_LDFLAGS = $(test_ldflags)
tests_unit_test_run_files_LDADD = $(test_libs)

tests_unit_test_run_init_SOURCES = tests/unit/test_run_init.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_init_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_init_CFLAGS = $(test_cflags)
tests_unit_test_run_init_LDFLAGS = $(test_ldflags)
tests_unit_test_run_init_LDADD = $(test_libs)

tests_unit_test_run_shown_SOURCES = tests/unit/test_run_shown.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_shown_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_shown_CFLAGS = $(test_cflags)
tests_unit_test_run_shown_LDFLAGS = $(test_ldflags)
tests_unit_test_run_shown_LDADD = $(test_libs)

tests_unit_test_run_stop_SOURCES = tests/unit/test_run_stop.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_stop_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_stop_CFLAGS = $(test_cflags)
tests_unit_test_run_stop_LDFLAGS = $(test_ldflags)
tests_unit_test_run_stop_LDADD = $(test_libs)

tests_unit_test_run_swa_SOURCES = tests/unit/test_run_swa.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_run_swa_CPPFLAGS = $(test_cppflags)
tests_unit_test_run_swa_CFLAGS = $(test_cflags)
tests_unit_test_run_swa_LDFLAGS = $(test_ldflags)
tests_unit_test_run_swa_LDADD = $(test_libs)

tests_unit_test_safetensors_SOURCES = tests/unit/test_safetensors.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_safetensors_CPPFLAGS = $(test_cppflags)
tests_unit_test_safetensors_CFLAGS = $(test_cflags)
tests_unit_test_safetensors_LDFLAGS = $(test_ldflags)
tests_unit_test_safetensors_LDADD = $(test_libs)

tests_unit_test_sampler_SOURCES = tests/unit/test_sampler.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_sampler_CPPFLAGS = $(test_cppflags)
tests_unit_test_sampler_CFLAGS = $(test_cflags)
tests_unit_test_sampler_LDFLAGS = $(test_ldflags)
tests_unit_test_sampler_LDADD = $(test_libs)

tests_unit_test_samples_SOURCES = tests/unit/test_samples.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_samples_CPPFLAGS = $(test_cppflags)
tests_unit_test_samples_CFLAGS = $(test_cflags)
tests_unit_test_samples_LDFLAGS = $(test_ldflags)
tests_unit_test_samples_LDADD = $(test_libs)

tests_unit_test_scores_SOURCES = tests/unit/test_scores.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_scores_CPPFLAGS = $(test_cppflags)
tests_unit_test_scores_CFLAGS = $(test_cflags)
tests_unit_test_scores_LDFLAGS = $(test_ldflags)
tests_unit_test_scores_LDADD = $(test_libs)

tests_unit_test_seen_SOURCES = tests/unit/test_seen.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_seen_CPPFLAGS = $(test_cppflags)
tests_unit_test_seen_CFLAGS = $(test_cflags)
tests_unit_test_seen_LDFLAGS = $(test_ldflags)
tests_unit_test_seen_LDADD = $(test_libs)

tests_unit_test_series_SOURCES = tests/unit/test_series.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_series_CPPFLAGS = $(test_cppflags)
tests_unit_test_series_CFLAGS = $(test_cflags)
tests_unit_test_series_LDFLAGS = $(test_ldflags)
tests_unit_test_series_LDADD = $(test_libs)

tests_unit_test_serve_SOURCES = tests/unit/test_serve.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_serve_CPPFLAGS = $(test_cppflags)
tests_unit_test_serve_CFLAGS = $(test_cflags)
tests_unit_test_serve_LDFLAGS = $(test_ldflags)
tests_unit_test_serve_LDADD = $(test_libs)

tests_unit_test_split_SOURCES = tests/unit/test_split.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_split_CPPFLAGS = $(test_cppflags)
tests_unit_test_split_CFLAGS = $(test_cflags)
tests_unit_test_split_LDFLAGS = $(test_ldflags)
tests_unit_test_split_LDADD = $(test_libs)

tests_unit_test_state_SOURCES = tests/unit/test_state.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_state_CPPFLAGS = $(test_cppflags)
tests_unit_test_state_CFLAGS = $(test_cflags)
tests_unit_test_state_LDFLAGS = $(test_ldflags)
tests_unit_test_state_LDADD = $(test_libs)

tests_unit_test_stats_SOURCES = tests/unit/test_stats.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_stats_CPPFLAGS = $(test_cppflags)
tests_unit_test_stats_CFLAGS = $(test_cflags)
tests_unit_test_stats_LDFLAGS = $(test_ldflags)
tests_unit_test_stats_LDADD = $(test_libs)

tests_unit_test_steps_SOURCES = tests/unit/test_steps.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_steps_CPPFLAGS = $(test_cppflags)
tests_unit_test_steps_CFLAGS = $(test_cflags)
tests_unit_test_steps_LDFLAGS = $(test_ldflags)
tests_unit_test_steps_LDADD = $(test_libs)

tests_unit_test_steps_update_SOURCES = tests/unit/test_steps_update.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_steps_update_CPPFLAGS = $(test_cppflags)
tests_unit_test_steps_update_CFLAGS = $(test_cflags)
tests_unit_test_steps_update_LDFLAGS = $(test_ldflags)
tests_unit_test_steps_update_LDADD = $(test_libs)

tests_unit_test_submit_SOURCES = tests/unit/test_submit.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_submit_CPPFLAGS = $(test_cppflags)
tests_unit_test_submit_CFLAGS = $(test_cflags)
tests_unit_test_submit_LDFLAGS = $(test_ldflags)
tests_unit_test_submit_LDADD = $(test_libs)

tests_unit_test_sweep_SOURCES = tests/unit/test_sweep.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_sweep_CPPFLAGS = $(test_cppflags)
tests_unit_test_sweep_CFLAGS = $(test_cflags)
tests_unit_test_sweep_LDFLAGS = $(test_ldflags)
tests_unit_test_sweep_LDADD = $(test_libs)

tests_unit_test_text_SOURCES = tests/unit/test_text.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_text_CPPFLAGS = $(test_cppflags)
tests_unit_test_text_CFLAGS = $(test_cflags)
tests_unit_test_text_LDFLAGS = $(test_ldflags)
tests_unit_test_text_LDADD = $(test_libs)

tests_unit_test_threads_SOURCES = tests/unit/test_threads.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_threads_CPPFLAGS = $(test_cppflags)
tests_unit_test_threads_CFLAGS = $(test_cflags)
tests_unit_test_threads_LDFLAGS = $(test_ldflags)
tests_unit_test_threads_LDADD = $(test_libs)

tests_unit_test_tiles_SOURCES = tests/unit/test_tiles.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_tiles_CPPFLAGS = $(test_cppflags)
tests_unit_test_tiles_CFLAGS = $(test_cflags)
tests_unit_test_tiles_LDFLAGS = $(test_ldflags)
tests_unit_test_tiles_LDADD = $(test_libs)

tests_unit_test_training_graphs_SOURCES = tests/unit/test_training_graphs.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_training_graphs_CPPFLAGS = $(test_cppflags)
tests_unit_test_training_graphs_CFLAGS = $(test_cflags)
tests_unit_test_training_graphs_LDFLAGS = $(test_ldflags)
tests_unit_test_training_graphs_LDADD = $(test_libs)

tests_unit_test_transfer_SOURCES = tests/unit/test_transfer.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_transfer_CPPFLAGS = $(test_cppflags)
tests_unit_test_transfer_CFLAGS = $(test_cflags)
tests_unit_test_transfer_LDFLAGS = $(test_ldflags)
tests_unit_test_transfer_LDADD = $(test_libs)

tests_unit_test_tta_SOURCES = tests/unit/test_tta.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_tta_CPPFLAGS = $(test_cppflags)
tests_unit_test_tta_CFLAGS = $(test_cflags)
tests_unit_test_tta_LDFLAGS = $(test_ldflags)
tests_unit_test_tta_LDADD = $(test_libs)

tests_unit_test_tune_SOURCES = tests/unit/test_tune.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_tune_CPPFLAGS = $(test_cppflags)
tests_unit_test_tune_CFLAGS = $(test_cflags)
tests_unit_test_tune_LDFLAGS = $(test_ldflags)
tests_unit_test_tune_LDADD = $(test_libs)

tests_unit_test_validation_SOURCES = tests/unit/test_validation.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_validation_CPPFLAGS = $(test_cppflags)
tests_unit_test_validation_CFLAGS = $(test_cflags)
tests_unit_test_validation_LDFLAGS = $(test_ldflags)
tests_unit_test_validation_LDADD = $(test_libs)

tests_unit_test_zip_archive_SOURCES = tests/unit/test_zip_archive.c tests/unit/compared.h tests/unit/compile.h tests/unit/graphs.h tests/unit/lints.h tests/unit/pixels.h tests/unit/recordings.h tests/unit/tiny.h tests/unit/training.h tests/unit/training_files.h
tests_unit_test_zip_archive_CPPFLAGS = $(test_cppflags)
tests_unit_test_zip_archive_CFLAGS = $(test_cflags)
tests_unit_test_zip_archive_LDFLAGS = $(test_ldflags)
tests_unit_test_zip_archive_LDADD = $(test_libs)
