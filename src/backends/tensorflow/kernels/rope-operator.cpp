// The rotary embedding, there and back.
#include "operator.h"

namespace tw {
namespace {
struct RopeOperator {
  int heads;
  float sign;
  bool givesFull, givesHalf;
  explicit RopeOperator(Construction& attributes)
      : heads(attributes.integer("heads")),
        sign(attributes.flag("inverse") ? -1.f : 1.f),
        givesFull(attributes.flag("gives_full")),
        givesHalf(attributes.flag("gives_half")) {
    require(heads > 0, "heads: expected a number > 0");
  }

  void run(Context& context) const {
    TF_Tensor *x = context.input(0), *cos = context.input(1), *sin = context.input(2), *positions = context.input(3);
    const int64_t T = countable(rowsOf(x), "rows"), all = countable(lastOf(x), "width"), width = all / heads;
    require(width > 0 && width % 32 == 0 && width * heads == all,
            "x: expected heads with a width that is a multiple of 32");
    const int64_t places = rowsOf(cos);
    requireRows("cos", cos, places, width / 2);
    requireRows("sin", sin, places, width / 2);
    requireShape("positions", positions, {T});
    const int32_t* at = dataOf<int32_t>(positions);
    for (int64_t t = 0; t < T; ++t) require(at[t] >= 0 && at[t] < places, "positions: one has no row in cos and sin");
    float* full = context.full(0, givesFull, {T, all});
    half_t* half = context.half(1, givesHalf, {T, all});
    overRows(
        T,
        [&](int from, int to) {
          kernels().rope(dataOf<float>(x), full, half, from, to, heads, int(width), dataOf<float>(cos),
                         dataOf<float>(sin), at, sign);
        },
        128);
  }
};
}  // namespace

void addRopeOperator() {
  add<RopeOperator>("TunewrightRope", "x: float;cos: float;sin: float;positions: int32", "full: float;half: bfloat16",
                    std::string(wanted) + "heads: int;inverse: bool");
}
}  // namespace tw
