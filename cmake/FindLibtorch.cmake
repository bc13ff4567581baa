# Finds libtorch and names it Libtorch::Libtorch.
#
# The wheel's own TorchConfig.cmake demands a CUDA toolkit, and libtorch.so pulls in libtorch_cuda:
# we link libtorch_cpu and libc10 alone, by an old-style RPATH, so that the wheel's copies of
# libgomp and libcudart are the ones in the process.
#
# Looked for in CMAKE_PREFIX_PATH (a libtorch folder, or a site-packages folder that holds torch),
# then in OVSEG_DEPS, where scripts/setup puts it; never in /usr, where Debian's is too old. Headers
# and libraries are taken from one folder, and it is looked for anew at each configuration, so that
# a changed -DCMAKE_PREFIX_PATH counts.
set(OVSEG_DEPS "$ENV{OVSEG_DEPS}" CACHE PATH "Folder that scripts/setup fills (empty: .deps)")
if(NOT OVSEG_DEPS)
    set(OVSEG_DEPS ${CMAKE_SOURCE_DIR}/.deps)
endif()

find_path(Libtorch_FOLDER include/ATen/ATen.h
    PATHS ${OVSEG_DEPS}/torch PATH_SUFFIXES torch
    NO_CMAKE_SYSTEM_PATH NO_SYSTEM_ENVIRONMENT_PATH NO_CACHE)
string(REGEX REPLACE "/$" "" Libtorch_FOLDER "${Libtorch_FOLDER}")
foreach(library torch_cpu c10)
    find_library(Libtorch_${library} ${library} PATHS ${Libtorch_FOLDER}/lib NO_DEFAULT_PATH NO_CACHE)
endforeach()
set(Libtorch_VERSION)
foreach(header headeronly csrc/api/include/torch) # since 2.10, and before
    if(NOT Libtorch_VERSION AND EXISTS ${Libtorch_FOLDER}/include/torch/${header}/version.h)
        file(STRINGS ${Libtorch_FOLDER}/include/torch/${header}/version.h lines
            REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
        string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
        string(REPLACE ";" "." Libtorch_VERSION "${numbers}")
    endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libtorch
    REQUIRED_VARS Libtorch_FOLDER Libtorch_torch_cpu Libtorch_c10 Libtorch_VERSION
    VERSION_VAR Libtorch_VERSION
    REASON_FAILURE_MESSAGE "run scripts/setup, or pass -DCMAKE_PREFIX_PATH=FOLDER of torch ${Libtorch_FIND_VERSION} or newer")

if(Libtorch_FOUND AND NOT TARGET Libtorch::Libtorch)
    # The 2.11 wheel's libgomp.so.1 has the name that gcc links, so one serves both. Other builds of
    # libtorch bring one by another name: that works, with two pools of threads in the process.
    file(GLOB runtimes ${Libtorch_FOLDER}/lib/libgomp-* ${Libtorch_FOLDER}/lib/lib*omp5.so
        ${Libtorch_FOLDER}/lib/libomp.so)
    if(runtimes)
        message(WARNING "libtorch brings an OpenMP runtime beside gcc's: ${runtimes}. "
            "Threads will be oversubscribed; the wheel that scripts/setup fetches has one runtime.")
    endif()

    add_library(Libtorch::Libtorch INTERFACE IMPORTED)
    target_include_directories(Libtorch::Libtorch SYSTEM INTERFACE
        ${Libtorch_FOLDER}/include ${Libtorch_FOLDER}/include/torch/csrc/api/include)
    target_link_libraries(Libtorch::Libtorch INTERFACE ${Libtorch_torch_cpu} ${Libtorch_c10})
    # libcupti and libcudart lie beside the wheel and are found by libtorch_cpu's own RPATH at run
    # time; the linker needs no look at them.
    target_link_options(Libtorch::Libtorch INTERFACE
        -Wl,--disable-new-dtags,-rpath,${Libtorch_FOLDER}/lib -Wl,--allow-shlib-undefined)
endif()
