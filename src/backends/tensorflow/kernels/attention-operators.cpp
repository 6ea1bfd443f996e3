#include "operator.h"

namespace tw {
namespace {
struct AttentionSizes {
  int heads, keyHeads;
  float scale;
  int halves;  // 0: products in float32; 1: all but the scores' in bfloat16; 2: all
  explicit AttentionSizes(Construction& c)
      : heads(c.integer("heads")), keyHeads(c.integer("key_heads")), scale(c.number("scale")), halves(c.integer("halves")) {
    if (!kernels().attentionHalf) halves = 0;
  }
};

struct AttentionOp {
  AttentionSizes a;
  bool full, half;
  explicit AttentionOp(Construction& c) : a(c), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    TF_Tensor *q = context.input(0), *k = context.input(1), *v = context.input(2);
    const int64_t S = *dataOf<int32_t>(context.input(3)), T = rowsOf(q), B = T / S, Q = lastOf(q), K = lastOf(k);
    const int D = int(Q / a.heads), group = a.heads / a.keyHeads;
    if (D % 16 != 0 || D * a.keyHeads != K) throw Failure{"attention of this width"};
    float* out = context.full(0, full, {T, Q});
    half_t* h = context.half(1, half, {T, Q});
    float* logSums = context.full(2, true, {B, a.heads, S});
    const int64_t scratch = a.halves && D % 32 == 0 ? kernels().attentionHalfScratch(int(S), int(S), D, false)
                                                    : kernels().attentionScratch(int(S), int(S), D, false);
    parallel(int(B * a.keyHeads), [&](int item) {
      const int64_t b = item / a.keyHeads, n = item % a.keyHeads;
      const int64_t atQ = b * S * Q + n * group * D, atK = b * S * K + n * D;
      if (a.halves && D % 32 == 0)
        kernels().attentionHalf(dataOf<float>(q) + atQ, dataOf<float>(k) + atK, dataOf<float>(v) + atK, int(S), int(Q),
                                int(K), D, group, a.scale, a.halves == 1, out ? out + atQ : nullptr,
                                h ? h + atQ : nullptr, logSums + (b * a.heads + n * group) * S, threadRoom(scratch));
      else
      kernels().attention(dataOf<float>(q) + atQ, dataOf<float>(k) + atK, dataOf<float>(v) + atK, int(S), int(Q), int(K),
                          D, group, a.scale, out ? out + atQ : nullptr, h ? h + atQ : nullptr,
                          logSums + (b * a.heads + n * group) * S, threadRoom(scratch));
    });
  }
};

struct AttentionBackwardOp {
  AttentionSizes a;
  bool full, half;
  explicit AttentionBackwardOp(Construction& c) : a(c), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    TF_Tensor *q = context.input(0), *k = context.input(1), *v = context.input(2), *dO = context.input(4),
              *logSums = context.input(5);
    const int64_t S = *dataOf<int32_t>(context.input(3)), T = rowsOf(q), B = T / S, Q = lastOf(q), K = lastOf(k);
    const int D = int(Q / a.heads), group = a.heads / a.keyHeads;
    if (D % 16 != 0 || D * a.keyHeads != K) throw Failure{"attention of this width"};
    float *dq = context.full(0, true, {T, Q}), *dk = context.full(1, true, {T, K}), *dv = context.full(2, full, {T, K});
    half_t* dvHalf = context.half(3, half, {T, K});
    const int64_t scratch = a.halves && D % 32 == 0 ? kernels().attentionHalfScratch(int(S), int(S), D, true)
                                                    : kernels().attentionScratch(int(S), int(S), D, true);
    parallel(int(B * a.keyHeads), [&](int item) {
      const int64_t b = item / a.keyHeads, n = item % a.keyHeads;
      const int64_t atQ = b * S * Q + n * group * D, atK = b * S * K + n * D;
      if (a.halves && D % 32 == 0)
        kernels().attentionHalfBackward(
            dataOf<float>(q) + atQ, dataOf<float>(k) + atK, dataOf<float>(v) + atK, dataOf<float>(dO) + atQ,
            dataOf<float>(logSums) + (b * a.heads + n * group) * S, int(S), int(Q), int(K), D, group, a.scale,
            a.halves == 1, dq + atQ, dk + atK, dv ? dv + atK : nullptr, dvHalf ? dvHalf + atK : nullptr,
            threadRoom(scratch));
      else
      kernels().attentionBackward(dataOf<float>(q) + atQ, dataOf<float>(k) + atK, dataOf<float>(v) + atK,
                                  dataOf<float>(dO) + atQ, dataOf<float>(logSums) + (b * a.heads + n * group) * S, int(S),
                                  int(Q), int(K), D, group, a.scale, dq + atQ, dk + atK, dv ? dv + atK : nullptr,
                                  dvHalf ? dvHalf + atK : nullptr, threadRoom(scratch));
    });
  }
};
}  // namespace

void addAttentionOperators() {
  add<AttentionOp>("TunewrightAttention", "q: float;k: float;v: float;positions: int32",
                   "full: float;half: bfloat16;log_sums: float", std::string(wanted) + "heads: int;key_heads: int;scale: float;halves: int");
  add<AttentionBackwardOp>("TunewrightAttentionBackward",
                           "q: float;k: float;v: float;positions: int32;d_out: float;log_sums: float",
                           "dq: float;dk: float;dv: float;dv_half: bfloat16",
                           std::string(wanted) + "heads: int;key_heads: int;scale: float;halves: int");
}
}  // namespace tw
