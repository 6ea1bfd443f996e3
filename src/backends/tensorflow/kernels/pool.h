// Work in parts, on the threads that TensorFlow computes on.
#pragma once
#include <functional>

struct TF_OpKernelContext;

namespace tw {
/**
 * Calls work(item) for items 0..count-1, each once, on this thread and the lent pool's; returns when all are done. What
 * it throws comes out here, and items that were not begun by then are left out. Not within itself.
 */
void parallel(int count, const std::function<void(int item)>& work);

/** How many threads `parallel` computes with. */
int threadsLent();

/** While it lives, `parallel` on this thread may use the pool of the device that this operator runs on. */
class LentPool {
 public:
  explicit LentPool(TF_OpKernelContext* context);
  ~LentPool();
  LentPool(const LentPool&) = delete;
  LentPool& operator=(const LentPool&) = delete;
};
}  // namespace tw
