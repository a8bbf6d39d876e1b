# Targets for developers: lint, sanitizer builds, speed.
EXTRA_DIST += $(ci_files)
.PHONY: lint check-sanitizers check-tsan check-races check-fuzz check-faults check-portable bench

lint:
	@CC='$(CC)' CLANG_FORMAT='$(CLANG_FORMAT)' CPPCHECK='$(CPPCHECK)' SHELLCHECK='$(SHELLCHECK)' \
	    $(SHELL) $(top_srcdir)/.ci/lint

# A build of its own beside this one, so that objects are not mixed. Without CUDA: sanitizers see what the host compiles,
# and the emulation is that. -g1 is enough for their traces, and compiles in three quarters of the time.
check-sanitizers check-tsan:
	@case $@ in check-tsan) folder=tsan option=--enable-tsan tests='$(tsan_tests)';; \
	    *) folder=sanitizers option=--enable-sanitizers tests=;; esac; \
	$(MKDIR_P) $$folder && cd $$folder && \
	{ test -f config.status || '$(abs_top_srcdir)/configure' $$option --without-cuda --with-shared='$(FPC_SHARED)' \
	    CFLAGS=-g1 CXXFLAGS=-g1 >configure.log || \
	    { tail configure.log; exit 1; }; } && \
	$(MAKE) && if test -n "$$tests"; then $(MAKE) check TESTS="$$tests"; else $(MAKE) check; fi

# Threads: readers and kernels.
tsan_tests = $(filter %test_dataset %test_augment %test_message %test_exec %test_backend %test_steps %test_predictor %test_flow %test_serve %ops/agree,$(test_programs))

# Kernels of the backend cuda whose threads meet without order (tests/cuda_emulator/races.cpp): kernels with planted
# mistakes, then every op and the gradients of whole models. Takes minutes.
check-races: all
	@test -z '$(SAN_CFLAGS)' || { echo 'check-races needs a build without sanitizers' >&2; exit 1; }
	$(MAKE) $(AM_MAKEFLAGS) tests/emulated/test_races$(EXEEXT) tests/races/backend_cuda_emulated.la
	tests/emulated/test_races$(EXEEXT)
	FPCORE_EMULATED='$(abs_top_builddir)/tests/races' $(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/emulated/ops.sh VERBOSE=1

# FUZZ_SECONDS for each reader of files that may be hostile.
FUZZ_SECONDS = 60
check-fuzz:
	$(SHELL) $(top_srcdir)/tests/fuzz/run.sh $(FUZZ_SECONDS)

# Memory and calls of the system that fail, one at a time: FAULTS of each kind, or `all`, which takes hours.
FAULTS = 4
check-faults: all
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(top_srcdir)/tests/faults/run.sh $(FAULTS)

# clang, and aarch64 under qemu, where they are installed.
check-portable: all
	FPCORE_BUILD='$(abs_top_builddir)' $(SHELL) $(top_srcdir)/tests/portable/run.sh

bench: all
	./fpcore bench -c $(top_srcdir)/conf/lmsa_v1.ini --batch 4 -s dataset.use=synthetic

clean-local:
	rm -rf sanitizers tsan tests/installed
