/* test_abi.c: what plugins that are compiled already rely on: sizes and offsets of the public structs, numbers of the
 * public enums, and the names that libfpcore.so exports under FPCORE_1. Within an ABI major these only grow at the end.
 */

#include "case.h"
#include <fpcore/fpcore.h>

#define SIZE(T, bytes) assert_int_equal(sizeof(T), bytes)
#define AT(T, field, bytes) assert_int_equal(offsetof(T, field), bytes)

static void sizes_hold(void **state)
{
    (void)state;
    SIZE(fpc_self, 32);
    SIZE(fpc_plugin, 112);
    SIZE(fpc_option, 64);
    SIZE(fpc_choice, 24);
    SIZE(fpc_ints, 16);
    SIZE(fpc_reals, 16);
    SIZE(fpc_range, 16);
    SIZE(fpc_curve, 24);
    SIZE(fpc_shape, 16);
    SIZE(fpc_tensor, 32);
    SIZE(fpc_val, 4);
    SIZE(fpc_conv_args, 28);
    SIZE(fpc_node, 56);
    SIZE(fpc_grad, 72);
    SIZE(fpc_op_def, 72);
    SIZE(fpc_rows, 24);
    SIZE(fpc_need, 24);
    SIZE(fpc_kernel, 72);
    SIZE(fpc_homography, 80);
    SIZE(fpc_colour, 64);
    SIZE(fpc_mix_layer, 72);
    SIZE(fpc_mix, 296);
    SIZE(fpc_field_draw, 33800);
    SIZE(fpc_composite, 4432);
    SIZE(fpc_image_info, 48);
    SIZE(fpc_augment_vtbl, 56);
    SIZE(fpc_device, 136);
    SIZE(fpc_backend_vtbl, 144);
    SIZE(fpc_dataset_info, 160);
    SIZE(fpc_sample, 40);
    SIZE(fpc_dataset_audit, 40);
    SIZE(fpc_dataset_vtbl, 72);
    SIZE(fpc_native_sample, 32);
    SIZE(fpc_field, 32);
    SIZE(fpc_event, 72);
    SIZE(fpc_pictures, 80);
    SIZE(fpc_logger_vtbl, 24);
    SIZE(fpc_blob, 16);
    SIZE(fpc_target, 40);
    SIZE(fpc_loss_io, 24);
    SIZE(fpc_label_counts, 32);
    SIZE(fpc_loss_vtbl, 24);
    SIZE(fpc_counts, 24);
    SIZE(fpc_metric_vtbl, 40);
    SIZE(fpc_model_io, 16);
    SIZE(fpc_model_vtbl, 16);
    SIZE(fpc_flat, 64);
    SIZE(fpc_optimizer_vtbl, 56);
    SIZE(fpc_rng, 20);
    SIZE(fpc_clock, 48);
    SIZE(fpc_history, 24);
    SIZE(fpc_schedule_vtbl, 16);
    SIZE(fpc_like_attr, 16);
    SIZE(fpc_conv_attr, 28);
    SIZE(fpc_norm_attr, 16);
    SIZE(fpc_attention_attr, 16);
    SIZE(fpc_quantize_attr, 16);
    SIZE(fpc_slice_attr, 12);
    SIZE(fpc_dropout_attr, 12);
    SIZE(fpc_resize_attr, 12);
    SIZE(fpc_broadcast_attr, 12);
    SIZE(fpc_pool_attr, 8);
    SIZE(fpc_window_attr, 16);
    SIZE(fpc_warp_attr, 8);
    SIZE(fpc_filter_attr, 12);
    SIZE(fpc_mix_attr, 4);
    SIZE(fpc_noise_attr, 8);
    SIZE(fpc_seg_term, 32);
    SIZE(fpc_seg_loss_attr, 80);
    SIZE(fpc_pixel_loss_attr, 40);
    SIZE(fpc_distance_attr, 12);
    SIZE(fpc_clip_attr, 8);
    SIZE(fpc_adamw_attr, 40);
    SIZE(fpc_sgd_attr, 32);
    SIZE(fpc_lion_attr, 24);
    SIZE(fpc_image, 24);
    SIZE(fpc_entry, 24);
    SIZE(fpc_section, 32);
    SIZE(fpc_ini, 16);
    SIZE(fpc_cast_attr, 4);
    SIZE(fpc_scaler_attr, 4);
    SIZE(fpc_flat_tensor, 56);
    SIZE(fpc_u32x4, 16);
    SIZE(fpc_predictor_args, 208);
    SIZE(fpc_predictor_info, 72);
}

static void offsets_hold(void **state)
{
    (void)state;
    AT(fpc_plugin, abi, 4);
    AT(fpc_plugin, kind, 8);
    AT(fpc_plugin, name, 16);
    AT(fpc_plugin, options, 56);
    AT(fpc_plugin, option_size, 64);
    AT(fpc_plugin, init, 72);
    AT(fpc_plugin, vtbl, 88);
    AT(fpc_plugin, ops, 96);
    AT(fpc_plugin, kernels, 104);
    AT(fpc_option, def, 24);
    AT(fpc_option, min, 32);
    AT(fpc_option, choices, 48);
    AT(fpc_option, type, 56);
    AT(fpc_option, offset, 60);
    AT(fpc_node, in, 32);
    AT(fpc_node, attr, 48);
    AT(fpc_op_def, name, 8);
    AT(fpc_op_def, in, 24);
    AT(fpc_op_def, infer, 40);
    AT(fpc_op_def, macs, 56);
    AT(fpc_op_def, half, 64);
    AT(fpc_kernel, op, 16);
    AT(fpc_kernel, match, 32);
    AT(fpc_kernel, run, 56);
    AT(fpc_device, total, 72);
    AT(fpc_device, real, 88);
    AT(fpc_device, exec, 112);
    AT(fpc_device, precision, 120);
    AT(fpc_backend_vtbl, alloc_host, 64);
    AT(fpc_backend_vtbl, forget, 128);
    AT(fpc_dataset_info, count, 8);
    AT(fpc_dataset_info, class_names, 88);
    AT(fpc_dataset_info, ignore_label, 116);
    AT(fpc_event, clock, 16);
    AT(fpc_event, value, 56);
    AT(fpc_flat, slot, 12);
    AT(fpc_flat, tensor, 48);
    AT(fpc_flat, factors, 56);
    AT(fpc_flat_tensor, dims, 8);
    AT(fpc_flat_tensor, name, 48);
    AT(fpc_grad, in, 16);
    AT(fpc_sample, id, 24);
    AT(fpc_clock, step, 8);
    AT(fpc_counts, tp_fp_fn, 16);
    AT(fpc_flat, step, 36);
    AT(fpc_target, mask_b, 8);
    AT(fpc_target, ignore, 20);
    AT(fpc_target, label_pixels, 24);
    AT(fpc_seg_loss_attr, term, 16);
    AT(fpc_image_info, shared, 24);
}

/* Numbers that stand in compiled plugins and in checkpoints. */
static void numbers_hold(void **state)
{
    (void)state;
    assert_int_equal(FPC_MODEL, 1);
    assert_int_equal(FPC_COMM, 10);
    assert_int_equal(FPC_EINTERNAL, -11);
    assert_int_equal(FPC_OPT_BOOL, 1);
    assert_int_equal(FPC_OPT_RANGE, 10);
    assert_int_equal(FPC_OPT_CURVE, 11);
    assert_int_equal(FPC_OPT_SIZE, 12);
    assert_int_equal(FPC_F32, 1);
    assert_int_equal(FPC_I64, 7);
    assert_int_equal(FPC_STAGE_MIX, 4);
    assert_int_equal(FPC_TEST, 3);
    assert_int_equal(FPC_UNLABELLED, 4);
    assert_int_equal(FPC_PART_SLOTS, 8);
    assert_int_equal(FPC_PLUGIN_CAPTURE, 2);
    assert_int_equal(FPC_RUN_END, 6);
    assert_int_equal(FPC_HISTOGRAM, 8);
    assert_int_equal(FPC_FILL_TRUNC_NORMAL, 5);
    assert_int_equal(FPC_TERM_FOCAL, 3);
    assert_int_equal(FPC_TERM_TVERSKY, 4);
    assert_int_equal(FPC_MAX_TERMS, 8);
    assert_int_equal(FPC_MAX_CLASSES, 256);
}

/* Philox4x32-10: the known answers of the paper's library (Random123, kat_vectors). */
static void random_numbers_hold(void **state)
{
    const fpc_u32x4 zero = fpc_philox4x32(0, 0, 0, 0, 0, 0);
    const fpc_u32x4 ones = fpc_philox4x32(~0u, ~0u, ~0u, ~0u, ~0u, ~0u);
    const fpc_u32x4 pi = fpc_philox4x32(0xa4093822u, 0x299f31d0u, 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u);

    (void)state;
    assert_memory_equal(zero.v, ((uint32_t[]){0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}), sizeof zero);
    assert_memory_equal(ones.v, ((uint32_t[]){0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}), sizeof ones);
    assert_memory_equal(pi.v, ((uint32_t[]){0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}), sizeof pi);
    assert_int_equal(fpc_hash("loss.dice"), fpc_hash("loss.dice"));
    assert_int_equal(fpc_hash(""), 2166136261u);
    assert_true(fpc_unit(0) == 0 && fpc_unit(~0u) < 1);
}

/* Of the library and of the headers. */
static void version_holds(void **state)
{
    char text[40];

    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", FPCORE_VERSION_MAJOR, FPCORE_VERSION_MINOR, FPCORE_VERSION_PATCH);
    assert_string_equal(text, FPCORE_VERSION);
    assert_string_equal(text, FPC_VERSION); /* configure.ac's */
    assert_true(FPC_VERSION_AT_LEAST(FPCORE_VERSION_MAJOR, FPCORE_VERSION_MINOR, FPCORE_VERSION_PATCH));
    assert_false(FPC_VERSION_AT_LEAST(FPCORE_VERSION_MAJOR, FPCORE_VERSION_MINOR, FPCORE_VERSION_PATCH + 1));
    assert_false(FPC_VERSION_AT_LEAST(FPCORE_VERSION_MAJOR, FPCORE_VERSION_MINOR + 1, 0));
    assert_false(FPC_VERSION_AT_LEAST(FPCORE_VERSION_MAJOR + 1, 0, 0));
    assert_int_equal(FPC_ABI_MAJOR, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_hold), cmocka_unit_test(offsets_hold),
                                       cmocka_unit_test(numbers_hold), cmocka_unit_test(random_numbers_hold),
                                       cmocka_unit_test(version_holds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
