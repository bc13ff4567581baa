# Finds libtorch and names it Libtorch::Libtorch.
#
# The wheel's own TorchConfig.cmake demands a CUDA toolkit, and libtorch.so pulls in libtorch_cuda:
# we link libtorch_cpu and libc10 alone, by an old-style RPATH, so that the wheel's copies of
# libgomp and libcudart are the ones in the process (reference: facts on building).
#
# Looked for in CMAKE_PREFIX_PATH (a libtorch folder, or a site-packages folder that holds torch),
# then in OVSEG_DEPS, then where scripts/setup puts it.
set(OVSEG_DEPS "$ENV{OVSEG_DEPS}" CACHE PATH "Folder that scripts/setup fills")
if(NOT OVSEG_DEPS)
    set(OVSEG_DEPS ${CMAKE_SOURCE_DIR}/.deps)
endif()

find_path(Libtorch_INCLUDE_DIR ATen/ATen.h
    PATHS ${OVSEG_DEPS}/torch/torch PATH_SUFFIXES include torch/include NO_CMAKE_SYSTEM_PATH)
find_library(Libtorch_CPU_LIBRARY torch_cpu
    PATHS ${OVSEG_DEPS}/torch/torch PATH_SUFFIXES lib torch/lib NO_CMAKE_SYSTEM_PATH)
find_library(Libtorch_C10_LIBRARY c10
    PATHS ${OVSEG_DEPS}/torch/torch PATH_SUFFIXES lib torch/lib NO_CMAKE_SYSTEM_PATH)

if(Libtorch_INCLUDE_DIR AND EXISTS ${Libtorch_INCLUDE_DIR}/torch/version.h)
    file(STRINGS ${Libtorch_INCLUDE_DIR}/torch/version.h line REGEX "#define TORCH_VERSION \"")
    string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" Libtorch_VERSION "${line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libtorch
    REQUIRED_VARS Libtorch_CPU_LIBRARY Libtorch_C10_LIBRARY Libtorch_INCLUDE_DIR
    VERSION_VAR Libtorch_VERSION
    REASON_FAILURE_MESSAGE "run scripts/setup, or pass -DCMAKE_PREFIX_PATH=FOLDER with torch 2.7 or newer")

if(Libtorch_FOUND AND NOT TARGET Libtorch::Libtorch)
    get_filename_component(lib ${Libtorch_CPU_LIBRARY} DIRECTORY)
    add_library(Libtorch::Libtorch INTERFACE IMPORTED)
    target_include_directories(Libtorch::Libtorch SYSTEM INTERFACE
        ${Libtorch_INCLUDE_DIR} ${Libtorch_INCLUDE_DIR}/torch/csrc/api/include)
    target_link_libraries(Libtorch::Libtorch INTERFACE ${Libtorch_CPU_LIBRARY} ${Libtorch_C10_LIBRARY})
    # libcupti and libcudart lie beside the wheel and are found by libtorch_cpu's own RPATH at run
    # time; the linker needs no look at them.
    target_link_options(Libtorch::Libtorch INTERFACE
        -Wl,--disable-new-dtags,-rpath,${lib} -Wl,--allow-shlib-undefined)
endif()
mark_as_advanced(Libtorch_INCLUDE_DIR Libtorch_CPU_LIBRARY Libtorch_C10_LIBRARY)
