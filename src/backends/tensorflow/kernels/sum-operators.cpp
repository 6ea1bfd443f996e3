// Sums, normalised or as they are, and the derivative of the norm.
#include "sum-terms.h"

namespace tw {
namespace {
struct SumOperator {
  SumTerms terms;
  bool givesFull, givesHalf;
  explicit SumOperator(Construction& attributes)
      : terms(attributes), givesFull(attributes.flag("gives_full")), givesHalf(attributes.flag("gives_half")) {}

  void run(Context& context) const {
    Sum sum, none;
    const int64_t T = terms.read(context, sum, none);
    float* full = context.full(0, givesFull, {T, sum.width});
    half_t* half = context.half(1, givesHalf, {T, sum.width});
    overRows(T, [&](int from, int to) { kernels().sum(sum, from, to, full, half); });
  }
};

struct SumNormOperator {
  SumTerms terms;
  float epsilon, offset;
  bool keeps, givesFull, givesHalf;
  explicit SumNormOperator(Construction& attributes)
      : terms(attributes),
        epsilon(attributes.number("epsilon")),
        offset(attributes.number("offset")),
        keeps(attributes.flag("keeps")),
        givesFull(attributes.flag("gives_full")),
        givesHalf(attributes.flag("gives_half")) {}

  void run(Context& context) const {
    Sum sum, none;
    const int64_t T = terms.read(context, sum, none);
    TF_Tensor* weight = context.input(terms.count());
    requireShape("weight", weight, {sum.width});
    float* sums = context.full(0, keeps, {T, sum.width});
    float* full = context.full(1, givesFull, {T, sum.width});
    half_t* half = context.half(2, givesHalf, {T, sum.width});
    float* inverse = context.full(3, true, {T, 1});
    overRows(T, [&](int from, int to) {
      kernels().sumNorm(sum, from, to, dataOf<float>(weight), offset, epsilon, sums, full, half, inverse);
    });
  }
};

struct SumNormBackwardOperator {
  SumTerms terms;
  float offset;
  bool givesFull, givesHalf;
  explicit SumNormBackwardOperator(Construction& attributes)
      : terms(attributes),
        offset(attributes.number("offset")),
        givesFull(attributes.flag("gives_full")),
        givesHalf(attributes.flag("gives_half")) {}

  void run(Context& context) const {
    Sum dy, after;
    const int64_t T = terms.read(context, dy, after);
    TF_Tensor* x = context.input(terms.count());
    TF_Tensor* weight = context.input(terms.count() + 1);
    TF_Tensor* inverse = context.input(terms.count() + 2);
    requireRows("x", x, T, dy.width);
    requireShape("weight", weight, {dy.width});
    requireRows("inverse", inverse, T, 1);
    float* full = context.full(0, givesFull, {T, dy.width});
    half_t* half = context.half(1, givesHalf, {T, dy.width});
    overRows(T, [&](int from, int to) {
      kernels().sumNormBackward(dy, after, from, to, dataOf<float>(x), dataOf<float>(weight), offset,
                                dataOf<float>(inverse), full, half);
    });
  }
};
}  // namespace

void addSumOperators() {
  const std::string terms = termInputs, attributes = std::string(termAttributes) + wanted;
  add<SumOperator>("TunewrightSum", terms, "full: float;half: bfloat16", attributes);
  add<SumNormOperator>("TunewrightSumNorm", terms + "weight: float",
                       "sums: float;full: float;half: bfloat16;inverse: float",
                       attributes + "epsilon: float;offset: float;keeps: bool");
  add<SumNormBackwardOperator>("TunewrightSumNormBackward", terms + "x: float;weight: float;inverse: float",
                               "full: float;half: bfloat16", attributes + "offset: float");
}
}  // namespace tw
