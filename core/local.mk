# Two parts. core/cmd is the program: libfpcmd.la, linked into `fpcore` and the tests. All other rooms are libfpcore.so,
# which plugins and other programs link. Public functions carry the version FPCORE_1, the others FPCORE_PRIVATE (our own
# program, plugins and tests use them; they promise nothing).
#
# libfpnet.la is what libfpcore.so and libfpseg.so have in common: graph, compiler, execution. libfpseg.so is that with
# the backend cpu and core/seg, and depends on nothing else (include/fpseg.h).
noinst_LTLIBRARIES += libfpnet.la
libfpnet_la_SOURCES = $(net_sources)
libfpnet_la_CPPFLAGS = $(libfpcore_la_CPPFLAGS)
libfpnet_la_CFLAGS = $(AM_CFLAGS) -ffunction-sections -fdata-sections

lib_LTLIBRARIES += libfpcore.la libfpseg.la
pkginclude_HEADERS = $(public_headers)
libfpcore_la_SOURCES = $(core_sources)
libfpcore_la_CPPFLAGS = $(AM_CPPFLAGS) $(INIPARSER_CFLAGS) -DFPC_LIB_DIR='"$(libdir)"' \
    -DFPC_PLUGIN_DIR='"$(plugindir)"' -DFPC_DATA_DIR='"$(pkgdatadir)"' -DFPC_VERSION='"$(PACKAGE_VERSION)"'
libfpcore_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS)
libfpcore_la_LIBADD = libfpnet.la $(INIPARSER_LIBS) $(JANSSON_LIBS) $(PNG_LIBS) $(JPEG_LIBS)
libfpcore_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,-z,defs -Wl,--version-script=$(top_srcdir)/core/libfpcore.map
EXTRA_libfpcore_la_DEPENDENCIES = core/libfpcore.map
EXTRA_DIST += core/libfpcore.map $(core_data)

include_HEADERS = include/fpseg.h
libfpseg_la_SOURCES = $(seg_sources) plugins/backend/cpu.c
libfpseg_la_CPPFLAGS = $(AM_CPPFLAGS) -DFPC_INFERENCE -DFPC_VERSION='"$(PACKAGE_VERSION)"'
libfpseg_la_CFLAGS = $(AM_CFLAGS) -ffunction-sections -fdata-sections
libfpseg_la_LIBADD = libfpnet.la $(cpu_libs) -lm
libfpseg_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,-z,defs -Wl,--gc-sections \
    -Wl,--version-script=$(top_srcdir)/core/seg/libfpseg.map
EXTRA_libfpseg_la_DEPENDENCIES = core/seg/libfpseg.map
EXTRA_DIST += core/seg/libfpseg.map

noinst_LTLIBRARIES += libfpcmd.la
libfpcmd_la_SOURCES = $(cmd_sources)
nodist_libfpcmd_la_SOURCES = core/cmd/templates/templates.c core/cmd/report/page/page.c core/cmd/serve/page.c
libfpcmd_la_CPPFLAGS = $(libfpcore_la_CPPFLAGS) $(MICROHTTPD_DEFINE)
libfpcmd_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CAIRO_CFLAGS) $(PNG_CFLAGS) $(ZIP_CFLAGS) $(MICROHTTPD_CFLAGS)
libfpcmd_la_LIBADD = libfpcore.la $(JANSSON_LIBS) $(CAIRO_LIBS) $(ZIP_LIBS) -ldl

bin_PROGRAMS += fpcore
fpcore_SOURCES = core/cmd/main.c
fpcore_CPPFLAGS = $(libfpcore_la_CPPFLAGS)
fpcore_LDFLAGS = $(AM_LDFLAGS) $(FPC_RUNPATH)
fpcore_LDADD = libfpcmd.la libfpcore.la

# A program that is not installed finds the recipes here and the plugins in .libs (core/base/place.c).
all-local: recipes
recipes:
	$(AM_V_GEN)$(LN_S) '$(abs_top_srcdir)/conf' $@
CLEANFILES += recipes

# The sources that `fpcore new` writes, as C strings.
EXTRA_DIST += core/cmd/templates/embed.sh $(template_files)
CLEANFILES += core/cmd/templates/templates.c
core/cmd/templates/templates.c: $(template_files) core/cmd/templates/embed.sh
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ( cd $(srcdir) && $(SHELL) core/cmd/templates/embed.sh $(template_files) ) >$@.new && mv $@.new $@

# Style and script of the page of `fpcore analyze`.
page_files = core/cmd/report/page/analyze.css core/cmd/report/page/analyze.js
EXTRA_DIST += core/cmd/report/page/embed.sh $(page_files)
CLEANFILES += core/cmd/report/page/page.c
core/cmd/report/page/page.c: $(page_files) core/cmd/report/page/embed.sh
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ( cd $(srcdir) && $(SHELL) core/cmd/report/page/embed.sh cmd/report/page/page.h fpc_page_css=core/cmd/report/page/analyze.css fpc_page_js=core/cmd/report/page/analyze.js ) >$@.new && mv $@.new $@

# The page of `fpcore serve`.
EXTRA_DIST += core/cmd/serve/page.html
CLEANFILES += core/cmd/serve/page.c
core/cmd/serve/page.c: core/cmd/serve/page.html core/cmd/report/page/embed.sh
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ( cd $(srcdir) && $(SHELL) core/cmd/report/page/embed.sh cmd/serve/answer.h fpc_serve_page=core/cmd/serve/page.html ) >$@.new && mv $@.new $@

include core/files.mk
