// How a row's attention is divided: into blocks of queries of one document, and these into parts of about equal work.
// By the row alone, never by the number of threads, so that sums are always the same.
#pragma once
#include <vector>
#include "attention.h"
namespace tw {
/** segments: of the row, or null. Work then follows the documents: no block lies in two of them. */
inline std::vector<AttentionBlock> blocksOf(const AttentionRow& row, const int32_t* segments, bool sharesStart) {
  std::vector<AttentionBlock> blocks;
  const int S = int(row.S), most = attentionQueries(row.group);
  int startOfAll = 0;
  for (int start = 0, end; start < S; start = end) {
    for (end = segments ? start + 1 : S; end < S && segments[end] == segments[start];) ++end;
    if (start == 0 && sharesStart && segments && segments[0] == 0) startOfAll = end;
    // A document right behind the start sees it and its own as one range.
    const bool touches = start <= startOfAll;
    const int from = touches ? 0 : start, shared = touches ? 0 : startOfAll;
    for (int s = start; s < end; s += most) blocks.push_back({s, s + most < end ? s + most : end, from, end, shared});
  }
  return blocks;
}

/** Blocks [first, last) and the keys that they see. */
struct AttentionPart {
  int first, last;
  AttentionKeys keys;
};

inline AttentionKeys unionOf(const AttentionKeys& a, const AttentionKeys& b) {
  const int shared = a.shared > b.shared ? a.shared : b.shared, low = a.low < b.low ? a.low : b.low;
  const bool touches = low <= shared;
  return {touches ? 0 : shared, touches ? 0 : low, a.high > b.high ? a.high : b.high};
}

inline std::vector<AttentionPart> partsOf(const AttentionRow& row, const std::vector<AttentionBlock>& blocks,
                                          int count) {
  const auto workOf = [&](const AttentionBlock& block) {
    return int64_t(block.to - block.from) * countOf(keysOf(row, block));
  };
  int64_t all = 0, done = 0;
  for (const AttentionBlock& block : blocks) all += workOf(block);
  std::vector<AttentionPart> parts;
  for (int i = 0; i < int(blocks.size()); ++i) {
    const AttentionKeys keys = keysOf(row, blocks[i]);
    if (parts.empty() || done * count >= all * int64_t(parts.size())) parts.push_back({i, i, keys});
    AttentionPart& part = parts.back();
    part.last = i + 1;
    part.keys = unionOf(part.keys, keys);
    done += workOf(blocks[i]);
  }
  return parts;
}
}  // namespace tw
