# The static library hotloop_core: csrc/core, csrc/kernels and csrc/gemm. The only place that writes -m flags.
include_guard(GLOBAL)
include(CheckCSourceCompiles)

set(HOTLOOP_CSRC ${CMAKE_CURRENT_LIST_DIR}/../csrc)
find_package(OpenMP COMPONENTS C)
find_package(Threads REQUIRED)

# Options of every C file of ours. -ffp-contract=off: a multiply and an add are fused where the source says so and
# nowhere else, so that all instruction sets give the same bits.
function(hotloop_c_options target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
                        POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_include_directories(${target} PRIVATE ${HOTLOOP_CSRC})
  # The sanitizers' checks in fully unrolled vector code take the compiler minutes a file: -O1 unrolls little.
  target_compile_options(${target} PRIVATE $<IF:$<BOOL:${HOTLOOP_SANITIZE}>,-O1,-O3> -ffp-contract=off -fno-math-errno -Wall -Wextra -Wshadow
                         -Wstrict-prototypes -Wmissing-prototypes -Wvla)
  if(HOTLOOP_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(HOTLOOP_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all
                           -fno-omit-frame-pointer -g)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()

# hotloop_isa(<name> <flags...>): compiles the shared kernels and those of kernels/<name>/ with the flags, if the
# compiler can, and adds them to hotloop_core with HL_HAVE_<NAME> defined.
function(hotloop_isa name)
  string(TOUPPER ${name} upper)
  set(CMAKE_REQUIRED_FLAGS "${ARGN}")
  string(REPLACE ";" " " CMAKE_REQUIRED_FLAGS "${CMAKE_REQUIRED_FLAGS}")
  set(CMAKE_REQUIRED_INCLUDES ${HOTLOOP_CSRC}/kernels/${name} ${HOTLOOP_CSRC})
  check_c_source_compiles("#include \"simd.h\"\nint main(void) { return 0; }" HOTLOOP_BUILDS_${upper})
  if(NOT HOTLOOP_BUILDS_${upper})
    return()
  endif()
  set(target hotloop_kernels_${name})
  file(GLOB sources CONFIGURE_DEPENDS ${HOTLOOP_CSRC}/kernels/shared/*.c ${HOTLOOP_CSRC}/kernels/${name}/*.c)
  add_library(${target} OBJECT ${sources})
  hotloop_c_options(${target})
  # Before the general include path: "simd.h" is this ISA's.
  target_include_directories(${target} BEFORE PRIVATE ${HOTLOOP_CSRC}/kernels/${name})
  target_compile_options(${target} PRIVATE ${ARGN})
  target_compile_definitions(${target} PRIVATE HL_ISA_SUFFIX=${name} HL_ISA_ENUM=HL_ISA_${upper})
  target_sources(hotloop_core PRIVATE $<TARGET_OBJECTS:${target}>)
  target_compile_definitions(hotloop_core PRIVATE HL_HAVE_${upper})
endfunction()

add_library(hotloop_core STATIC
  ${HOTLOOP_CSRC}/core/cpu.c
  ${HOTLOOP_CSRC}/core/memory.c
  ${HOTLOOP_CSRC}/core/rng.c
  ${HOTLOOP_CSRC}/core/status.c
  ${HOTLOOP_CSRC}/core/threads.c
  ${HOTLOOP_CSRC}/gemm/gemm.c
  ${HOTLOOP_CSRC}/gemm/panels.c
  ${HOTLOOP_CSRC}/gemm/sparse.c
  ${HOTLOOP_CSRC}/gemm/turned.c
  ${HOTLOOP_CSRC}/kernels/chains.c
  ${HOTLOOP_CSRC}/kernels/reference/reference.c
  ${HOTLOOP_CSRC}/kernels/registry.c)
hotloop_c_options(hotloop_core)
target_link_libraries(hotloop_core PUBLIC Threads::Threads m)
if(OpenMP_C_FOUND)
  set_source_files_properties(${HOTLOOP_CSRC}/core/threads.c PROPERTIES COMPILE_OPTIONS "${OpenMP_C_FLAGS}")
  target_link_libraries(hotloop_core PUBLIC ${OpenMP_C_LIBRARIES})
else()
  message(WARNING "OpenMP was not found: hotloop will run on one thread")
endif()

# With the sanitizers' checks inlined, the lane loops of portable code take the compiler many minutes a file.
if(HOTLOOP_SANITIZE)
  hotloop_isa(portable -fno-inline)
else()
  hotloop_isa(portable)
endif()
hotloop_isa(neon)
hotloop_isa(avx2 -mavx2 -mfma)
hotloop_isa(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
