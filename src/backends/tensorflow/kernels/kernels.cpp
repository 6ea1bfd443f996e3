// Which kernels this processor computes with, and the room that they compute in.
#include "kernels.h"
#include "operator.h"

namespace tw {
namespace {
const Kernels& best() {
  __builtin_cpu_init();
  const bool hasAvx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (hasAvx512 && __builtin_cpu_supports("avx512bf16")) return avx512_bf16::table;
  return hasAvx512 ? avx512::table : avx2::table;
}
}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = best();
  return chosen;
}

float* threadRoom(int64_t floats) {
  static thread_local Room room;
  return static_cast<float*>(room.of(size_t(floats) * sizeof(float)));
}
}  // namespace tw
