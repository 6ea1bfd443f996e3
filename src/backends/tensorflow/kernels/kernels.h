// What the operators call: one table of functions per family of processors. kernels.inc is compiled once for each, so
// this file has no inline functions: the linker would keep one family's for all.
#pragma once
#include <cstdint>
#include "attention.h"

namespace tw {
/** A bfloat16 by its bits. */
typedef uint16_t half_t;

/** y[t,:] = sum of halves[t,:] + fulls[t,:] + down[t,:] up, all [T,width]; up is [rank,width] and has its scale. */
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

/** Columns of a part of a row of scores: few enough that a second pass finds them in the first cache. */
constexpr int64_t scoresOfPart = 4096;

/** What a part of a row adds to its softmax: the largest score x, the sum of e^(x - top), the sum of the scores. */
struct ScoreSums {
  float top;
  double exponentials, scores;
};

/** Products with weights of few rows. x: [T,width], float32 or bfloat16 by the table that is asked. */
struct NarrowKernels {
  /** weight [rank,width], or [width,rank] where turned -> packed, never larger than float32 would be. */
  void (*pack)(const float* weight, int rank, int width, bool isTurned, void* packed);
  /** out[t,r] = scale * x[t,:] . weight[r,:], rows [from,to). */
  void (*down)(const void* x, int from, int to, int width, const void* packed, int rank, float scale, float* out);
  /** g[r,c] = scale * sum over t of d[t,r] x[t,c], columns [from,to); d [T,rank], g [rank,width]. */
  void (*gradient)(const float* d, int rank, const void* x, int T, int width, int from, int to, float scale, float* g);
};

/** Widths are multiples of 16; rows [from,to); results that are null are not wanted. */
struct Kernels {
  void (*sum)(const Sum&, int from, int to, float* full, half_t* half);
  /** x the sum, inverse[t] = 1 / sqrt(mean of x[t,:]^2 + epsilon): full, half = x * inverse * (weight + offset). */
  void (*sumNorm)(const Sum&, int from, int to, const float* weight, float offset, float epsilon, float* sums,
                  float* full, half_t* half, float* inverse);
  /** The gradient of sumNorm's x from dy, plus `after`, which may have no terms. */
  void (*sumNormBackward)(const Sum& dy, const Sum& after, int from, int to, const float* x, const float* weight,
                          float offset, const float* inverse, float* full, half_t* half);
  /** full, half = gate * sigmoid(gate) * up; gates, ups: the sums themselves. */
  void (*gated)(const Sum& gate, const Sum& up, int from, int to, float* gates, float* ups, half_t* gatesHalf,
                half_t* upsHalf, float* full, half_t* half);
  /** gates and ups as float32 or, where those are null, as bfloat16. */
  void (*gatedBackward)(const Sum& dy, int from, int to, const float* gates, const float* ups, const half_t* gatesHalf,
                        const half_t* upsHalf, float* dGate, float* dUp, half_t* dGateHalf, half_t* dUpHalf);
  /** Turns the pairs (c, c + width/2) of each head; cos, sin [P,width/2] are read at positions[t]. sign -1: back. */
  void (*rope)(const float* x, float* full, half_t* half, int from, int to, int heads, int width, const float* cos,
               const float* sin, const int32_t* positions, float sign);
  NarrowKernels narrowFull, narrowHalf;
  /** Of `count` scores, any number. */
  void (*scoreSums)(const float* scores, int64_t count, ScoreSums* sums);
  /**
   * factor * e^(score - top) - smoothed, and `hit` less at `target` (-1: in another part). full may be the scores'
   * own memory.
   */
  void (*scoreGradient)(const float* scores, int64_t count, float top, float factor, float smoothed, int64_t target,
                        float hit, float* full, half_t* half);
  /** For a block of queries that sees `keys`: what its scratch must hold, in floats. It begins at a multiple of 64
   * bytes. */
  int64_t (*attentionScratch)(int keys, int group, int D, bool isBackward);
  /** out, outHalf as q lies; logSums [group,S]. */
  void (*attention)(const AttentionRow&, const AttentionBlock&, float* out, half_t* outHalf, float* logSums,
                    float* scratch);
  /** dO, dq as q lies; dq is the block's own, gradients of its keys are added to `sums`. */
  void (*attentionBackward)(const AttentionRow&, const AttentionBlock&, const float* dO, const float* logSums,
                            float* dq, const AttentionSums& sums, float* scratch);
  /** Gradients of keys [from,to), as k lies: `count` parts' sums, added in their order. */
  void (*attentionKeys)(const AttentionRow&, const AttentionSums* parts, int count, int from, int to, float* dk,
                        float* dv, half_t* dvHalf);
};

namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
namespace avx512_bf16 {
extern const Kernels table;
}

/** The best table for this processor. */
const Kernels& kernels();

/** This thread's room, good until it is asked for again. Throws std::bad_alloc. */
float* threadRoom(int64_t floats);
}  // namespace tw
