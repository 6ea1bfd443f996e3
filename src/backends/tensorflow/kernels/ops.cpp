// Registers our operators and kernels with the TensorFlow that is loaded, through its stable C interface.
#include <dlfcn.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>
#include "kernels.h"
#include "pool.h"
#include "tf_c_api.h"

namespace tw {
const Kernels& kernels() {
  static const Kernels& chosen = [&]() -> const Kernels& {
    __builtin_cpu_init();
    const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (v4 && __builtin_cpu_supports("avx512bf16")) return kernelsBf16;
    if (v4) return kernelsV4;
    return kernelsV3;
  }();
  return chosen;
}

namespace {
struct Failure { std::string message; };

class Context {
 public:
  explicit Context(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Context() {
    for (TF_Tensor* tensor : held_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  TF_Tensor* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    check();
    held_.push_back(tensor);
    return tensor;
  }
  template <typename T>
  T* output(int i, TF_DataType type, std::vector<int64_t> dims) {
    int64_t count = 1;
    for (int64_t d : dims) count *= d;
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, type, dims.data(), int(dims.size()), count * sizeof(T), status_);
    check();
    held_.push_back(tensor);
    return static_cast<T*>(TF_TensorData(tensor));
  }
  /** null and an empty tensor where it is not wanted. */
  float* full(int i, bool wanted, std::vector<int64_t> dims) {
    float* data = output<float>(i, TF_FLOAT, wanted ? dims : std::vector<int64_t>{0});
    return wanted ? data : nullptr;
  }
  half_t* half(int i, bool wanted, std::vector<int64_t> dims) {
    half_t* data = output<half_t>(i, TF_BFLOAT16, wanted ? dims : std::vector<int64_t>{0});
    return wanted ? data : nullptr;
  }
  void fail(const std::string& message) {
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, message.c_str());
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  void check() {
    if (TF_GetCode(status_) != TF_OK) throw Failure{TF_Message(status_)};
  }
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> held_;
};

template <typename T>
T* dataOf(TF_Tensor* tensor) { return static_cast<T*>(TF_TensorData(tensor)); }
int64_t lastOf(TF_Tensor* tensor) { return TF_Dim(tensor, TF_NumDims(tensor) - 1); }
int64_t rowsOf(TF_Tensor* tensor) { return lastOf(tensor) ? TF_TensorElementCount(tensor) / lastOf(tensor) : 0; }

class Construction {
 public:
  explicit Construction(TF_OpKernelConstruction* c) : c_(c), status_(TF_NewStatus()) {}
  ~Construction() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelConstruction_Failure(c_, status_);
    TF_DeleteStatus(status_);
  }
  int integer(const char* name) {
    int32_t value = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrInt32(c_, name, &value, status_);
    return value;
  }
  float number(const char* name) {
    float value = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrFloat(c_, name, &value, status_);
    return value;
  }
  bool flag(const char* name) {
    unsigned char value = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrBool(c_, name, &value, status_);
    return value != 0;
  }
  std::vector<float> numbers(const char* name) {
    int32_t count = 0, bytes = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrSize(c_, name, &count, &bytes, status_);
    std::vector<float> values(count > 0 ? count : 0);
    if (ok() && count > 0) TF_OpKernelConstruction_GetAttrFloatList(c_, name, values.data(), count, status_);
    return values;
  }

 private:
  bool ok() { return TF_GetCode(status_) == TF_OK; }
  TF_OpKernelConstruction* c_;
  TF_Status* status_;
};

/** Aligned room that is kept. */
struct Room {
  void* data = nullptr;
  size_t bytes = 0;
  void* of(size_t wanted) {
    if (bytes < wanted) {
      std::free(data);
      bytes = (wanted + 4095) / 4096 * 4096;
      data = std::aligned_alloc(64, bytes);
    }
    return data;
  }
  ~Room() { std::free(data); }
};
Room& packRoom() {
  static thread_local Room room;
  return room;
}
float* threadRoom(int64_t floats) {
  static thread_local Room room;
  return static_cast<float*>(room.of(floats * 4));
}

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

template <typename F>
void overRows(int64_t rows, F work, int chunk = 32) {
  parallel(int((rows + chunk - 1) / chunk), [&](int item) {
    const int from = item * chunk;
    work(from, int(from + chunk < rows ? from + chunk : rows));
  });
}

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

/** TensorFlow's pool for this operator's own threads; null (then one thread computes) where this version does not export it. */
void* deviceOf(TF_OpKernelContext* context) {
  typedef void* (*Find)(void*);
  static const Find find = reinterpret_cast<Find>(
      dlsym(RTLD_DEFAULT, "_ZNK10tensorflow15OpKernelContext12eigen_deviceIN5Eigen16ThreadPoolDeviceEEERKT_v"));
  void* device = find ? find(context) : nullptr;
  return device;
}

template <typename Op>
struct Adapter {
  static void* create(TF_OpKernelConstruction* construction) {
    Construction c(construction);
    return new Op(c);
  }
  static void compute(void* op, TF_OpKernelContext* context) {
    lendPool(deviceOf(context));
    Context c(context);
    try {
      static_cast<Op*>(op)->run(c);
    } catch (const Failure& failure) {
      c.fail(failure.message);
    }
  }
  static void destroy(void* op) { delete static_cast<Op*>(op); }
};

void unknownShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (from < text.size()) {
    size_t to = text.find(';', from);
    if (to == std::string::npos) to = text.size();
    if (to > from) parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

template <typename Op>
void add(const char* name, const std::string& inputs, const std::string& outputs, const std::string& attributes) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const std::string& each : split(inputs)) TF_OpDefinitionBuilderAddInput(definition, each.c_str());
  for (const std::string& each : split(outputs)) TF_OpDefinitionBuilderAddOutput(definition, each.c_str());
  for (const std::string& each : split(attributes)) TF_OpDefinitionBuilderAddAttr(definition, each.c_str());
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknownShapes);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* builder =
        TF_NewKernelBuilder(name, "CPU", Adapter<Op>::create, Adapter<Op>::compute, Adapter<Op>::destroy);
    TF_RegisterKernelBuilder(name, builder, status);
  }
  if (TF_GetCode(status) != TF_OK) std::fprintf(stderr, "%s: %s\n", name, TF_Message(status));
  TF_DeleteStatus(status);
}

const std::string terms = "halves: H * bfloat16;downs: N * float;ups: N * float;fulls: F * float;";
const std::string ofTerms =
    "H: int >= 0;N: int >= 0;F: int >= 0;first_H: int;first_N: int;first_F: int;turned: int;scales: list(float);";
const std::string wanted = "gives_full: bool;gives_half: bool;";

/** Once in a process: a second definition would end it. */
struct Registration {
  Registration() {
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
    add<RopeOp>("TunewrightRope", "x: float;cos: float;sin: float;positions: int32", "full: float;half: bfloat16",
                wanted + "heads: int;inverse: bool");
    add<DownOp>("TunewrightDown", "x: of;weights: M * float", "outs: M * float",
                "M: int >= 1;scale: float;turned: bool;of: {float, bfloat16};is_half: bool");
    add<NarrowGradientOp>("TunewrightNarrowGradient", "ds: M * float;x: of", "outs: M * float",
                          "M: int >= 1;scale: float;turned: bool;of: {float, bfloat16};is_half: bool");
    add<AttentionOp>("TunewrightAttention", "q: float;k: float;v: float;positions: int32",
                     "full: float;half: bfloat16;log_sums: float", wanted + "heads: int;key_heads: int;scale: float;halves: int");
    add<AttentionBackwardOp>("TunewrightAttentionBackward",
                             "q: float;k: float;v: float;positions: int32;d_out: float;log_sums: float",
                             "dq: float;dk: float;dv: float;dv_half: bfloat16",
                             wanted + "heads: int;key_heads: int;scale: float;halves: int");
  }
} registration;
}  // namespace
}  // namespace tw

/** Node loads this library as an add-on: it exports nothing. */
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }
extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return 8; }
