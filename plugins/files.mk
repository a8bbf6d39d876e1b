# Written by .ci/sources from the tree; run it after adding or removing a file.
plugin_headers = \
    plugins/dataset/classes.h \
    plugins/dataset/folder_files.h \
    plugins/dataset/synthetic.h \
    plugins/logger/text.h \
    plugins/metric/counts.h
EXTRA_DIST += $(plugin_headers)

plugin_LTLIBRARIES += augment_affine.la
augment_affine_la_SOURCES = plugins/augment/affine.c
augment_affine_la_CFLAGS = $(plugin_cflags)
augment_affine_la_LDFLAGS = $(plugin_ldflags)
augment_affine_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_color_jitter.la
augment_color_jitter_la_SOURCES = plugins/augment/color_jitter.c
augment_color_jitter_la_CFLAGS = $(plugin_cflags)
augment_color_jitter_la_LDFLAGS = $(plugin_ldflags)
augment_color_jitter_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_gaussian_noise.la
augment_gaussian_noise_la_SOURCES = plugins/augment/gaussian_noise.c
augment_gaussian_noise_la_CFLAGS = $(plugin_cflags)
augment_gaussian_noise_la_LDFLAGS = $(plugin_ldflags)
augment_gaussian_noise_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_hflip.la
augment_hflip_la_SOURCES = plugins/augment/hflip.c
augment_hflip_la_CFLAGS = $(plugin_cflags)
augment_hflip_la_LDFLAGS = $(plugin_ldflags)
augment_hflip_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += augment_rotate.la
augment_rotate_la_SOURCES = plugins/augment/rotate.c
augment_rotate_la_CFLAGS = $(plugin_cflags)
augment_rotate_la_LDFLAGS = $(plugin_ldflags)
augment_rotate_la_LIBADD = $(plugin_libs) 

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
dataset_folder_la_SOURCES = plugins/dataset/folder.c plugins/dataset/classes.c plugins/dataset/folder_files.c
dataset_folder_la_CFLAGS = $(plugin_cflags)
dataset_folder_la_LDFLAGS = $(plugin_ldflags)
dataset_folder_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += dataset_synthetic.la
dataset_synthetic_la_SOURCES = plugins/dataset/synthetic.c plugins/dataset/classes.c plugins/dataset/synthetic_face.c plugins/dataset/synthetic_ground.c plugins/dataset/synthetic_hair.c plugins/dataset/synthetic_head.c plugins/dataset/synthetic_parts.c plugins/dataset/synthetic_wear.c
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
logger_plot_la_SOURCES = plugins/logger/plot.c
logger_plot_la_CFLAGS = $(plugin_cflags)
logger_plot_la_LDFLAGS = $(plugin_ldflags)
logger_plot_la_LIBADD = $(plugin_libs) $(CAIRO_LIBS) 

plugin_LTLIBRARIES += logger_tensorboard.la
logger_tensorboard_la_SOURCES = plugins/logger/tensorboard.c
logger_tensorboard_la_CFLAGS = $(plugin_cflags)
logger_tensorboard_la_LDFLAGS = $(plugin_ldflags)
logger_tensorboard_la_LIBADD = $(plugin_libs) 

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

plugin_LTLIBRARIES += model_microsegformer.la
model_microsegformer_la_SOURCES = plugins/model/microsegformer.c
model_microsegformer_la_CFLAGS = $(plugin_cflags)
model_microsegformer_la_LDFLAGS = $(plugin_ldflags)
model_microsegformer_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += model_unet.la
model_unet_la_SOURCES = plugins/model/unet.c
model_unet_la_CFLAGS = $(plugin_cflags)
model_unet_la_LDFLAGS = $(plugin_ldflags)
model_unet_la_LIBADD = $(plugin_libs) 

plugin_LTLIBRARIES += optimizer_adamw.la
optimizer_adamw_la_SOURCES = plugins/optimizer/adamw.c
optimizer_adamw_la_CFLAGS = $(plugin_cflags)
optimizer_adamw_la_LDFLAGS = $(plugin_ldflags)
optimizer_adamw_la_LIBADD = $(plugin_libs) 

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
