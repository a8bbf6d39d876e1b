# One module per file plugins/KIND/NAME.c: KIND_NAME.so, whose only exported symbol is fpc_plugins_v1. Sources without
# FPC_PLUGINS belong to the plugin whose name they begin with (synthetic_hair.c), else to those of their kind that include
# their header.
plugin_cflags = $(AM_CFLAGS) -fvisibility=hidden $(JANSSON_CFLAGS) $(CAIRO_CFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS)
plugin_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-z,defs
plugin_libs = libfpcore.la

include plugins/files.mk
