# -DOVSEG_CORE_ONLY=ON: models, losses, optimizer, safetensors and drawn scenes, of libtorch and libc
# alone, and a program that checks them on this machine's device (scripts/gpu-check). core/ has what
# stands in for libraries.
file(GLOB core_sources CONFIGURE_DEPENDS nn/*.c nn/torch/*.cpp nn/losses/*.c nn/models/*.c core/*.c
    tests/gpu_check/*.c)
list(FILTER core_sources EXCLUDE REGEX "/nn/options\\.c$") # of settings files
foreach(name error mem log clock rng file hash json utf8 precision)
    list(APPEND core_sources base/${name}.c)
endforeach()
list(APPEND core_sources optim/adamw.c optim/groups.c optim/scaler.c optim/schedule.c
    checkpoints/input.c checkpoints/safetensors.c checkpoints/safetensors_header.c
    data/image_memory.c data/scenes.c data/scene_draw.c data/scene_stuff.c data/scene_things.c
    tests/formula.c)
add_executable(gpu_check ${core_sources})
target_include_directories(gpu_check PRIVATE core)
target_link_libraries(gpu_check PRIVATE flags Libtorch::Libtorch)
