// Cross-entropy of rows of scores with its derivative: softmaxCrossEntropy in src/engine/ir/types.ts.
#include <cmath>
#include "operator.h"

namespace tw {
namespace {
/** What a row's gradient is made of: weight * (e^(score - top) / sum - smoothing / V), and less at the target. */
struct RowOfScores {
  float top, factor, smoothed, hit;
};

/** One run. Parts of a row are the same however they are divided among threads, and so are the sums over them. */
class CrossEntropy {
 public:
  CrossEntropy(int64_t rows, int64_t width, float smoothing)
      : rows_(rows),
        width_(width),
        parts_((width + scoresOfPart - 1) / scoresOfPart),
        smoothing_(smoothing),
        sums_(size_t(rows * parts_)),
        ofRows_(size_t(rows)) {}

  const float *logits = nullptr, *weights = nullptr;
  const int32_t* targets = nullptr;
  /** Results; the last two may be null, and `full` may be the logits' own memory. */
  float *losses = nullptr, *full = nullptr;
  half_t* half = nullptr;

  void compute() {
    // Few rows are divided among the threads, which reads their scores from memory twice; of many each stays in the
    // cache of one thread between its passes.
    if (rows_ >= 4 * threadsLent()) {
      overRows(
          rows_,
          [&](int from, int to) {
            for (int row = from; row < to; ++row) computeRow(row);
          },
          rowsAtOnce());
      return;
    }
    const int items = int(rows_ * parts_);
    parallel(items, [&](int item) { sum(item / parts_, item % parts_); });
    for (int64_t row = 0; row < rows_; ++row) finish(row);
    if (full || half) parallel(items, [&](int item) { differentiate(item / parts_, item % parts_); });
  }

 private:
  int64_t rowsAtOnce() const { return width_ < scoresOfPart ? scoresOfPart / width_ : 1; }

  void computeRow(int64_t row) {
    for (int64_t part = 0; part < parts_; ++part) sum(row, part);
    finish(row);
    if (full || half)
      for (int64_t part = 0; part < parts_; ++part) differentiate(row, part);
  }

  int64_t countOf(int64_t part) const {
    const int64_t left = width_ - part * scoresOfPart;
    return left < scoresOfPart ? left : scoresOfPart;
  }

  void sum(int64_t row, int64_t part) {
    kernels().scoreSums(logits + row * width_ + part * scoresOfPart, countOf(part),
                        &sums_[size_t(row * parts_ + part)]);
  }

  /** From the sums of its parts a row's loss, and what its gradient needs. */
  void finish(int64_t row) {
    const ScoreSums* parts = &sums_[size_t(row * parts_)];
    float top = -INFINITY;
    for (int64_t part = 0; part < parts_; ++part)
      if (parts[part].top > top) top = parts[part].top;
    double exponentials = 0, scores = 0;
    for (int64_t part = 0; part < parts_; ++part) {
      scores += parts[part].scores;
      // A part of scores of minus infinity adds nothing; 0 * e^(-inf - -inf) would be no number.
      if (parts[part].exponentials != 0)
        exponentials += parts[part].exponentials * std::exp(double(parts[part].top) - top);
    }
    const double weight = weights[row], smoothing = smoothing_, V = double(width_);
    // 0 times a score of minus infinity would be no number either.
    const double mean = smoothing == 0 ? 0 : smoothing * scores / V;
    const double hit = logits[row * width_ + targets[row]];
    losses[row] = float(weight * (top + std::log(exponentials) - (1 - smoothing) * hit - mean));
    ofRows_[size_t(row)] = {top, float(weight / exponentials), float(weight * smoothing / V),
                            float(weight * (1 - smoothing))};
  }

  void differentiate(int64_t row, int64_t part) {
    const int64_t from = part * scoresOfPart, count = countOf(part), at = row * width_ + from;
    const int64_t target = targets[row] - from;
    const RowOfScores& each = ofRows_[size_t(row)];
    kernels().scoreGradient(logits + at, count, each.top, each.factor, each.smoothed,
                            target >= 0 && target < count ? target : -1, each.hit, full ? full + at : nullptr,
                            half ? half + at : nullptr);
  }

  const int64_t rows_, width_, parts_;
  const float smoothing_;
  std::vector<ScoreSums> sums_;
  std::vector<RowOfScores> ofRows_;
};

struct CrossEntropyOperator {
  float smoothing;
  bool givesFull, givesHalf;
  explicit CrossEntropyOperator(Construction& attributes)
      : smoothing(attributes.number("smoothing")),
        givesFull(attributes.flag("gives_full")),
        givesHalf(attributes.flag("gives_half")) {
    require(smoothing >= 0 && smoothing < 1, "smoothing: expected a number from 0 to below 1");
  }

  void run(Context& context) const {
    const std::vector<int64_t> dims = context.shapeOf(0);
    require(dims.size() == 2, "logits: expected a matrix");
    const int64_t rows = countable(dims[0], "rows"), width = countable(dims[1], "classes");
    countable(rows * (width / scoresOfPart + 1), "parts of rows");
    TF_Tensor *targets = context.input(1), *weights = context.input(2);
    requireShape("targets", targets, {rows});
    requireShape("weights", weights, {rows});
    const int32_t* classes = dataOf<int32_t>(targets);
    for (int64_t row = 0; row < rows; ++row)
      require(classes[row] >= 0 && classes[row] < width, "targets: one is no class of the logits");

    CrossEntropy run(rows, width, smoothing);
    run.targets = classes;
    run.weights = dataOf<float>(weights);
    run.losses = context.full(0, true, {rows});
    if (givesFull) run.full = context.fullInPlaceOf(0, 1, dims, &run.logits);
    else {
      run.logits = dataOf<float>(context.input(0));
      context.full(1, false, dims);
    }
    run.half = context.half(2, givesHalf, dims);
    run.compute();
  }
};
}  // namespace

void addCrossEntropyOperator() {
  add<CrossEntropyOperator>("TunewrightCrossEntropy", "logits: float;targets: int32;weights: float",
                            "losses: float;full: float;half: bfloat16", std::string(wanted) + "smoothing: float");
}
}  // namespace tw
