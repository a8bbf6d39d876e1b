# The Python package fpseg: `make wheel` writes fpseg-VERSION-py3-none-PLATFORM.whl into WHEEL_DIR, for `pip install`. It
# holds python/fpseg and libfpseg.so without symbols. PYTHON: the interpreter that packs it.
include python/files.mk
EXTRA_DIST += $(python_files)
CLEANFILES += python/libfpseg.so fpseg-*.whl

PYTHON = python3
WHEEL_DIR = .
.PHONY: wheel
wheel: libfpseg.la $(python_files) COPYING
	@test -z '$(SAN_CFLAGS)' || \
	    { echo 'make wheel: Python cannot load a library with sanitizers; configure without them' >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || \
	    { echo 'make wheel: $(PYTHON) is not there; PYTHON=... names another (Debian: apt-get install python3)' >&2; exit 1; }
	@$(MKDIR_P) python '$(WHEEL_DIR)' && rm -f python/libfpseg.so && \
	$(STRIP) -o python/libfpseg.so .libs/libfpseg.so && \
	{ test -f python/libfpseg.so || cp .libs/libfpseg.so python/libfpseg.so; } && \
	$(PYTHON) '$(srcdir)/python/make_wheel.py' --version '$(PACKAGE_VERSION)' --library python/libfpseg.so \
	    --licence '$(srcdir)/COPYING' --out '$(WHEEL_DIR)'
