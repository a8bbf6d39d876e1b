# make deb: packages for Debian, in DEB_DIR. Their metadata lies in dist/debian, out of the way of who does not use it.
EXTRA_DIST += dist/deb.sh dist/debian/control dist/debian/changelog dist/debian/copyright dist/debian/fpcore-conform.1 \
    dist/debian/fpcore.lintian-overrides dist/debian/fpcore-dev.lintian-overrides
CLEANFILES += fpcore_*.deb fpcore-dev_*.deb

DEB_DIR = .
.PHONY: deb
deb: all
	@test -z '$(SAN_CFLAGS)' || \
	    { echo 'make deb: a library with sanitizers is of no use to others; configure without them' >&2; exit 1; }
	@rm -rf deb.stage && $(MKDIR_P) '$(DEB_DIR)' && \
	$(MAKE) $(AM_MAKEFLAGS) install DESTDIR='$(abs_builddir)/deb.stage' >deb.log 2>&1 || { tail deb.log; exit 1; }
	@$(SHELL) '$(srcdir)/dist/deb.sh' '$(abs_builddir)/deb.stage' '$(prefix)' '$(libdir)' '$(PACKAGE_VERSION)' \
	    "`cd '$(DEB_DIR)' && pwd`"
	@rm -rf deb.stage deb.log
