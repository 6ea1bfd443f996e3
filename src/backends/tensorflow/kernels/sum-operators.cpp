#include "operator.h"

namespace tw {
namespace {
/** The first lists of an operator's inputs are terms of one sum, or of two. */
struct Sums {
  int H, N, F, firstH, firstN, firstF, turned;
  std::vector<float> scales;
  explicit Sums(Construction& c)
      : H(c.integer("H")), N(c.integer("N")), F(c.integer("F")), firstH(c.integer("first_H")),
        firstN(c.integer("first_N")), firstF(c.integer("first_F")), turned(c.integer("turned")),
        scales(c.numbers("scales")) {}
  int count() const { return H + 2 * N + F; }
  int64_t read(Context& context, Sum& first, Sum& second) const {
    int64_t rows = -1, width = -1;
    auto note = [&](TF_Tensor* tensor, bool hasWidth) {
      if (rows < 0) rows = rowsOf(tensor);
      if (hasWidth && width < 0) width = lastOf(tensor);
      if (rows != rowsOf(tensor) || (hasWidth && width != lastOf(tensor))) throw Failure{"terms of different sizes"};
    };
    auto of = [&](bool isFirst) -> Sum& { return isFirst ? first : second; };
    for (int i = 0; i < H; ++i) {
      TF_Tensor* tensor = context.input(i);
      note(tensor, true);
      Sum& s = of(i < firstH);
      s.half[s.halves++] = dataOf<half_t>(tensor);
    }
    for (int i = 0; i < F; ++i) {
      TF_Tensor* tensor = context.input(H + 2 * N + i);
      note(tensor, true);
      Sum& s = of(i < firstF);
      s.full[s.fulls++] = dataOf<float>(tensor);
    }
    std::vector<TF_Tensor*> ups;
    size_t floats = 0;
    for (int i = 0; i < N; ++i) {
      TF_Tensor* up = context.input(H + N + i);
      ups.push_back(up);
      floats += TF_TensorElementCount(up);
      if (width < 0) width = (turned >> i & 1) ? TF_Dim(up, 0) : lastOf(up);
    }
    float* room = static_cast<float*>(packRoom().of(floats * 4 + 64));
    for (int i = 0; i < N; ++i) {
      TF_Tensor* tensor = context.input(H + i);
      note(tensor, false);
      Sum& s = of(i < firstN);
      const int rank = int(lastOf(tensor));
      const float *up = dataOf<float>(ups[i]), scale = scales[i];
      if (turned >> i & 1)
        for (int64_t o = 0; o < width; ++o)
          for (int r = 0; r < rank; ++r) room[r * width + o] = scale * up[o * rank + r];
      else
        for (int64_t k = 0; k < rank * width; ++k) room[k] = scale * up[k];
      s.down[s.narrows] = dataOf<float>(tensor);
      s.up[s.narrows] = room;
      s.rank[s.narrows++] = rank;
      room += rank * width;
    }
    if (width % 16 != 0) throw Failure{"widths must be multiples of 16"};
    first.width = second.width = int(width);
    return rows;
  }
};

struct SumOp {
  Sums sums;
  bool full, half;
  explicit SumOp(Construction& c) : sums(c), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    Sum s, none;
    const int64_t T = sums.read(context, s, none);
    float* y = context.full(0, full, {T, s.width});
    half_t* h = context.half(1, half, {T, s.width});
    overRows(T, [&](int from, int to) { kernels().sum(s, from, to, y, h); });
  }
};

struct SumNormOp {
  Sums sums;
  float epsilon, offset;
  bool keeps, full, half;
  explicit SumNormOp(Construction& c)
      : sums(c), epsilon(c.number("epsilon")), offset(c.number("offset")), keeps(c.flag("keeps")), full(c.flag("gives_full")),
        half(c.flag("gives_half")) {}
  void run(Context& context) {
    Sum s, none;
    const int64_t T = sums.read(context, s, none);
    const float* weight = dataOf<float>(context.input(sums.count()));
    float* kept = context.full(0, keeps, {T, s.width});
    float* y = context.full(1, full, {T, s.width});
    half_t* h = context.half(2, half, {T, s.width});
    float* inverse = context.full(3, true, {T, 1});
    overRows(T, [&](int from, int to) {
      kernels().sumNorm(s, from, to, weight, offset, epsilon, kept, y, h, inverse);
    });
  }
};

struct SumNormBackwardOp {
  Sums sums;
  float offset;
  bool full, half;
  explicit SumNormBackwardOp(Construction& c)
      : sums(c), offset(c.number("offset")), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    Sum s, after;
    const int64_t T = sums.read(context, s, after);
    const float* x = dataOf<float>(context.input(sums.count()));
    const float* weight = dataOf<float>(context.input(sums.count() + 1));
    const float* inverse = dataOf<float>(context.input(sums.count() + 2));
    float* y = context.full(0, full, {T, s.width});
    half_t* h = context.half(1, half, {T, s.width});
    overRows(T, [&](int from, int to) {
      kernels().sumNormBackward(s, after, from, to, x, weight, offset, inverse, y, h);
    });
  }
};

struct GatedOp {
  Sums sums;
  int keeps;  // 0 nothing, 1 float32, 2 bfloat16
  bool full, half;
  explicit GatedOp(Construction& c) : sums(c), keeps(c.integer("keeps")), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    Sum gate, up;
    const int64_t T = sums.read(context, gate, up);
    const std::vector<int64_t> dims{T, gate.width};
    float *gates = context.full(0, keeps == 1, dims), *ups = context.full(1, keeps == 1, dims);
    half_t *gatesHalf = context.half(2, keeps == 2, dims), *upsHalf = context.half(3, keeps == 2, dims);
    float* y = context.full(4, full, dims);
    half_t* h = context.half(5, half, dims);
    overRows(T, [&](int from, int to) {
      kernels().gated(gate, up, from, to, gates, ups, gatesHalf, upsHalf, y, h);
    });
  }
};

struct GatedBackwardOp {
  Sums sums;
  bool isHalf, full, half;
  explicit GatedBackwardOp(Construction& c)
      : sums(c), isHalf(c.flag("kept_half")), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    Sum s, none;
    const int64_t T = sums.read(context, s, none);
    const std::vector<int64_t> dims{T, s.width};
    TF_Tensor *g = context.input(sums.count()), *u = context.input(sums.count() + 1);
    float *dg = context.full(0, full, dims), *du = context.full(1, full, dims);
    half_t *dgh = context.half(2, half, dims), *duh = context.half(3, half, dims);
    overRows(T, [&](int from, int to) {
      kernels().gatedBackward(s, from, to, isHalf ? nullptr : dataOf<float>(g), isHalf ? nullptr : dataOf<float>(u),
                              isHalf ? dataOf<half_t>(g) : nullptr, isHalf ? dataOf<half_t>(u) : nullptr, dg, du, dgh,
                              duh);
    });
  }
};
}  // namespace

void addSumOperators() {
  const std::string terms = "halves: H * bfloat16;downs: N * float;ups: N * float;fulls: F * float;";
  const std::string ofTerms =
      "H: int >= 0;N: int >= 0;F: int >= 0;first_H: int;first_N: int;first_F: int;turned: int;scales: list(float);";
  add<SumOp>("TunewrightSum", terms, "full: float;half: bfloat16", ofTerms + wanted);
  add<SumNormOp>("TunewrightSumNorm", terms + "weight: float", "sums: float;full: float;half: bfloat16;inverse: float",
                 ofTerms + wanted + "epsilon: float;offset: float;keeps: bool");
  add<SumNormBackwardOp>("TunewrightSumNormBackward", terms + "x: float;weight: float;inverse: float",
                         "full: float;half: bfloat16", ofTerms + wanted + "offset: float");
  add<GatedOp>("TunewrightGated", terms,
               "gates: float;ups_sum: float;gates_half: bfloat16;ups_half: bfloat16;full: float;half: bfloat16",
               ofTerms + wanted + "keeps: int");
  add<GatedBackwardOp>("TunewrightGatedBackward", terms + "gates: kept;ups_sum: kept",
                       "d_gate: float;d_up: float;d_gate_half: bfloat16;d_up_half: bfloat16",
                       ofTerms + wanted + "kept: {float, bfloat16};kept_half: bool");
}
}  // namespace tw
