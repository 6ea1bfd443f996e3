// The inputs of operators whose operand is a sum, or are two: products in bfloat16, adapters, values in float32.
#pragma once
#include "operator.h"

namespace tw {
/**
 * H products [T,width] bfloat16; N adapters' ways down [T,rank] and N ways up [rank,width], or [width,rank] where bit i
 * of `turned` is set, each times its scale; F values [T,width] float32. The first first_H, first_N and first_F of them
 * are the first sum's, the others the second's.
 */
const char* const termInputs = "halves: H * bfloat16;downs: N * float;ups: N * float;fulls: F * float;";
const char* const termAttributes =
    "H: int >= 0;N: int >= 0;F: int >= 0;first_H: int;first_N: int;first_F: int;turned: int;scales: list(float);";

class SumTerms {
 public:
  explicit SumTerms(Construction& attributes);
  /** How many inputs they are; an operator's other inputs come behind. */
  int count() const { return halves_ + 2 * narrows_ + fulls_; }
  /** Returns T. Ways up are laid in this thread's packed room. `second` may stay without terms, `first` may not. */
  int64_t read(Context& context, Sum& first, Sum& second) const;

 private:
  void readNarrow(Context& context, Sum& first, Sum& second, int64_t rows) const;
  bool isTurned(int narrow) const { return turned_ >> narrow & 1; }
  /** Of one of the terms, whichever there is. */
  int64_t widthOf(Context& context) const;

  int halves_, narrows_, fulls_, firstHalves_, firstNarrows_, firstFulls_, turned_;
  std::vector<float> scales_;
};
}  // namespace tw
