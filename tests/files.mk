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
    tests/ops/agree \
    tests/plugins/metric/test_metric \
    tests/plugins/schedule/test_schedule \
    tests/unit/test_safetensors
test_scripts =
test_data = \
    tests/conform/conform.h \
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
    tests/plugins/open.h

tests_ops_agree_SOURCES = tests/ops/agree.c tests/ops/backends.c tests/ops/backends.h tests/ops/cases.c tests/ops/cases.h tests/ops/run.c
tests_ops_agree_CPPFLAGS = $(test_cppflags)
tests_ops_agree_CFLAGS = $(test_cflags)
tests_ops_agree_LDFLAGS = $(test_ldflags)
tests_ops_agree_LDADD = $(test_libs)

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

tests_unit_test_safetensors_SOURCES = tests/unit/test_safetensors.c
tests_unit_test_safetensors_CPPFLAGS = $(test_cppflags)
tests_unit_test_safetensors_CFLAGS = $(test_cflags)
tests_unit_test_safetensors_LDFLAGS = $(test_ldflags)
tests_unit_test_safetensors_LDADD = $(test_libs)
