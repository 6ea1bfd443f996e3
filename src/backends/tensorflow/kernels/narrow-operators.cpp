#include <cstring>
#include "operator.h"

namespace tw {
namespace {
struct DownOp {
  int M;
  float scale;
  bool isTurned, isHalf;
  explicit DownOp(Construction& c)
      : M(c.integer("M")), scale(c.number("scale")), isTurned(c.flag("turned")), isHalf(c.flag("is_half")) {}
  void run(Context& context) {
    TF_Tensor* x = context.input(0);
    const int64_t T = rowsOf(x), C = lastOf(x);
    std::vector<TF_Tensor*> weights;
    int64_t all = 0;
    for (int m = 0; m < M; ++m) {
      weights.push_back(context.input(1 + m));
      all += TF_TensorElementCount(weights[m]);
    }
    char* room = static_cast<char*>(packRoom().of(all * 4));
    std::vector<char*> packed;
    std::vector<int> ranks;
    std::vector<float*> outs;
    for (int m = 0; m < M; ++m) {
      const int rank = int(TF_TensorElementCount(weights[m]) / C);
      if (isHalf) kernels().packDown(dataOf<float>(weights[m]), rank, int(C), isTurned, room);
      else {
        float* to = reinterpret_cast<float*>(room);
        const float* w = dataOf<float>(weights[m]);
        if (!isTurned) std::memcpy(to, w, rank * C * 4);
        else
          for (int64_t k = 0; k < C; ++k)
            for (int r = 0; r < rank; ++r) to[r * C + k] = w[k * rank + r];
      }
      packed.push_back(room);
      ranks.push_back(rank);
      room += rank * C * 4;
      outs.push_back(context.full(m, true, {T, rank}));
    }
    overRows(T, [&](int from, int to) {
      for (int t = from; t < to; t += 4)
        for (int m = 0; m < M; ++m)
          if (!isHalf)
            kernels().downFull(dataOf<float>(x), t, t + 4 < to ? t + 4 : to, int(C), reinterpret_cast<float*>(packed[m]),
                               ranks[m], scale, outs[m]);
          else kernels().down(dataOf<half_t>(x), t, t + 4 < to ? t + 4 : to, int(C), packed[m], ranks[m], scale, outs[m]);
    });
  }
};

struct NarrowGradientOp {
  int M;
  float scale;
  bool isTurned, isHalf;
  explicit NarrowGradientOp(Construction& c)
      : M(c.integer("M")), scale(c.number("scale")), isTurned(c.flag("turned")), isHalf(c.flag("is_half")) {}
  void run(Context& context) {
    TF_Tensor* x = context.input(M);
    const int64_t T = rowsOf(x), C = lastOf(x);
    std::vector<const float*> ds;
    std::vector<int> ranks;
    std::vector<float*> outs, sums;
    int64_t all = 0;
    for (int m = 0; m < M; ++m) {
      TF_Tensor* d = context.input(m);
      ds.push_back(dataOf<float>(d));
      ranks.push_back(int(lastOf(d)));
      outs.push_back(context.full(m, true, isTurned ? std::vector<int64_t>{C, ranks[m]} : std::vector<int64_t>{ranks[m], C}));
      all += ranks[m] * C;
    }
    float* room = isTurned ? static_cast<float*>(packRoom().of(all * 4)) : nullptr;
    for (int m = 0; m < M; ++m) {
      sums.push_back(isTurned ? room : outs[m]);
      if (isTurned) room += ranks[m] * C;
    }
    const int64_t chunk = 96, chunks = (C + chunk - 1) / chunk;
    parallel(int(chunks), [&](int item) {
      const int from = int(item * chunk), to = int(from + chunk < C ? from + chunk : C);
      for (int m = 0; m < M; ++m) {
        if (!isHalf)
          kernels().narrowGradientFull(ds[m], ranks[m], dataOf<float>(x), int(T), int(C), from, to, scale, sums[m]);
        else
        kernels().narrowGradient(ds[m], ranks[m], dataOf<half_t>(x), int(T), int(C), from, to, scale, sums[m]);
        if (isTurned)
          for (int c = from; c < to; ++c)
            for (int r = 0; r < ranks[m]; ++r) outs[m][int64_t(c) * ranks[m] + r] = sums[m][r * C + c];
      }
    });
  }
};
}  // namespace

void addNarrowOperators() {
  add<DownOp>("TunewrightDown", "x: of;weights: M * float", "outs: M * float",
              "M: int >= 1;scale: float;turned: bool;of: {float, bfloat16};is_half: bool");
  add<NarrowGradientOp>("TunewrightNarrowGradient", "ds: M * float;x: of", "outs: M * float",
                        "M: int >= 1;scale: float;turned: bool;of: {float, bfloat16};is_half: bool");
}
}  // namespace tw
