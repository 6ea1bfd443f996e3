// What the operators call; one table per instruction set (kernels.inc is compiled once for each).
#pragma once
#include <cstdint>
namespace tw {
typedef uint16_t half_t;  // bfloat16 by its bits

/** y[t,:] = sum of halves[t,:] + fulls[t,:] + down[t,:] up, all [T,width]; up lies as [rank, width], scaled. */
struct Sum {
  static constexpr int most = 16;
  int width = 0;
  int halves = 0, narrows = 0, fulls = 0;
  const half_t* half[most];
  const float* full[most];
  const float* down[most];
  const float* up[most];
  int rank[most];
};

struct Kernels {
  const char* name;
  bool hasHalfProducts;
  /** Rows [from, to); full, half: null where not wanted. */
  void (*sum)(const Sum&, int from, int to, float* full, half_t* half);
  void (*sumNorm)(const Sum&, int from, int to, const float* weight, float offset, float epsilon, float* sum, float* full,
                  half_t* half, float* inverse);
  /** (sum) is dy; adds `after`, which may be empty. */
  void (*sumNormBackward)(const Sum&, const Sum& after, int from, int to, const float* x, const float* weight,
                          float offset, const float* inverse, float* full, half_t* half);
  void (*gated)(const Sum& gate, const Sum& up, int from, int to, float* gates, float* ups, half_t* gatesHalf,
                half_t* upsHalf, float* full, half_t* half);
  void (*gatedBackward)(const Sum& dy, int from, int to, const float* gates, const float* ups, const half_t* gatesHalf,
                        const half_t* upsHalf, float* dGate, float* dUp, half_t* dGateHalf, half_t* dUpHalf);
  /** cos, sin [.., width/2] at positions[t]. */
  void (*rope)(const float* x, float* full, half_t* half, int from, int to, int heads, int width, const float* cos, const float* sin,
               const int32_t* positions, float sign);
  /** out[t, r] = scale * x[t,:] . weight[r,:]; weight packed by packDown, x [T,width]. */
  void (*packDown)(const float* weight, int rank, int width, bool isTurned, void* packed);
  void (*down)(const half_t* x, int from, int to, int width, const void* packed, int rank, float scale, float* out);
  /** g[r, c] = scale * sum over t of d[t, r] x[t, c], columns [from, to); d [T,rank], x [T,width], g [rank,width]. */
  void (*narrowGradient)(const float* d, int rank, const half_t* x, int T, int width, int from, int to, float scale,
                         float* g);
  /** The same with x in float32; weights packed as float32. */
  void (*downFull)(const float* x, int from, int to, int width, const float* packed, int rank, float scale, float* out);
  void (*narrowGradientFull)(const float* d, int rank, const float* x, int T, int width, int from, int to, float scale,
                             float* g);
  /** One row and key head; see attention in kernels.inc. Scratch as attentionScratch says, in floats. */
  int64_t (*attentionScratch)(int S, int T, int D, bool isBackward);
  void (*attention)(const float* q, const float* k, const float* v, int S, int qStride, int kStride, int D, int group,
                    float scale, float* out, half_t* outHalf, float* logSums, float* scratch);
  void (*attentionBackward)(const float* q, const float* k, const float* v, const float* dO, const float* logSums, int S,
                            int qStride, int kStride, int D, int group, float scale, float* dq, float* dk, float* dv,
                            half_t* dvHalf, float* scratch);
  /** With products of bfloat16; null where the processor has none. */
  int64_t (*attentionHalfScratch)(int S, int T, int D, bool isBackward);
  void (*attentionHalf)(const float* q, const float* k, const float* v, int S, int qStride, int kStride, int D, int group,
                        float scale, bool exactScores, float* out, half_t* outHalf, float* logSums, float* scratch);
  void (*attentionHalfBackward)(const float* q, const float* k, const float* v, const float* dO, const float* logSums,
                                int S, int qStride, int kStride, int D, int group, float scale, bool exactScores,
                                float* dq, float* dk, float* dv, half_t* dvHalf, float* scratch);
};
extern const Kernels kernelsV3, kernelsV4, kernelsBf16;
const Kernels& kernels();
}  // namespace tw
