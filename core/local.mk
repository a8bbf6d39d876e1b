# libfpcore.so: everything but argv. Public functions carry the version FPCORE_0, the others FPCORE_PRIVATE (our own
# program, plugins and tests use them; they promise nothing).
lib_LTLIBRARIES += libfpcore.la
pkginclude_HEADERS = $(public_headers)
libfpcore_la_SOURCES = $(core_sources)
nodist_libfpcore_la_SOURCES = core/templates.c core/page.c
libfpcore_la_CPPFLAGS = $(AM_CPPFLAGS) $(INIPARSER_CFLAGS) -DFPC_PLUGIN_DIR='"$(plugindir)"' -DFPC_DATA_DIR='"$(pkgdatadir)"' \
    -DFPC_VERSION='"$(PACKAGE_VERSION)"'
libfpcore_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CAIRO_CFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS) $(ZIP_CFLAGS)
libfpcore_la_LIBADD = $(INIPARSER_LIBS) $(JANSSON_LIBS) $(CAIRO_LIBS) $(PNG_LIBS) $(JPEG_LIBS) $(ZIP_LIBS)
libfpcore_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/core/libfpcore.map
EXTRA_libfpcore_la_DEPENDENCIES = core/libfpcore.map
EXTRA_DIST += core/libfpcore.map $(core_data) core/templates/embed.sh $(template_files)

# The sources that `fpcore new` writes, as C strings.
CLEANFILES += core/templates.c
core/templates.c: $(template_files) core/templates/embed.sh
	$(AM_V_GEN)$(MKDIR_P) core && ( cd $(srcdir) && $(SHELL) core/templates/embed.sh $(template_files) ) >$@.new && mv $@.new $@

# Style and script of the page of `fpcore analyze`.
page_files = core/page/analyze.css core/page/analyze.js
EXTRA_DIST += core/page/embed.sh $(page_files)
CLEANFILES += core/page.c
core/page.c: $(page_files) core/page/embed.sh
	$(AM_V_GEN)$(MKDIR_P) core && ( cd $(srcdir) && $(SHELL) core/page/embed.sh css=core/page/analyze.css js=core/page/analyze.js ) >$@.new && mv $@.new $@

bin_PROGRAMS += fpcore
fpcore_SOURCES = core/main.c
fpcore_CPPFLAGS = $(libfpcore_la_CPPFLAGS)
fpcore_LDADD = libfpcore.la

include core/files.mk
