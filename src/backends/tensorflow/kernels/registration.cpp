// Defines our operators in the TensorFlow that is loaded, once in a process: when this library is loaded.
#include "operator.h"

namespace tw {
namespace {
/** A constructor of the library; what throws here would end the process, as nothing of it could run. */
struct Registration {
  Registration() {
    addSumOperators();
    addGatedOperators();
    addRopeOperator();
    addNarrowOperators();
    addCrossEntropyOperator();
    addAttentionOperators();
  }
} registration;
}  // namespace
}  // namespace tw

/** Node loads this library as an add-on: it exports nothing. */
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) {
  return exports;
}
extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return 8; }
