// An adapter's way down, of several adapters that read the same rows, and the gradients of such weights.
#include "operator.h"

namespace tw {
namespace {
struct Narrow {
  /** How many adapters. */
  int count;
  float scale;
  /** Weights are [width,rank] and not [rank,width]. */
  bool isTurned;
  bool isHalf;
  explicit Narrow(Construction& attributes)
      : count(attributes.integer("M")),
        scale(attributes.number("scale")),
        isTurned(attributes.flag("turned")),
        isHalf(attributes.flag("is_half")) {}

  const NarrowKernels& kernelsOfX() const { return isHalf ? kernels().narrowHalf : kernels().narrowFull; }
  std::vector<int64_t> weightDims(int64_t rank, int64_t width) const {
    return isTurned ? std::vector<int64_t>{width, rank} : std::vector<int64_t>{rank, width};
  }
  void requireX(TF_Tensor* x) const {
    requireType("x", x, isHalf ? TF_BFLOAT16 : TF_FLOAT);
    countable(rowsOf(x), "rows");
    wideEnough(lastOf(x), "x");
  }
};

/** Weights as the kernels read them. */
struct Packed {
  const void* weight;
  int rank;
  float* out;
};

struct DownOperator {
  Narrow narrow;
  explicit DownOperator(Construction& attributes) : narrow(attributes) {}

  void run(Context& context) const {
    TF_Tensor* x = context.input(0);
    narrow.requireX(x);
    const int64_t T = rowsOf(x), width = lastOf(x);
    const std::vector<Packed> weights = pack(context, T, width);
    overRows(T, [&](int from, int to) {
      // A few rows with all weights: the rows are then in the first cache for every adapter but the first.
      for (int t = from; t < to; t += 4)
        for (const Packed& each : weights)
          narrow.kernelsOfX().down(dataOf<void>(x), t, t + 4 < to ? t + 4 : to, int(width), each.weight, each.rank,
                                   narrow.scale, each.out);
    });
  }

 private:
  std::vector<Packed> pack(Context& context, int64_t T, int64_t width) const {
    std::vector<TF_Tensor*> weights;
    int64_t floats = 0;
    for (int i = 0; i < narrow.count; ++i) {
      weights.push_back(context.input(1 + i));
      const int64_t rank = TF_TensorElementCount(weights[i]) / width;
      requireShape("weights", weights[i], narrow.weightDims(countable(rank, "an adapter's rank"), width));
      floats += rank * width;
    }
    float* room = static_cast<float*>(packedRoom(size_t(floats) * sizeof(float)));
    std::vector<Packed> packed;
    for (int i = 0; i < narrow.count; ++i) {
      const int rank = int(TF_TensorElementCount(weights[i]) / width);
      narrow.kernelsOfX().pack(dataOf<float>(weights[i]), rank, int(width), narrow.isTurned, room);
      packed.push_back({room, rank, context.full(i, true, {T, rank})});
      room += rank * width;
    }
    return packed;
  }
};

/** Where a gradient is summed as [rank,width], and where it goes. */
struct Gradient {
  const float* d;
  int rank;
  float *sums, *out;
};

struct NarrowGradientOperator {
  Narrow narrow;
  explicit NarrowGradientOperator(Construction& attributes) : narrow(attributes) {}

  void run(Context& context) const {
    TF_Tensor* x = context.input(narrow.count);
    narrow.requireX(x);
    const int64_t T = rowsOf(x), width = lastOf(x);
    const std::vector<Gradient> gradients = prepare(context, T, width);
    // A part has all rows of some columns: each number is one thread's sum, in the order of the rows.
    overRows(
        width,
        [&](int from, int to) {
          for (const Gradient& each : gradients) compute(each, x, from, to);
        },
        96);
  }

 private:
  std::vector<Gradient> prepare(Context& context, int64_t T, int64_t width) const {
    std::vector<Gradient> gradients;
    int64_t floats = 0;
    for (int i = 0; i < narrow.count; ++i) {
      TF_Tensor* d = context.input(i);
      const int rank = countable(lastOf(d), "an adapter's rank");
      requireRows("ds", d, T, rank);
      float* out = context.full(i, true, narrow.weightDims(rank, width));
      gradients.push_back({dataOf<float>(d), rank, out, out});
      floats += rank * width;
    }
    if (!narrow.isTurned) return gradients;
    float* room = static_cast<float*>(packedRoom(size_t(floats) * sizeof(float)));
    for (Gradient& each : gradients) {
      each.sums = room;
      room += each.rank * width;
    }
    return gradients;
  }

  /** Columns [from,to) of x. */
  void compute(const Gradient& gradient, TF_Tensor* x, int from, int to) const {
    const int width = int(lastOf(x)), rank = gradient.rank;
    narrow.kernelsOfX().gradient(gradient.d, rank, dataOf<void>(x), int(rowsOf(x)), width, from, to, narrow.scale,
                                 gradient.sums);
    if (!narrow.isTurned) return;
    for (int64_t c = from; c < to; ++c)
      for (int64_t r = 0; r < rank; ++r) gradient.out[c * rank + r] = gradient.sums[r * width + c];
  }
};
}  // namespace

void addNarrowOperators() {
  const char* const attributes = "M: int >= 1;scale: float;turned: bool;of: {float, bfloat16};is_half: bool";
  add<DownOperator>("TunewrightDown", "x: of;weights: M * float", "outs: M * float", attributes);
  add<NarrowGradientOperator>("TunewrightNarrowGradient", "ds: M * float;x: of", "outs: M * float", attributes);
}
}  // namespace tw
