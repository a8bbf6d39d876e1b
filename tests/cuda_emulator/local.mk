# CUDA on the host. The C++ compiler makes the plugin backend_cuda_emulated out of kernels/cuda and plugins/backend/cuda.c:
# this folder comes first in the include path and has headers of CUDA's names, and kernels/cuda/ptx.h in its own way. The
# plugin lies in tests/emulated/.libs, where only tests look, and is not installed. -D: grids so small that small cases
# reach every loop. Further flags of one file: emulate_flags_NAME.
emulate_cppflags = -I$(top_srcdir)/tests/cuda_emulator -iquote $(top_srcdir)/tests/cuda_emulator $(AM_CPPFLAGS) \
    -I$(top_srcdir) -DFPC_CUDA_MOST_BLOCKS=6 -DFPC_CUDA_ENOUGH_THREADS=512 -DFPC_CUDA_QUERY_BLOCKS=3
emulate_plugin = -DFPC_CUDA_NAME='"cuda_emulated"' \
    -DFPC_CUDA_SUMMARY='"The kernels of the cuda backend on the host, for tests: slow."'
emulate_cxxflags = -std=c++17 $(EMULATE_OPT_CFLAGS) -ffp-contract=off -fno-exceptions -fno-rtti -fvisibility=hidden \
    $(CXX_WARN_CFLAGS) $(SAN_CFLAGS)
# With sanitizers and -O1 these four take the compiler longer than all other files here, -Og a third of that.
if SANITIZE
emulate_flags_attention = -Og
emulate_flags_attention_grad = -Og
emulate_flags_loss_grad = -Og
emulate_flags_conv_grad_w = -Og
endif
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
tests_emulated_backend_cuda_emulated_la_CPPFLAGS = $(emulate_cppflags) $(emulate_plugin)
tests_emulated_backend_cuda_emulated_la_CFLAGS = $(plugin_cflags)
tests_emulated_backend_cuda_emulated_la_LDFLAGS = $(plugin_ldflags) -rpath $(abs_top_builddir)/tests/emulated
tests_emulated_backend_cuda_emulated_la_LIBADD = $(emulated_objects) tests/emulated/libemulate.la $(plugin_libs)
tests_emulated_backend_cuda_emulated_la_DEPENDENCIES = $(emulated_objects) tests/emulated/libemulate.la $(plugin_libs)
-include $(emulated_objects:.lo=.d)

# And with kernels that call races.cpp before each access: make check-races.
races_cppflags = -DFPC_CHECK_RACES -fsanitize=thread -O1 -g
raced_objects = $(emulated:kernels/cuda/%.cu=tests/races/kernels/%.lo)
tests/races/kernels/%.lo: kernels/cuda/%.cu
	$(emulate_compile) $(races_cppflags)
EXTRA_LTLIBRARIES += tests/races/backend_cuda_emulated.la
tests_races_backend_cuda_emulated_la_SOURCES = plugins/backend/cuda.c
tests_races_backend_cuda_emulated_la_CPPFLAGS = $(emulate_cppflags) $(emulate_plugin)
tests_races_backend_cuda_emulated_la_CFLAGS = $(plugin_cflags)
tests_races_backend_cuda_emulated_la_LDFLAGS = $(plugin_ldflags) -rpath $(abs_top_builddir)/tests/races
tests_races_backend_cuda_emulated_la_LIBADD = $(raced_objects) tests/emulated/libemulate.la $(plugin_libs)
tests_races_backend_cuda_emulated_la_DEPENDENCIES = $(raced_objects) tests/emulated/libemulate.la $(plugin_libs)
-include $(raced_objects:.lo=.d)
endif

# The emulator by itself.
if EMULATION
if HAVE_CMOCKA
check_PROGRAMS += tests/emulated/test_emulator
TESTS += tests/emulated/test_emulator
EXTRA_PROGRAMS += tests/emulated/test_races
CLEANFILES += tests/emulated/test_races$(EXEEXT)
endif
tests_emulated_test_emulator_SOURCES = tests/emulated/test_emulator.cpp
tests_emulated_test_emulator_CPPFLAGS = $(emulate_cppflags)
tests_emulated_test_emulator_CXXFLAGS = $(emulate_cxxflags) $(CMOCKA_CFLAGS)
tests_emulated_test_emulator_LDFLAGS = $(test_ldflags)
tests_emulated_test_emulator_LDADD = tests/emulated/libemulate.la libfpcore.la $(CMOCKA_LIBS)

tests_emulated_test_races_SOURCES = tests/emulated/test_races.cpp
tests_emulated_test_races_CPPFLAGS = $(emulate_cppflags) $(races_cppflags)
tests_emulated_test_races_CXXFLAGS = $(emulate_cxxflags) $(CMOCKA_CFLAGS)
tests_emulated_test_races_LDFLAGS = $(test_ldflags)
tests_emulated_test_races_LDADD = tests/emulated/libemulate.la libfpcore.la $(CMOCKA_LIBS)
endif

folders_of_objects += tests/emulated/kernels tests/races
