// The device of the process. Libtorch's half for GPUs is no part of what we link: it is loaded when
// it is asked for, so that one program serves machines with a GPU and without.
#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <stdlib.h>

#include <string>

#include "nn/torch/handle.hpp"

namespace {

bool cuda = false, tf32 = false, deterministic = false;
c10::DeviceIndex gpu = 0;
std::string name = "CPU", why;

// The driver, by its C API: what it says is wrong, libtorch does not say.
std::string ask_driver(int &index) {
    using Init = int (*)(unsigned);
    using Count = int (*)(int *);
    using Get = int (*)(int *, int);
    using Name = int (*)(char *, int, int);
    using Text = int (*)(int, const char **);
    void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
    if (!lib) return "there is no NVIDIA driver (libcuda.so.1)";
    auto init = Init(dlsym(lib, "cuInit"));
    auto count = Count(dlsym(lib, "cuDeviceGetCount"));
    auto get = Get(dlsym(lib, "cuDeviceGet"));
    auto name_of = Name(dlsym(lib, "cuDeviceGetName"));
    auto text = Text(dlsym(lib, "cuGetErrorString"));
    if (!init || !count || !get || !name_of || !text) return "libcuda.so.1 is no NVIDIA driver";
    int n = 0, device = 0;
    int e = init(0);
    if (!e) e = count(&n);
    if (n == 1) index = 0; // a process that was given one of its own
    if (!e && index >= n)
        return "GPU " + std::to_string(index) + " was asked for, the driver shows " +
               std::to_string(n);
    char buffer[128] = "";
    if (!e) e = get(&device, index);
    if (!e) e = name_of(buffer, sizeof buffer, device);
    const char *reason = nullptr;
    if (e && text(e, &reason)) reason = nullptr;
    if (e) return std::string("the NVIDIA driver says: ") + (reason ? reason : "no reason given");
    name = buffer;
    return "";
}

std::string start(int index) {
    std::string driver = ask_driver(index); // first: without one the rest would be of no use
    if (!driver.empty()) return driver;
    if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
        const char *e = dlerror();
        std::string what = e ? e : "libtorch_cuda.so";
        return "libtorch's half for GPUs does not load (" + what.substr(0, what.find('\n')) +
               "); `scripts/setup --cuda` installs what it needs";
    }
    try {
        if (!at::hasCUDA()) return "libtorch sees none, though the driver does";
        gpu = c10::DeviceIndex(index);
        c10::impl::VirtualGuardImpl(at::kCUDA).setDevice({at::kCUDA, gpu});
        at::ones({1}, at::TensorOptions(at::kCUDA)).item<float>(); // its kernels run here
    } catch (const c10::Error &e) {
        std::string text = e.what_without_backtrace();
        return "libtorch says: " + text.substr(0, text.find('\n'));
    } catch (const std::exception &e) {
        return std::string("libtorch says: ") + e.what();
    }
    return "";
}

} // namespace

enum t_device t_device(void) { return cuda ? T_CUDA : T_CPU; }
const char *t_device_name(void) { return name.c_str(); }

const char *t_cuda_start(int index) {
    why = index < 0 ? "it is not wanted" : start(index);
    cuda = why.empty();
    if (!cuda) name = "CPU";
    set_tf32(false); // cuDNN's convolutions would take it unasked
    return why.c_str();
}

void t_deterministic(bool on) {
    deterministic = on;
    if (on) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0); // what cuBLAS documents for it
    at::globalContext().setDeterministicFillUninitializedMemory(false); // slow, and for debugging
    at::globalContext().setDeterministicAlgorithms(on, false);
    at::globalContext().setDeterministicCuDNN(on);
}
bool t_is_deterministic(void) { return deterministic; }

at::Device host_now() { return meta_now() ? at::kMeta : at::kCPU; }
at::Device device_now() { return cuda && !meta_now() ? at::Device(at::kCUDA, gpu) : host_now(); }

bool tf32_now() { return tf32; }
bool set_tf32(bool on) {
    bool was = tf32;
    tf32 = on;
    if (cuda) {
        at::globalContext().setAllowTF32CuBLAS(on);
        at::globalContext().setAllowTF32CuDNN(on);
    }
    return was;
}
