# The backend `cuda`, twice: by nvcc as the plugin backend_cuda (HAVE_CUDA), and by the C++ compiler under emulate/ as
# backend_cuda_emulated, for tests; that one lies in tests/emulated/.libs, where only tests look, and is not installed.
# Further flags of one file: cuda_flags_NAME, emulate_flags_NAME.
EXTRA_DIST += $(cuda_sources) $(cuda_headers) $(emulate_sources) plugins/backend/cuda.c kernels/cuda/nvcc.sh

cuda_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir) $(CUDA_CPPFLAGS)

# The same bits as on the CPU: no multiply-adds that the source does not ask for.
cuda_flags_image = -fmad=false
cuda_flags_image_mix = -fmad=false

fpc_nvcc = $(fpc_nvcc_$(V))
fpc_nvcc_ = $(fpc_nvcc_$(AM_DEFAULT_VERBOSITY))
fpc_nvcc_0 = @echo "  NVCC    " $@;

# -iquote is not nvcc's.
kernels/cuda/%.lo: kernels/cuda/%.cu kernels/cuda/nvcc.sh
	$(fpc_nvcc)$(MKDIR_P) $(@D) && $(LIBTOOL) $(AM_V_lt) --tag=CXX $(AM_LIBTOOLFLAGS) $(LIBTOOLFLAGS) --mode=compile \
	    $(SHELL) $(top_srcdir)/kernels/cuda/nvcc.sh $(NVCC) -std=c++17 --extended-lambda -O3 $(CUDA_ARCH_FLAGS) \
	    -I$(top_srcdir)/include -I$(top_srcdir) $(CUDA_CPPFLAGS) $(CUDA_WARN_FLAGS) -fvisibility=hidden -fno-exceptions \
	    -fno-rtti $(cuda_flags_$*) $(NVCCFLAGS) -MD -MP -MT $@ -MF kernels/cuda/$*.d -c -o $@ $<

if HAVE_CUDNN
cuda_built = $(cuda_sources)
else
cuda_built = $(filter-out kernels/cuda/conv_cudnn.cu,$(cuda_sources))
endif

if HAVE_CUDA
plugin_LTLIBRARIES += backend_cuda.la
backend_cuda_la_SOURCES = plugins/backend/cuda.c
nodist_EXTRA_backend_cuda_la_SOURCES = links_as_cxx.cpp
backend_cuda_la_CPPFLAGS = $(cuda_cppflags)
backend_cuda_la_CFLAGS = $(plugin_cflags)
backend_cuda_la_LDFLAGS = $(plugin_ldflags) $(CUDA_LDFLAGS) -Wl,--exclude-libs,ALL
backend_cuda_la_LIBADD = $(cuda_built:.cu=.lo) $(plugin_libs) $(CUDA_LIBS)
backend_cuda_la_DEPENDENCIES = $(cuda_built:.cu=.lo) $(plugin_libs)
-include $(cuda_built:.cu=.d)
endif

# ---- the emulation ----

emulate_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir) -DFPC_CUDA_EMULATED
emulate_cxxflags = -std=c++17 $(EMULATE_OPT_CFLAGS) -ffp-contract=off -fno-exceptions -fno-rtti -fvisibility=hidden \
    $(CXX_WARN_CFLAGS) $(SAN_CFLAGS)
emulated = $(filter-out kernels/cuda/linear_lt.cu kernels/cuda/conv_cudnn.cu,$(cuda_sources))
emulated_objects = $(emulated:kernels/cuda/%.cu=tests/emulated/kernels/%.lo)

emulate_compile = $(AM_V_CXX)$(MKDIR_P) $(@D) && $(LIBTOOL) $(AM_V_lt) --tag=CXX $(AM_LIBTOOLFLAGS) $(LIBTOOLFLAGS) \
    --mode=compile $(CXX) -x c++ $(DEFS) $(emulate_cppflags) $(CPPFLAGS) $(emulate_cxxflags) $(CXXFLAGS) \
    $(emulate_flags_$*) -MD -MP -MT $@ -MF $(@:.lo=.d) -c -o $@ $<
tests/emulated/kernels/%.lo: kernels/cuda/%.cu
	$(emulate_compile)

if EMULATION
check_LTLIBRARIES += tests/emulated/libemulate.la tests/emulated/backend_cuda_emulated.la
tests_emulated_libemulate_la_SOURCES = $(emulate_sources)
tests_emulated_libemulate_la_CPPFLAGS = $(emulate_cppflags)
tests_emulated_libemulate_la_CXXFLAGS = $(emulate_cxxflags)

# Linked as C: nothing of the C++ library is used, and libtool leaves the sanitizers' libraries out of C++ modules.
tests_emulated_backend_cuda_emulated_la_SOURCES = plugins/backend/cuda.c
tests_emulated_backend_cuda_emulated_la_CPPFLAGS = $(emulate_cppflags)
tests_emulated_backend_cuda_emulated_la_CFLAGS = $(plugin_cflags)
tests_emulated_backend_cuda_emulated_la_LDFLAGS = $(plugin_ldflags) -rpath $(abs_top_builddir)/tests/emulated
tests_emulated_backend_cuda_emulated_la_LIBADD = $(emulated_objects) tests/emulated/libemulate.la $(plugin_libs)
tests_emulated_backend_cuda_emulated_la_DEPENDENCIES = $(emulated_objects) tests/emulated/libemulate.la $(plugin_libs)
-include $(emulated_objects:.lo=.d)

# And with kernels that call emulate/races.cpp before each access: make check-races.
races_cppflags = -DFPC_CHECK_RACES -fsanitize=thread -O1 -g
raced_objects = $(emulated:kernels/cuda/%.cu=tests/races/kernels/%.lo)
tests/races/kernels/%.lo: kernels/cuda/%.cu
	$(emulate_compile) $(races_cppflags)
EXTRA_LTLIBRARIES += tests/races/backend_cuda_emulated.la
tests_races_backend_cuda_emulated_la_SOURCES = plugins/backend/cuda.c
tests_races_backend_cuda_emulated_la_CPPFLAGS = $(emulate_cppflags)
tests_races_backend_cuda_emulated_la_CFLAGS = $(plugin_cflags)
tests_races_backend_cuda_emulated_la_LDFLAGS = $(plugin_ldflags) -rpath $(abs_top_builddir)/tests/races
tests_races_backend_cuda_emulated_la_LIBADD = $(raced_objects) tests/emulated/libemulate.la $(plugin_libs)
tests_races_backend_cuda_emulated_la_DEPENDENCIES = $(raced_objects) tests/emulated/libemulate.la $(plugin_libs)
-include $(raced_objects:.lo=.d)
endif

mostlyclean-local:
	rm -rf tests/emulated/kernels tests/races kernels/cuda/.libs
	rm -f kernels/cuda/*.lo kernels/cuda/*.o kernels/cuda/*.d
