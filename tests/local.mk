# make check: cmocka programs (files with main under tests/) and scripts (tests/*/*.sh). .ci/summary adds up the
# cases. FPCORE_PLUGIN_DIR: no folder, so that no test sees plugins that are installed. lsan.supp: what fontconfig keeps
# until the process ends. FPCORE_SHARED: golden tensors and real data; tests that need them skip where it is absent.
AM_TESTS_ENVIRONMENT = \
    FPCORE='$(abs_top_builddir)/fpcore'; export FPCORE; \
    FPCORE_CONFORM='$(abs_top_builddir)/fpcore-conform'; export FPCORE_CONFORM; \
    FPCORE_SRC='$(abs_top_srcdir)'; export FPCORE_SRC; \
    FPCORE_BUILD='$(abs_top_builddir)'; export FPCORE_BUILD; \
    FPCORE_PLUGIN_PATH='$(abs_top_builddir)/.libs'; export FPCORE_PLUGIN_PATH; \
    FPCORE_PLUGIN_DIR='$(abs_top_builddir)/tests/no-plugins'; export FPCORE_PLUGIN_DIR; \
    FPCORE_SHARED="$${FPCORE_SHARED-$(FPC_SHARED)}"; export FPCORE_SHARED; \
    CC='$(CC)'; export CC; MAKE='$(MAKE)'; export MAKE; \
    LSAN_OPTIONS=suppressions='$(abs_top_srcdir)/tests/lsan.supp':print_suppressions=0; export LSAN_OPTIONS; \
    UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)

test_cppflags = $(AM_CPPFLAGS) $(INIPARSER_CFLAGS) -iquote $(top_srcdir)/tests -DFPC_VERSION='"$(PACKAGE_VERSION)"'
test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS) $(CAIRO_CFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS)
test_ldflags = $(AM_LDFLAGS) -no-install
test_libs = libfpcmd.la libfpcore.la libcpu_common.la $(CMOCKA_LIBS) $(JANSSON_LIBS) $(CAIRO_LIBS) $(PNG_LIBS) $(JPEG_LIBS)

# Installed: whoever writes a plugin runs it on his own.
bin_PROGRAMS += fpcore-conform
fpcore_conform_SOURCES = $(conform_sources)
fpcore_conform_CPPFLAGS = $(AM_CPPFLAGS)
fpcore_conform_LDFLAGS = $(AM_LDFLAGS) $(FPC_RUNPATH)
fpcore_conform_LDADD = libfpcore.la

include tests/files.mk

include tests/cuda_emulator/local.mk

TESTS += $(test_scripts)
if HAVE_CMOCKA
check_PROGRAMS += $(test_programs)
TESTS += $(test_programs)
else
check-local: no-cmocka
endif
EXTRA_DIST += $(test_scripts) $(test_data)

# tests/cli/installed.sh and new_plugin.sh work on an installed tree. It is made before any test runs: libtool links plugins anew when it
# installs them, and takes them away from .libs meanwhile.
check_DATA = tests/installed.stamp
tests/installed.stamp: $(lib_LTLIBRARIES) $(bin_PROGRAMS) $(plugin_LTLIBRARIES) $(pkginclude_HEADERS) $(conf_files) fpcore.pc \
    $(dist_man_MANS) $(dist_bashcompletion_DATA) $(dist_zshcompletion_DATA)
	$(AM_V_GEN)rm -rf tests/installed && $(MKDIR_P) tests && \
	$(MAKE) $(AM_MAKEFLAGS) install DESTDIR='$(abs_top_builddir)/tests/installed' >tests/installed.log 2>&1 && echo done >$@
CLEANFILES += tests/installed.stamp tests/installed.log

# What was installed works where it is.
installcheck-local:
	@FPCORE_SRC='$(abs_top_srcdir)' CC='$(CC) $(SAN_CFLAGS)' $(SHELL) '$(top_srcdir)/tests/installcheck.sh' \
	    '$(DESTDIR)$(bindir)' \
	    '$(DESTDIR)$(libdir)' '$(DESTDIR)$(docdir)'

# On a machine with a GPU: everything that can be checked there, in ten minutes. CUDA_LOGS: folder for the logs.
CUDA_LOGS = cuda-logs
.PHONY: check-cuda
check-cuda: all $(check_PROGRAMS)
	FPCORE_SHARED="$${FPCORE_SHARED-$(FPC_SHARED)}" $(SHELL) '$(top_srcdir)/tests/cuda.sh' '$(CUDA_LOGS)' .

.PHONY: no-cmocka
no-cmocka:
	@echo 'cmocka is missing: only the script tests ran (Debian: apt-get install libcmocka-dev)'
