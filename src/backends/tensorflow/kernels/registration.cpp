// Registers our operators with the TensorFlow that is loaded, once in a process, when this library is.
#include "kernels.h"
#include "operator.h"

namespace tw {
const Kernels& kernels() {
  static const Kernels& chosen = [&]() -> const Kernels& {
    __builtin_cpu_init();
    const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (v4 && __builtin_cpu_supports("avx512bf16")) return kernelsBf16;
    if (v4) return kernelsV4;
    return kernelsV3;
  }();
  return chosen;
}

namespace {
struct Registration {
  Registration() {
    addSumOperators();
    addRopeOperator();
    addNarrowOperators();
    addAttentionOperators();
  }
} registration;
}  // namespace
}  // namespace tw

/** Node loads this library as an add-on: it exports nothing. */
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }
extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return 8; }
