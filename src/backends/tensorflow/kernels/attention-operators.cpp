// TunewrightAttention and its derivative: what they are given is checked, divided, and handed to threads.
#include <algorithm>
#include <cstring>
#include <memory>
#include "attention-plan.h"
#include "operator.h"

namespace tw {
namespace {
/** A row's blocks, and the parts that gradients of its keys are summed in. */
struct Row {
  std::vector<AttentionBlock> blocks;
  std::vector<AttentionPart> parts;
};

struct Attention {
  int heads, keyHeads, window;
  float scale;
  bool causal, sharesStart;
  explicit Attention(Construction& c)
      : heads(c.integer("heads")),
        keyHeads(c.integer("key_heads")),
        window(c.integer("window")),
        scale(c.number("scale")),
        causal(c.flag("causal")),
        sharesStart(c.flag("shares_start")) {
    if (heads < 1 || keyHeads < 1 || heads % keyHeads != 0 || window < 0)
      throw Failure{"Attention: heads must be a multiple of key_heads, and window 0 or more."};
    if (sharesStart && (!causal || window != 0))
      throw Failure{"Attention: a shared start is for causal rows without a window."};
  }
};

/** The first five inputs. B rows of S; Q, K: widths of a query and of a key with all their heads. */
struct Given {
  const Attention& a;
  int64_t B, S, T, Q, K;
  int D, group;
  const float *q, *k, *v;
  const int32_t* segments;
  /** Of the block that sees most. */
  int mostKeys = 0;
  std::vector<Row> rows;

  Given(Context& context, const Attention& attributes) : a(attributes) {
    TF_Tensor *qs = context.input(0), *ks = context.input(1), *vs = context.input(2), *length = context.input(3),
              *of = context.input(4);
    if (TF_NumDims(qs) != 2 || TF_NumDims(ks) != 2 || TF_NumDims(vs) != 2 || TF_TensorElementCount(length) != 1)
      throw Failure{"Attention: q, k and v must be [B*S, width], length [1]."};
    T = TF_Dim(qs, 0), Q = TF_Dim(qs, 1), K = TF_Dim(ks, 1), S = *dataOf<int32_t>(length);
    D = int(Q / a.heads), group = a.heads / a.keyHeads;
    if (D < 16 || D > 256 || D % 16 != 0 || Q != int64_t(D) * a.heads || K != int64_t(D) * a.keyHeads)
      throw Failure{"Attention: a head must be 16, 32, ... 256 wide, in q as in k."};
    if (TF_Dim(ks, 0) != T || TF_Dim(vs, 0) != T || TF_Dim(vs, 1) != K)
      throw Failure{"Attention: k and v must have a row for each of q, and one width."};
    if (S < 0 || S >= 1 << 24 || (T > 0 && (S == 0 || T % S != 0)))
      throw Failure{"Attention: q must be whole rows of `length` positions."};
    B = T > 0 ? T / S : 0;
    const int64_t places = TF_TensorElementCount(of);
    if (places != 0 && places != T) throw Failure{"Attention: segments must be [B,S], or empty."};
    q = dataOf<float>(qs), k = dataOf<float>(ks), v = dataOf<float>(vs);
    segments = places == 0 ? nullptr : dataOf<int32_t>(of);
    divide();
  }

  /** Row b and key head n. */
  AttentionRow row(int64_t b, int64_t n) const {
    return {q + atQ(b, n), k + atK(b, n), v + atK(b, n), S, Q, K, D, group, a.scale, a.causal, windowOf()};
  }
  int64_t atQ(int64_t b, int64_t n) const { return b * S * Q + n * group * D; }
  int64_t atK(int64_t b, int64_t n) const { return b * S * K + n * D; }
  int64_t atSums(int64_t b, int64_t n) const { return (b * a.heads + n * group) * S; }

 private:
  int windowOf() const { return int(std::min<int64_t>(a.window, S)); }
  void divide() {
    // Enough parts for many threads where rows and key heads are few.
    constexpr int64_t atLeast = 12;
    const int parts = B > 0 ? int((atLeast + B * a.keyHeads - 1) / (B * a.keyHeads)) : 0;
    for (int64_t b = 0; b < B; ++b) {
      const int32_t* own = segments ? segments + b * S : nullptr;
      if (own && (own[0] < 0 || !std::is_sorted(own, own + S)))
        throw Failure{"Attention: the segments of a row must not fall, nor be negative."};
      const AttentionRow of = row(b, 0);
      Row made{blocksOf(of, own, a.sharesStart), {}};
      made.parts = partsOf(of, made.blocks, parts);
      for (const AttentionBlock& block : made.blocks) mostKeys = std::max(mostKeys, countOf(keysOf(of, block)));
      rows.push_back(std::move(made));
    }
  }
};

/** work(b, n, i) for every row, key head and one of the row's `countOf(row)` items, on all threads. */
template <typename C, typename F>
void overItems(const Given& given, C countOf, F work) {
  struct Item {
    int64_t b, n;
    int i;
  };
  std::vector<Item> items;
  for (int64_t b = 0; b < given.B; ++b)
    for (int64_t n = 0; n < given.a.keyHeads; ++n)
      for (int i = 0; i < countOf(given.rows[b]); ++i) items.push_back({b, n, i});
  parallel(int(items.size()), [&](int item) { work(items[item].b, items[item].n, items[item].i); });
}

template <typename T>
T* shifted(T* data, int64_t by) {
  return data ? data + by : nullptr;
}

struct AttentionOp {
  Attention a;
  bool full, half;
  explicit AttentionOp(Construction& c) : a(c), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    const Given given(context, a);
    float* out = context.full(0, full, {given.T, given.Q});
    half_t* outHalf = context.half(1, half, {given.T, given.Q});
    float* logSums = context.full(2, true, {given.B, a.heads, given.S});
    const int64_t scratch = kernels().attentionScratch(given.mostKeys, given.group, given.D, false);
    overItems(
        given, [](const Row& row) { return int(row.blocks.size()); },
        [&](int64_t b, int64_t n, int i) {
          const int64_t at = given.atQ(b, n);
          kernels().attention(given.row(b, n), given.rows[b].blocks[i], shifted(out, at), shifted(outHalf, at),
                              logSums + given.atSums(b, n), threadRoom(scratch));
        });
  }
};

struct AttentionBackwardOp {
  Attention a;
  bool full, half;
  explicit AttentionBackwardOp(Construction& c) : a(c), full(c.flag("gives_full")), half(c.flag("gives_half")) {}
  void run(Context& context) {
    const Given given(context, a);
    TF_Tensor *dOut = context.input(5), *sums = context.input(6);
    if (TF_TensorElementCount(dOut) != given.T * given.Q || TF_TensorElementCount(sums) != given.T * a.heads)
      throw Failure{"Attention: d_out must be as large as q, log_sums [B,heads,S]."};
    float* dq = context.full(0, true, {given.T, given.Q});
    float* dk = context.full(1, true, {given.T, given.K});
    float* dv = context.full(2, full, {given.T, given.K});
    half_t* dvHalf = context.half(3, half, {given.T, given.K});
    const int64_t scratch = kernels().attentionScratch(given.mostKeys, given.group, given.D, true);
    const auto keysTo = [&](int64_t b, int64_t n, const AttentionSums* parts, int count, int from, int to) {
      const int64_t at = given.atK(b, n);
      kernels().attentionKeys(given.row(b, n), parts, count, from, to, dk + at, shifted(dv, at), shifted(dvHalf, at));
    };
    // A row's only part is summed in its thread's room and written at once; several are kept until all are there.
    Parts kept(given);
    overItems(
        given, [](const Row& row) { return int(row.parts.size()); },
        [&](int64_t b, int64_t n, int i) {
          const Row& row = given.rows[b];
          const AttentionPart& part = row.parts[i];
          const int64_t size = int64_t(countOf(part.keys)) * given.D;
          const bool isOnly = row.parts.size() == 1;
          float* room = threadRoom(scratch + (isOnly ? 2 * size : 0));
          AttentionSums own{part.keys, room + scratch, room + scratch + size};
          const AttentionSums& into = isOnly ? own : kept.of(b, n)[i];
          std::memset(into.dk, 0, sizeof(float) * size);
          std::memset(into.dv, 0, sizeof(float) * size);
          for (int at = part.first; at < part.last; ++at)
            kernels().attentionBackward(given.row(b, n), row.blocks[at], dataOf<float>(dOut) + given.atQ(b, n),
                                        dataOf<float>(sums) + given.atSums(b, n), dq + given.atQ(b, n), into, room);
          if (isOnly) keysTo(b, n, &own, 1, 0, int(given.S));
        });
    constexpr int atOnce = 128;
    const auto pieces = [&](const Row& row) { return row.parts.size() > 1 ? int((given.S + atOnce - 1) / atOnce) : 0; };
    overItems(given, pieces, [&](int64_t b, int64_t n, int i) {
      const int from = i * atOnce, to = int(std::min<int64_t>(from + atOnce, given.S));
      keysTo(b, n, kept.of(b, n), int(given.rows[b].parts.size()), from, to);
    });
  }

 private:
  /** Room for the parts of rows that have several. */
  struct Parts {
    const Given& given;
    std::vector<AttentionSums> sums;
    std::vector<size_t> first;
    std::unique_ptr<float, decltype(&std::free)> room{nullptr, std::free};
    explicit Parts(const Given& of) : given(of) {
      std::vector<int64_t> at;
      int64_t floats = 0;
      for (const Row& row : of.rows)
        for (int n = 0; n < of.a.keyHeads; ++n) {
          first.push_back(sums.size());
          for (const AttentionPart& part : row.parts) {
            if (row.parts.size() == 1) continue;
            sums.push_back({part.keys, nullptr, nullptr});
            at.push_back(floats);
            floats += 2 * int64_t(countOf(part.keys)) * of.D;
          }
        }
      if (floats == 0) return;
      room.reset(static_cast<float*>(std::aligned_alloc(64, size_t(floats) * sizeof(float))));
      if (!room) throw Failure{"Attention: no memory for the gradients of keys and values."};
      for (size_t i = 0; i < sums.size(); ++i) {
        sums[i].dk = room.get() + at[i];
        sums[i].dv = sums[i].dk + int64_t(countOf(sums[i].keys)) * of.D;
      }
    }
    const AttentionSums* of(int64_t b, int64_t n) const { return sums.data() + first[b * given.a.keyHeads + n]; }
  };
};
}  // namespace

void addAttentionOperators() {
  const std::string inputs = "q: float;k: float;v: float;length: int32;segments: int32;";
  const std::string attributes =
      std::string(wanted) + "heads: int;key_heads: int;scale: float;causal: bool;window: int;shares_start: bool";
  add<AttentionOp>("TunewrightAttention", inputs, "full: float;half: bfloat16;log_sums: float", attributes);
  add<AttentionBackwardOp>("TunewrightAttentionBackward", inputs + "d_out: float;log_sums: float",
                           "dq: float;dk: float;dv: float;dv_half: bfloat16", attributes);
}
}  // namespace tw
