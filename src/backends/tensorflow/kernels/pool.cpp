#include <dlfcn.h>
#include <immintrin.h>
#include <sched.h>
#include <atomic>
#include <exception>
#include <memory>
#include "pool.h"

namespace tw {
// Eigen's interface as TensorFlow 2.21 has it: the first virtual function of ThreadPoolInterface, and the first members
// of ThreadPoolDevice. (Not in the unnamed namespace: the compiler would conclude that nobody implements it.)
struct __attribute__((visibility("default"))) EigenPool {
  virtual void Schedule(std::function<void()> work) = 0;
};
struct EigenDevice {
  EigenPool* pool;
  int threads;
};

namespace {
thread_local const EigenDevice* lent = nullptr;

/** Lives until the last helper has looked at it; helpers that come late find it closed. */
class Round {
 public:
  Round(const std::function<void(int)>& work, int count) : work_(&work), count_(count) {}

  /** Computes items until there are none left. */
  void take() {
    try {
      for (int item; (item = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) (*work_)(item);
    } catch (...) {
      if (!hasFailed_.exchange(true)) failure_ = std::current_exception();
      next_.store(count_, std::memory_order_relaxed);
    }
  }

  void help() {
    for (int seen = state_.load(std::memory_order_acquire); seen & isOpen;)
      if (state_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) {
        take();
        state_.fetch_sub(1, std::memory_order_release);
        return;
      }
  }

  /** Whoever has not come by now is not waited for; the others have at most their last item left. */
  void close() {
    state_.fetch_and(~isOpen, std::memory_order_acq_rel);
    for (int spins = 0; state_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < 20000) _mm_pause();
      else sched_yield();
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static constexpr int isOpen = 1 << 20;
  std::atomic<int> next_{0};
  /** isOpen, and how many helpers are at work. */
  std::atomic<int> state_{isOpen};
  std::atomic<bool> hasFailed_{false};
  std::exception_ptr failure_;
  const std::function<void(int)>* work_;
  const int count_;
};

/** Fewer helpers where the pool takes no more work: the rest is computed here. */
void callHelpers(int count, const std::shared_ptr<Round>& round) {
  try {
    for (int i = 0; i < count; ++i) lent->pool->Schedule([round] { round->help(); });
  } catch (...) {
  }
}
}  // namespace

int threadsLent() { return lent && lent->threads > 1 ? lent->threads : 1; }

void parallel(int count, const std::function<void(int)>& work) {
  const int threads = threadsLent();
  if (threads < 2 || count < 2) {
    for (int i = 0; i < count; ++i) work(i);
    return;
  }
  const auto round = std::make_shared<Round>(work, count);
  callHelpers((threads < count ? threads : count) - 1, round);
  round->take();
  round->close();
}

LentPool::LentPool(TF_OpKernelContext* context) {
  // Behind the C interface's context is C++'s: OpKernelContext::eigen_device<Eigen::ThreadPoolDevice>() const. Where a
  // version does not export it, one thread computes.
  typedef const EigenDevice* (*Find)(const void*);
  static const Find find = reinterpret_cast<Find>(
      dlsym(RTLD_DEFAULT, "_ZNK10tensorflow15OpKernelContext12eigen_deviceIN5Eigen16ThreadPoolDeviceEEERKT_v"));
  lent = find ? find(context) : nullptr;
}

LentPool::~LentPool() { lent = nullptr; }
}  // namespace tw
