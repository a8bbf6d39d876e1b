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
test_programs = \
    tests/abi/test_abi \
    tests/golden/test_golden \
    tests/ops/agree \
    tests/ops/grad \
    tests/ops/support \
    tests/plugins/metric/test_metric \
    tests/plugins/schedule/test_schedule \
    tests/unit/test_arena \
    tests/unit/test_message \
    tests/unit/test_option \
    tests/unit/test_recipe \
    tests/unit/test_rewrite \
    tests/unit/test_safetensors
test_scripts = \
    tests/abi/exports.sh \
    tests/cli/new.sh \
    tests/cli/new_plugin.sh \
    tests/conform/broken_plugins.sh \
    tests/conform/own_plugins.sh
test_data = \
    tests/conform/conform.h \
    tests/golden/golden.ini \
    tests/golden/make.py \
    tests/golden/steps.adamw.safetensors \
    tests/golden/steps.input.safetensors \
    tests/golden/steps.sgd.safetensors \
    tests/golden/steps.weights.safetensors \
    tests/golden/tiny.expect.safetensors \
    tests/golden/tiny.input.safetensors \
    tests/golden/tiny.weights.safetensors \
    tests/golden/unet.expect.safetensors \
    tests/golden/unet.input.safetensors \
    tests/golden/unet.weights.safetensors \
    tests/golden/unet_transposed.expect.safetensors \
    tests/golden/unet_transposed.weights.safetensors \
    tests/ops/backends.h \
    tests/ops/cases.h \
    tests/ops/machine.h \
    tests/plugins/open.h \
    tests/unit/graphs.h \
    tests/conform/lib_conform.sh

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

tests_ops_agree_SOURCES = tests/ops/agree.c tests/ops/backends.c tests/ops/backends.h tests/ops/cases.c tests/ops/cases.h tests/ops/machine.c tests/ops/machine.h tests/ops/run.c
tests_ops_agree_CPPFLAGS = $(test_cppflags)
tests_ops_agree_CFLAGS = $(test_cflags)
tests_ops_agree_LDFLAGS = $(test_ldflags)
tests_ops_agree_LDADD = $(test_libs)

tests_ops_grad_SOURCES = tests/ops/grad.c tests/ops/backends.c tests/ops/backends.h tests/ops/cases.c tests/ops/cases.h tests/ops/machine.c tests/ops/machine.h tests/ops/run.c
tests_ops_grad_CPPFLAGS = $(test_cppflags)
tests_ops_grad_CFLAGS = $(test_cflags)
tests_ops_grad_LDFLAGS = $(test_ldflags)
tests_ops_grad_LDADD = $(test_libs)

tests_ops_support_SOURCES = tests/ops/support.c tests/ops/backends.c tests/ops/backends.h tests/ops/cases.c tests/ops/cases.h tests/ops/machine.c tests/ops/machine.h tests/ops/run.c
tests_ops_support_CPPFLAGS = $(test_cppflags)
tests_ops_support_CFLAGS = $(test_cflags)
tests_ops_support_LDFLAGS = $(test_ldflags)
tests_ops_support_LDADD = $(test_libs)

tests_plugins_metric_test_metric_SOURCES = tests/plugins/metric/test_metric.c
tests_plugins_metric_test_metric_CPPFLAGS = $(test_cppflags)
tests_plugins_metric_test_metric_CFLAGS = $(test_cflags)
tests_plugins_metric_test_metric_LDFLAGS = $(test_ldflags)
tests_plugins_metric_test_metric_LDADD = $(test_libs)

tests_plugins_schedule_test_schedule_SOURCES = tests/plugins/schedule/test_schedule.c
tests_plugins_schedule_test_schedule_CPPFLAGS = $(test_cppflags)
tests_plugins_schedule_test_schedule_CFLAGS = $(test_cflags)
tests_plugins_schedule_test_schedule_LDFLAGS = $(test_ldflags)
tests_plugins_schedule_test_schedule_LDADD = $(test_libs)

tests_unit_test_arena_SOURCES = tests/unit/test_arena.c tests/unit/graphs.h
tests_unit_test_arena_CPPFLAGS = $(test_cppflags)
tests_unit_test_arena_CFLAGS = $(test_cflags)
tests_unit_test_arena_LDFLAGS = $(test_ldflags)
tests_unit_test_arena_LDADD = $(test_libs)

tests_unit_test_message_SOURCES = tests/unit/test_message.c tests/unit/graphs.h
tests_unit_test_message_CPPFLAGS = $(test_cppflags)
tests_unit_test_message_CFLAGS = $(test_cflags)
tests_unit_test_message_LDFLAGS = $(test_ldflags)
tests_unit_test_message_LDADD = $(test_libs)

tests_unit_test_option_SOURCES = tests/unit/test_option.c tests/unit/graphs.h
tests_unit_test_option_CPPFLAGS = $(test_cppflags)
tests_unit_test_option_CFLAGS = $(test_cflags)
tests_unit_test_option_LDFLAGS = $(test_ldflags)
tests_unit_test_option_LDADD = $(test_libs)

tests_unit_test_recipe_SOURCES = tests/unit/test_recipe.c tests/unit/graphs.h
tests_unit_test_recipe_CPPFLAGS = $(test_cppflags)
tests_unit_test_recipe_CFLAGS = $(test_cflags)
tests_unit_test_recipe_LDFLAGS = $(test_ldflags)
tests_unit_test_recipe_LDADD = $(test_libs)

tests_unit_test_rewrite_SOURCES = tests/unit/test_rewrite.c tests/unit/graphs.h
tests_unit_test_rewrite_CPPFLAGS = $(test_cppflags)
tests_unit_test_rewrite_CFLAGS = $(test_cflags)
tests_unit_test_rewrite_LDFLAGS = $(test_ldflags)
tests_unit_test_rewrite_LDADD = $(test_libs)

tests_unit_test_safetensors_SOURCES = tests/unit/test_safetensors.c tests/unit/graphs.h
tests_unit_test_safetensors_CPPFLAGS = $(test_cppflags)
tests_unit_test_safetensors_CFLAGS = $(test_cflags)
tests_unit_test_safetensors_LDFLAGS = $(test_ldflags)
tests_unit_test_safetensors_LDADD = $(test_libs)
