#include "sum-terms.h"

namespace tw {
namespace {
bool fits(int count, int first) {
  return first >= 0 && first <= count && first <= Sum::most && count - first <= Sum::most;
}
}  // namespace

SumTerms::SumTerms(Construction& attributes)
    : halves_(attributes.integer("H")),
      narrows_(attributes.integer("N")),
      fulls_(attributes.integer("F")),
      firstHalves_(attributes.integer("first_H")),
      firstNarrows_(attributes.integer("first_N")),
      firstFulls_(attributes.integer("first_F")),
      turned_(attributes.integer("turned")),
      scales_(attributes.numbers("scales")) {
  require(fits(halves_, firstHalves_) && fits(narrows_, firstNarrows_) && fits(fulls_, firstFulls_),
          "first_H, first_N and first_F: expected counts of H, N and F that leave neither sum more than 16 of a kind");
  require(narrows_ < 31, "N: expected at most 30 adapters, for `turned` has a bit for each");
  require(int(scales_.size()) == narrows_, "scales: expected one for each adapter");
  require(firstHalves_ + firstNarrows_ + firstFulls_ > 0, "expected a term of the first sum");
}

int64_t SumTerms::widthOf(Context& context) const {
  if (halves_ > 0) return lastOf(context.input(0));
  if (fulls_ > 0) return lastOf(context.input(halves_ + 2 * narrows_));
  TF_Tensor* up = context.input(halves_ + narrows_);
  require(TF_NumDims(up) == 2, "ups: expected matrices");
  return TF_Dim(up, isTurned(0) ? 0 : 1);
}

int64_t SumTerms::read(Context& context, Sum& first, Sum& second) const {
  first.width = second.width = wideEnough(widthOf(context), "the sum");
  const int64_t rows = countable(rowsOf(context.input(halves_ > 0 ? 0 : narrows_ > 0 ? halves_ : count() - 1)), "rows");
  for (int i = 0; i < halves_; ++i) {
    TF_Tensor* term = context.input(i);
    requireRows("halves", term, rows, first.width);
    Sum& sum = i < firstHalves_ ? first : second;
    sum.half[sum.halves++] = dataOf<half_t>(term);
  }
  for (int i = 0; i < fulls_; ++i) {
    TF_Tensor* term = context.input(halves_ + 2 * narrows_ + i);
    requireRows("fulls", term, rows, first.width);
    Sum& sum = i < firstFulls_ ? first : second;
    sum.full[sum.fulls++] = dataOf<float>(term);
  }
  readNarrow(context, first, second, rows);
  return rows;
}

void SumTerms::readNarrow(Context& context, Sum& first, Sum& second, int64_t rows) const {
  const int64_t width = first.width;
  int64_t floats = 0;
  std::vector<TF_Tensor*> downs, ups;
  for (int i = 0; i < narrows_; ++i) {
    TF_Tensor *down = context.input(halves_ + i), *up = context.input(halves_ + narrows_ + i);
    const int64_t rank = countable(lastOf(down), "an adapter's rank");
    requireRows("downs", down, rows, rank);
    requireShape("ups", up, isTurned(i) ? std::vector<int64_t>{width, rank} : std::vector<int64_t>{rank, width});
    downs.push_back(down);
    ups.push_back(up);
    floats += rank * width;
  }
  float* room = static_cast<float*>(packedRoom(size_t(floats) * sizeof(float)));
  for (int i = 0; i < narrows_; ++i) {
    const int64_t rank = lastOf(downs[i]);
    const float *weight = dataOf<float>(ups[i]), scale = scales_[i];
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t c = 0; c < width; ++c)
        room[r * width + c] = scale * (isTurned(i) ? weight[c * rank + r] : weight[r * width + c]);
    Sum& sum = i < firstNarrows_ ? first : second;
    sum.down[sum.narrows] = dataOf<float>(downs[i]);
    sum.up[sum.narrows] = room;
    sum.rank[sum.narrows++] = int(rank);
    room += rank * width;
  }
}
}  // namespace tw
