# Written by .ci/sources from the tree; run it after adding or removing a file.
plugin_headers = \
    plugins/augment/boxes.h \
    plugins/augment/colours.h \
    plugins/augment/filters.h \
    plugins/augment/matrix.h \
    plugins/augment/mixes.h \
    plugins/augment/policy.h \
    plugins/augment/ranges.h \
    plugins/dataset/classes.h \
    plugins/dataset/classes_presets.h \
    plugins/dataset/folder.h \
    plugins/dataset/folder_files.h \
    plugins/dataset/synthetic.h \
    plugins/logger/hparams.h \
    plugins/logger/protobuf.h \
    plugins/logger/sheet.h \
    plugins/logger/text.h \
    plugins/loss/class_weights.h \
    plugins/metric/counts.h \
    plugins/model/bisenetv2.h \
    plugins/model/conv_bn.h \
    plugins/model/drop_path.h \
    plugins/model/microsegformer.h \
    plugins/model/progressive.h
EXTRA_DIST += $(plugin_headers)

plugin_LTLIBRARIES += augment_affine.la
augment_affine_la_SOURCES = plugins/augment/affine.c
augment_affine_la_CFLAGS = $(plugin_cflags)
augment_affine_la_LDFLAGS = $(plugin_ldflags)
augment_affine_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_augmix.la
augment_augmix_la_SOURCES = plugins/augment/augmix.c
augment_augmix_la_CFLAGS = $(plugin_cflags)
augment_augmix_la_LDFLAGS = $(plugin_ldflags)
augment_augmix_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_auto_contrast.la
augment_auto_contrast_la_SOURCES = plugins/augment/auto_contrast.c
augment_auto_contrast_la_CFLAGS = $(plugin_cflags)
augment_auto_contrast_la_LDFLAGS = $(plugin_ldflags)
augment_auto_contrast_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_box_blur.la
augment_box_blur_la_SOURCES = plugins/augment/box_blur.c
augment_box_blur_la_CFLAGS = $(plugin_cflags)
augment_box_blur_la_LDFLAGS = $(plugin_ldflags)
augment_box_blur_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_brightness.la
augment_brightness_la_SOURCES = plugins/augment/brightness.c
augment_brightness_la_CFLAGS = $(plugin_cflags)
augment_brightness_la_LDFLAGS = $(plugin_ldflags)
augment_brightness_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_channel_shuffle.la
augment_channel_shuffle_la_SOURCES = plugins/augment/channel_shuffle.c
augment_channel_shuffle_la_CFLAGS = $(plugin_cflags)
augment_channel_shuffle_la_LDFLAGS = $(plugin_ldflags)
augment_channel_shuffle_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_class_mix.la
augment_class_mix_la_SOURCES = plugins/augment/class_mix.c
augment_class_mix_la_CFLAGS = $(plugin_cflags)
augment_class_mix_la_LDFLAGS = $(plugin_ldflags)
augment_class_mix_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_coarse_dropout.la
augment_coarse_dropout_la_SOURCES = plugins/augment/coarse_dropout.c
augment_coarse_dropout_la_CFLAGS = $(plugin_cflags)
augment_coarse_dropout_la_LDFLAGS = $(plugin_ldflags)
augment_coarse_dropout_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_color_jitter.la
augment_color_jitter_la_SOURCES = plugins/augment/color_jitter.c
augment_color_jitter_la_CFLAGS = $(plugin_cflags)
augment_color_jitter_la_LDFLAGS = $(plugin_ldflags)
augment_color_jitter_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_contrast.la
augment_contrast_la_SOURCES = plugins/augment/contrast.c
augment_contrast_la_CFLAGS = $(plugin_cflags)
augment_contrast_la_LDFLAGS = $(plugin_ldflags)
augment_contrast_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_copy_paste.la
augment_copy_paste_la_SOURCES = plugins/augment/copy_paste.c
augment_copy_paste_la_CFLAGS = $(plugin_cflags)
augment_copy_paste_la_LDFLAGS = $(plugin_ldflags)
augment_copy_paste_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_crop.la
augment_crop_la_SOURCES = plugins/augment/crop.c
augment_crop_la_CFLAGS = $(plugin_cflags)
augment_crop_la_LDFLAGS = $(plugin_ldflags)
augment_crop_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_cutmix.la
augment_cutmix_la_SOURCES = plugins/augment/cutmix.c
augment_cutmix_la_CFLAGS = $(plugin_cflags)
augment_cutmix_la_LDFLAGS = $(plugin_ldflags)
augment_cutmix_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_elastic.la
augment_elastic_la_SOURCES = plugins/augment/elastic.c
augment_elastic_la_CFLAGS = $(plugin_cflags)
augment_elastic_la_LDFLAGS = $(plugin_ldflags)
augment_elastic_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_equalize.la
augment_equalize_la_SOURCES = plugins/augment/equalize.c
augment_equalize_la_CFLAGS = $(plugin_cflags)
augment_equalize_la_LDFLAGS = $(plugin_ldflags)
augment_equalize_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_erasing.la
augment_erasing_la_SOURCES = plugins/augment/erasing.c
augment_erasing_la_CFLAGS = $(plugin_cflags)
augment_erasing_la_LDFLAGS = $(plugin_ldflags)
augment_erasing_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_gamma.la
augment_gamma_la_SOURCES = plugins/augment/gamma.c
augment_gamma_la_CFLAGS = $(plugin_cflags)
augment_gamma_la_LDFLAGS = $(plugin_ldflags)
augment_gamma_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_gaussian_blur.la
augment_gaussian_blur_la_SOURCES = plugins/augment/gaussian_blur.c
augment_gaussian_blur_la_CFLAGS = $(plugin_cflags)
augment_gaussian_blur_la_LDFLAGS = $(plugin_ldflags)
augment_gaussian_blur_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_gaussian_noise.la
augment_gaussian_noise_la_SOURCES = plugins/augment/gaussian_noise.c
augment_gaussian_noise_la_CFLAGS = $(plugin_cflags)
augment_gaussian_noise_la_LDFLAGS = $(plugin_ldflags)
augment_gaussian_noise_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_grayscale.la
augment_grayscale_la_SOURCES = plugins/augment/grayscale.c
augment_grayscale_la_CFLAGS = $(plugin_cflags)
augment_grayscale_la_LDFLAGS = $(plugin_ldflags)
augment_grayscale_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_hflip.la
augment_hflip_la_SOURCES = plugins/augment/hflip.c
augment_hflip_la_CFLAGS = $(plugin_cflags)
augment_hflip_la_LDFLAGS = $(plugin_ldflags)
augment_hflip_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_hue.la
augment_hue_la_SOURCES = plugins/augment/hue.c
augment_hue_la_CFLAGS = $(plugin_cflags)
augment_hue_la_LDFLAGS = $(plugin_ldflags)
augment_hue_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_invert.la
augment_invert_la_SOURCES = plugins/augment/invert.c
augment_invert_la_CFLAGS = $(plugin_cflags)
augment_invert_la_LDFLAGS = $(plugin_ldflags)
augment_invert_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_jpeg.la
augment_jpeg_la_SOURCES = plugins/augment/jpeg.c
augment_jpeg_la_CFLAGS = $(plugin_cflags)
augment_jpeg_la_LDFLAGS = $(plugin_ldflags)
augment_jpeg_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_median_blur.la
augment_median_blur_la_SOURCES = plugins/augment/median_blur.c
augment_median_blur_la_CFLAGS = $(plugin_cflags)
augment_median_blur_la_LDFLAGS = $(plugin_ldflags)
augment_median_blur_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_mixup.la
augment_mixup_la_SOURCES = plugins/augment/mixup.c
augment_mixup_la_CFLAGS = $(plugin_cflags)
augment_mixup_la_LDFLAGS = $(plugin_ldflags)
augment_mixup_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_mosaic.la
augment_mosaic_la_SOURCES = plugins/augment/mosaic.c
augment_mosaic_la_CFLAGS = $(plugin_cflags)
augment_mosaic_la_LDFLAGS = $(plugin_ldflags)
augment_mosaic_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_motion_blur.la
augment_motion_blur_la_SOURCES = plugins/augment/motion_blur.c
augment_motion_blur_la_CFLAGS = $(plugin_cflags)
augment_motion_blur_la_LDFLAGS = $(plugin_ldflags)
augment_motion_blur_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_perspective.la
augment_perspective_la_SOURCES = plugins/augment/perspective.c
augment_perspective_la_CFLAGS = $(plugin_cflags)
augment_perspective_la_LDFLAGS = $(plugin_ldflags)
augment_perspective_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_posterize.la
augment_posterize_la_SOURCES = plugins/augment/posterize.c
augment_posterize_la_CFLAGS = $(plugin_cflags)
augment_posterize_la_LDFLAGS = $(plugin_ldflags)
augment_posterize_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_rand_augment.la
augment_rand_augment_la_SOURCES = plugins/augment/rand_augment.c
augment_rand_augment_la_CFLAGS = $(plugin_cflags)
augment_rand_augment_la_LDFLAGS = $(plugin_ldflags)
augment_rand_augment_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_resized_crop.la
augment_resized_crop_la_SOURCES = plugins/augment/resized_crop.c
augment_resized_crop_la_CFLAGS = $(plugin_cflags)
augment_resized_crop_la_LDFLAGS = $(plugin_ldflags)
augment_resized_crop_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_rotate.la
augment_rotate_la_SOURCES = plugins/augment/rotate.c
augment_rotate_la_CFLAGS = $(plugin_cflags)
augment_rotate_la_LDFLAGS = $(plugin_ldflags)
augment_rotate_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_saturation.la
augment_saturation_la_SOURCES = plugins/augment/saturation.c
augment_saturation_la_CFLAGS = $(plugin_cflags)
augment_saturation_la_LDFLAGS = $(plugin_ldflags)
augment_saturation_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_sharpness.la
augment_sharpness_la_SOURCES = plugins/augment/sharpness.c
augment_sharpness_la_CFLAGS = $(plugin_cflags)
augment_sharpness_la_LDFLAGS = $(plugin_ldflags)
augment_sharpness_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_shear.la
augment_shear_la_SOURCES = plugins/augment/shear.c
augment_shear_la_CFLAGS = $(plugin_cflags)
augment_shear_la_LDFLAGS = $(plugin_ldflags)
augment_shear_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_solarize.la
augment_solarize_la_SOURCES = plugins/augment/solarize.c
augment_solarize_la_CFLAGS = $(plugin_cflags)
augment_solarize_la_LDFLAGS = $(plugin_ldflags)
augment_solarize_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_thin_plate_spline.la
augment_thin_plate_spline_la_SOURCES = plugins/augment/thin_plate_spline.c
augment_thin_plate_spline_la_CFLAGS = $(plugin_cflags)
augment_thin_plate_spline_la_LDFLAGS = $(plugin_ldflags)
augment_thin_plate_spline_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_trivial_augment.la
augment_trivial_augment_la_SOURCES = plugins/augment/trivial_augment.c
augment_trivial_augment_la_CFLAGS = $(plugin_cflags)
augment_trivial_augment_la_LDFLAGS = $(plugin_ldflags)
augment_trivial_augment_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_vflip.la
augment_vflip_la_SOURCES = plugins/augment/vflip.c
augment_vflip_la_CFLAGS = $(plugin_cflags)
augment_vflip_la_LDFLAGS = $(plugin_ldflags)
augment_vflip_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += backend_cpu.la
backend_cpu_la_SOURCES = plugins/backend/cpu.c
backend_cpu_la_CFLAGS = $(plugin_cflags)
backend_cpu_la_LDFLAGS = $(plugin_ldflags)
backend_cpu_la_LIBADD = $(cpu_libs) $(plugin_libs) 

plugin_LTLIBRARIES += backend_ref.la
backend_ref_la_SOURCES = plugins/backend/ref.c
backend_ref_la_CFLAGS = $(plugin_cflags)
backend_ref_la_LDFLAGS = $(plugin_ldflags)
backend_ref_la_LIBADD = libref_f32.la libref_f64.la $(plugin_libs) 

plugin_LTLIBRARIES += dataset_folder.la
dataset_folder_la_SOURCES = plugins/dataset/folder.c plugins/dataset/classes.c plugins/dataset/classes_presets.c plugins/dataset/folder_colours.c plugins/dataset/folder_files.c plugins/dataset/folder_fingerprint.c plugins/dataset/folder_labels.c plugins/dataset/folder_names.c plugins/dataset/folder_parts.c plugins/dataset/folder_read.c plugins/dataset/folder_sides.c
dataset_folder_la_CFLAGS = $(plugin_cflags)
dataset_folder_la_LDFLAGS = $(plugin_ldflags)
dataset_folder_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += dataset_synthetic.la
dataset_synthetic_la_SOURCES = plugins/dataset/synthetic.c plugins/dataset/classes.c plugins/dataset/classes_presets.c plugins/dataset/synthetic_face.c plugins/dataset/synthetic_ground.c plugins/dataset/synthetic_hair.c plugins/dataset/synthetic_head.c plugins/dataset/synthetic_parts.c plugins/dataset/synthetic_wear.c
dataset_synthetic_la_CFLAGS = $(plugin_cflags)
dataset_synthetic_la_LDFLAGS = $(plugin_ldflags)
dataset_synthetic_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += logger_console.la
logger_console_la_SOURCES = plugins/logger/console.c
logger_console_la_CFLAGS = $(plugin_cflags)
logger_console_la_LDFLAGS = $(plugin_ldflags)
logger_console_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += logger_history.la
logger_history_la_SOURCES = plugins/logger/history.c
logger_history_la_CFLAGS = $(plugin_cflags)
logger_history_la_LDFLAGS = $(plugin_ldflags)
logger_history_la_LIBADD = $(plugin_libs) $(JANSSON_LIBS) 

plugin_LTLIBRARIES += logger_plot.la
logger_plot_la_SOURCES = plugins/logger/plot.c plugins/logger/sheet.c
logger_plot_la_CFLAGS = $(plugin_cflags)
logger_plot_la_LDFLAGS = $(plugin_ldflags)
logger_plot_la_LIBADD = $(plugin_libs) $(CAIRO_LIBS) 

plugin_LTLIBRARIES += logger_tensorboard.la
logger_tensorboard_la_SOURCES = plugins/logger/tensorboard.c plugins/logger/hparams.c plugins/logger/sheet.c
logger_tensorboard_la_CFLAGS = $(plugin_cflags)
logger_tensorboard_la_LDFLAGS = $(plugin_ldflags)
logger_tensorboard_la_LIBADD = $(plugin_libs) $(CAIRO_LIBS) 

plugin_LTLIBRARIES += loss_boundary.la
loss_boundary_la_SOURCES = plugins/loss/boundary.c
loss_boundary_la_CFLAGS = $(plugin_cflags)
loss_boundary_la_LDFLAGS = $(plugin_ldflags)
loss_boundary_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += loss_cross_entropy.la
loss_cross_entropy_la_SOURCES = plugins/loss/cross_entropy.c
loss_cross_entropy_la_CFLAGS = $(plugin_cflags)
loss_cross_entropy_la_LDFLAGS = $(plugin_ldflags)
loss_cross_entropy_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += loss_dice.la
loss_dice_la_SOURCES = plugins/loss/dice.c
loss_dice_la_CFLAGS = $(plugin_cflags)
loss_dice_la_LDFLAGS = $(plugin_ldflags)
loss_dice_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += loss_focal.la
loss_focal_la_SOURCES = plugins/loss/focal.c
loss_focal_la_CFLAGS = $(plugin_cflags)
loss_focal_la_LDFLAGS = $(plugin_ldflags)
loss_focal_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += loss_lovasz_softmax.la
loss_lovasz_softmax_la_SOURCES = plugins/loss/lovasz_softmax.c
loss_lovasz_softmax_la_CFLAGS = $(plugin_cflags)
loss_lovasz_softmax_la_LDFLAGS = $(plugin_ldflags)
loss_lovasz_softmax_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += loss_ohem_cross_entropy.la
loss_ohem_cross_entropy_la_SOURCES = plugins/loss/ohem_cross_entropy.c
loss_ohem_cross_entropy_la_CFLAGS = $(plugin_cflags)
loss_ohem_cross_entropy_la_LDFLAGS = $(plugin_ldflags)
loss_ohem_cross_entropy_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += loss_tversky.la
loss_tversky_la_SOURCES = plugins/loss/tversky.c
loss_tversky_la_CFLAGS = $(plugin_cflags)
loss_tversky_la_LDFLAGS = $(plugin_ldflags)
loss_tversky_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += metric_f1_class.la
metric_f1_class_la_SOURCES = plugins/metric/f1_class.c
metric_f1_class_la_CFLAGS = $(plugin_cflags)
metric_f1_class_la_LDFLAGS = $(plugin_ldflags)
metric_f1_class_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += metric_fscore_batch.la
metric_fscore_batch_la_SOURCES = plugins/metric/fscore_batch.c
metric_fscore_batch_la_CFLAGS = $(plugin_cflags)
metric_fscore_batch_la_LDFLAGS = $(plugin_ldflags)
metric_fscore_batch_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += metric_fscore_image.la
metric_fscore_image_la_SOURCES = plugins/metric/fscore_image.c
metric_fscore_image_la_CFLAGS = $(plugin_cflags)
metric_fscore_image_la_LDFLAGS = $(plugin_ldflags)
metric_fscore_image_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += metric_miou.la
metric_miou_la_SOURCES = plugins/metric/miou.c
metric_miou_la_CFLAGS = $(plugin_cflags)
metric_miou_la_LDFLAGS = $(plugin_ldflags)
metric_miou_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += metric_pixel_accuracy.la
metric_pixel_accuracy_la_SOURCES = plugins/metric/pixel_accuracy.c
metric_pixel_accuracy_la_CFLAGS = $(plugin_cflags)
metric_pixel_accuracy_la_LDFLAGS = $(plugin_ldflags)
metric_pixel_accuracy_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += model_bisenetv2.la
model_bisenetv2_la_SOURCES = plugins/model/bisenetv2.c plugins/model/bisenetv2_parts.c plugins/model/conv_bn.c
model_bisenetv2_la_CFLAGS = $(plugin_cflags)
model_bisenetv2_la_LDFLAGS = $(plugin_ldflags)
model_bisenetv2_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += model_convnext_fpn.la
model_convnext_fpn_la_SOURCES = plugins/model/convnext_fpn.c plugins/model/conv_bn.c plugins/model/drop_path.c plugins/model/progressive.c
model_convnext_fpn_la_CFLAGS = $(plugin_cflags)
model_convnext_fpn_la_LDFLAGS = $(plugin_ldflags)
model_convnext_fpn_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += model_microsegformer.la
model_microsegformer_la_SOURCES = plugins/model/microsegformer.c plugins/model/conv_bn.c plugins/model/microsegformer_decoder.c plugins/model/microsegformer_encoder.c plugins/model/progressive.c
model_microsegformer_la_CFLAGS = $(plugin_cflags)
model_microsegformer_la_LDFLAGS = $(plugin_ldflags)
model_microsegformer_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += model_segformer_b0.la
model_segformer_b0_la_SOURCES = plugins/model/segformer_b0.c plugins/model/drop_path.c
model_segformer_b0_la_CFLAGS = $(plugin_cflags)
model_segformer_b0_la_LDFLAGS = $(plugin_ldflags)
model_segformer_b0_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += model_unet.la
model_unet_la_SOURCES = plugins/model/unet.c
model_unet_la_CFLAGS = $(plugin_cflags)
model_unet_la_LDFLAGS = $(plugin_ldflags)
model_unet_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += optimizer_adam.la
optimizer_adam_la_SOURCES = plugins/optimizer/adam.c
optimizer_adam_la_CFLAGS = $(plugin_cflags)
optimizer_adam_la_LDFLAGS = $(plugin_ldflags)
optimizer_adam_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += optimizer_adamw.la
optimizer_adamw_la_SOURCES = plugins/optimizer/adamw.c
optimizer_adamw_la_CFLAGS = $(plugin_cflags)
optimizer_adamw_la_LDFLAGS = $(plugin_ldflags)
optimizer_adamw_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += optimizer_lion.la
optimizer_lion_la_SOURCES = plugins/optimizer/lion.c
optimizer_lion_la_CFLAGS = $(plugin_cflags)
optimizer_lion_la_LDFLAGS = $(plugin_ldflags)
optimizer_lion_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += optimizer_sgd.la
optimizer_sgd_la_SOURCES = plugins/optimizer/sgd.c
optimizer_sgd_la_CFLAGS = $(plugin_cflags)
optimizer_sgd_la_LDFLAGS = $(plugin_ldflags)
optimizer_sgd_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_constant.la
schedule_constant_la_SOURCES = plugins/schedule/constant.c
schedule_constant_la_CFLAGS = $(plugin_cflags)
schedule_constant_la_LDFLAGS = $(plugin_ldflags)
schedule_constant_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_cosine.la
schedule_cosine_la_SOURCES = plugins/schedule/cosine.c
schedule_cosine_la_CFLAGS = $(plugin_cflags)
schedule_cosine_la_LDFLAGS = $(plugin_ldflags)
schedule_cosine_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_exponential.la
schedule_exponential_la_SOURCES = plugins/schedule/exponential.c
schedule_exponential_la_CFLAGS = $(plugin_cflags)
schedule_exponential_la_LDFLAGS = $(plugin_ldflags)
schedule_exponential_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_linear.la
schedule_linear_la_SOURCES = plugins/schedule/linear.c
schedule_linear_la_CFLAGS = $(plugin_cflags)
schedule_linear_la_LDFLAGS = $(plugin_ldflags)
schedule_linear_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_multi_step.la
schedule_multi_step_la_SOURCES = plugins/schedule/multi_step.c
schedule_multi_step_la_CFLAGS = $(plugin_cflags)
schedule_multi_step_la_LDFLAGS = $(plugin_ldflags)
schedule_multi_step_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_one_cycle.la
schedule_one_cycle_la_SOURCES = plugins/schedule/one_cycle.c
schedule_one_cycle_la_CFLAGS = $(plugin_cflags)
schedule_one_cycle_la_LDFLAGS = $(plugin_ldflags)
schedule_one_cycle_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_plateau.la
schedule_plateau_la_SOURCES = plugins/schedule/plateau.c
schedule_plateau_la_CFLAGS = $(plugin_cflags)
schedule_plateau_la_LDFLAGS = $(plugin_ldflags)
schedule_plateau_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_poly.la
schedule_poly_la_SOURCES = plugins/schedule/poly.c
schedule_poly_la_CFLAGS = $(plugin_cflags)
schedule_poly_la_LDFLAGS = $(plugin_ldflags)
schedule_poly_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_step.la
schedule_step_la_SOURCES = plugins/schedule/step.c
schedule_step_la_CFLAGS = $(plugin_cflags)
schedule_step_la_LDFLAGS = $(plugin_ldflags)
schedule_step_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += schedule_warm_restarts.la
schedule_warm_restarts_la_SOURCES = plugins/schedule/warm_restarts.c
schedule_warm_restarts_la_CFLAGS = $(plugin_cflags)
schedule_warm_restarts_la_LDFLAGS = $(plugin_ldflags)
schedule_warm_restarts_la_LIBADD = $(plugin_libs) 
