#include "operator.h"

namespace tw {
namespace {
struct RopeOp {
  int heads;
  float sign;
  bool full, half;
  explicit RopeOp(Construction& c)
      : heads(c.integer("heads")), sign(c.flag("inverse") ? -1.f : 1.f), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    TF_Tensor *x = context.input(0), *cos = context.input(1), *sin = context.input(2), *at = context.input(3);
    const int64_t T = rowsOf(x), width = lastOf(x);
    if (width / heads != 2 * lastOf(cos) || width / heads % 32 != 0) throw Failure{"a rotary embedding of this width"};
    float* y = context.full(0, full, {T, width});
    half_t* h = context.half(1, half, {T, width});
    overRows(T, [&](int from, int to) {
      kernels().rope(dataOf<float>(x), y, h, from, to, heads, int(width / heads), dataOf<float>(cos), dataOf<float>(sin),
                     dataOf<int32_t>(at), sign);
    }, 128);
  }
};
}  // namespace

void addRopeOperator() {
  add<RopeOp>("TunewrightRope", "x: float;cos: float;sin: float;positions: int32", "full: float;half: bfloat16",
              std::string(wanted) + "heads: int;inverse: bool");
}
}  // namespace tw
