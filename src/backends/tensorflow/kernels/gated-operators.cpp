// The gated layer and its derivative.
#include "sum-terms.h"

namespace tw {
namespace {
struct GatedOperator {
  SumTerms terms;
  /** What is kept of gate and up: 0 nothing, 1 float32, 2 bfloat16. */
  int keeps;
  bool givesFull, givesHalf;
  explicit GatedOperator(Construction& attributes)
      : terms(attributes),
        keeps(attributes.integer("keeps")),
        givesFull(attributes.flag("gives_full")),
        givesHalf(attributes.flag("gives_half")) {}

  void run(Context& context) const {
    Sum gate, up;
    const int64_t T = terms.read(context, gate, up);
    require(up.halves + up.narrows + up.fulls > 0, "expected a term of the second sum");
    const std::vector<int64_t> dims{T, gate.width};
    float *gates = context.full(0, keeps == 1, dims), *ups = context.full(1, keeps == 1, dims);
    half_t *gatesHalf = context.half(2, keeps == 2, dims), *upsHalf = context.half(3, keeps == 2, dims);
    float* full = context.full(4, givesFull, dims);
    half_t* half = context.half(5, givesHalf, dims);
    overRows(
        T, [&](int from, int to) { kernels().gated(gate, up, from, to, gates, ups, gatesHalf, upsHalf, full, half); });
  }
};

struct GatedBackwardOperator {
  SumTerms terms;
  bool isKeptHalf, givesFull, givesHalf;
  explicit GatedBackwardOperator(Construction& attributes)
      : terms(attributes),
        isKeptHalf(attributes.flag("kept_half")),
        givesFull(attributes.flag("gives_full")),
        givesHalf(attributes.flag("gives_half")) {}

  void run(Context& context) const {
    Sum dy, none;
    const int64_t T = terms.read(context, dy, none);
    TF_Tensor *gates = context.input(terms.count()), *ups = context.input(terms.count() + 1);
    requireRows("gates", gates, T, dy.width);
    requireRows("ups_sum", ups, T, dy.width);
    requireType("gates", gates, isKeptHalf ? TF_BFLOAT16 : TF_FLOAT);
    const std::vector<int64_t> dims{T, dy.width};
    float *dGate = context.full(0, givesFull, dims), *dUp = context.full(1, givesFull, dims);
    half_t *dGateHalf = context.half(2, givesHalf, dims), *dUpHalf = context.half(3, givesHalf, dims);
    const auto full = [&](TF_Tensor* tensor) { return isKeptHalf ? nullptr : dataOf<float>(tensor); };
    const auto half = [&](TF_Tensor* tensor) { return isKeptHalf ? dataOf<half_t>(tensor) : nullptr; };
    overRows(T, [&](int from, int to) {
      kernels().gatedBackward(dy, from, to, full(gates), full(ups), half(gates), half(ups), dGate, dUp, dGateHalf,
                              dUpHalf);
    });
  }
};
}  // namespace

void addGatedOperators() {
  const std::string terms = termInputs, attributes = std::string(termAttributes) + wanted;
  add<GatedOperator>("TunewrightGated", terms,
                     "gates: float;ups_sum: float;gates_half: bfloat16;ups_half: bfloat16;full: float;half: bfloat16",
                     attributes + "keeps: int");
  add<GatedBackwardOperator>("TunewrightGatedBackward", terms + "gates: kept;ups_sum: kept",
                             "d_gate: float;d_up: float;d_gate_half: bfloat16;d_up_half: bfloat16",
                             attributes + "kept: {float, bfloat16};kept_half: bool");
}
}  // namespace tw
