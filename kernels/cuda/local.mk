# The backend `cuda`, by nvcc. Further flags of one file: cuda_flags_NAME.
EXTRA_DIST += $(cuda_sources) $(cuda_headers) plugins/backend/cuda.c kernels/cuda/nvcc.sh

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

# Objects of rules that automake does not know.
folders_of_objects = kernels/cuda/.libs
mostlyclean-local:
	rm -rf $(folders_of_objects)
	rm -f kernels/cuda/*.lo kernels/cuda/*.o kernels/cuda/*.d
