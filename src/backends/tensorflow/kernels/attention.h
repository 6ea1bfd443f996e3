// What attention computes on: a row's heads, the blocks that its queries are taken in, and which keys a block looks at.
#pragma once
#include <cstdint>
namespace tw {
/**
 * One row of S positions and one key head with the `group` of query heads that read it. A query's heads lie one behind
 * the other, D numbers each, at q + s * qStride; a key at k + t * kStride. window: 0 for none.
 */
struct AttentionRow {
  const float *q, *k, *v;
  int64_t S, qStride, kStride;
  int D, group;
  float scale;
  bool causal;
  int window;
};

/** Queries [from, to) of one document [start, end). They also see keys [0, shared), which end before the document. */
struct AttentionBlock {
  int from, to, start, end, shared;
};

/** Keys [0, shared) and [low, high), where shared < low or 0. */
struct AttentionKeys {
  int shared, low, high;
};
// Static, all of these: of an inline function the linker keeps one, and that may be compiled for another processor.
static inline int countOf(const AttentionKeys& keys) { return keys.shared + keys.high - keys.low; }
static inline bool holds(const AttentionKeys& keys, int t) {
  return t < keys.shared || (t >= keys.low && t < keys.high);
}
/** Where a key lies among them. */
static inline int placeOf(const AttentionKeys& keys, int t) { return t < keys.shared ? t : keys.shared + t - keys.low; }

/** What query s sees of its document. */
static inline int lowOf(const AttentionRow& row, const AttentionBlock& block, int s) {
  const int low = row.window ? s - row.window + 1 : 0;
  return low > block.start ? low : block.start;
}
static inline int highOf(const AttentionRow& row, const AttentionBlock& block, int s) {
  const int64_t high = row.causal ? s + 1 : row.window ? int64_t(s) + row.window : block.end;
  return high < block.end ? int(high) : block.end;
}
/** What one of the block's queries sees. */
static inline AttentionKeys keysOf(const AttentionRow& row, const AttentionBlock& block) {
  return {block.shared, lowOf(row, block, block.from), highOf(row, block, block.to - 1)};
}

/** A query with one of its heads is a lane. Few of them a block: it looks at what any of its queries sees. */
static inline int attentionQueries(int group) {
  constexpr int lanes = 48;
  return group < lanes ? lanes / group : 1;
}

/** Gradients of `keys` [count, D] by some blocks of a row. */
struct AttentionSums {
  AttentionKeys keys;
  float *dk, *dv;
};
}  // namespace tw
