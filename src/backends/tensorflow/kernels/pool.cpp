#include "pool.h"
#include <immintrin.h>
#include <sched.h>
#include <atomic>
#include <memory>
namespace tw {
// Eigen's interface as of TensorFlow 2.21: its first virtual function, and the device's first members.
// (Not in the unnamed namespace: the compiler would conclude that nobody implements it.)
struct __attribute__((visibility("default"))) EigenPool {
  virtual void Schedule(std::function<void()> work) = 0;
};
struct EigenDevice {
  EigenPool* pool;
  int threads;
};
namespace {
thread_local EigenDevice* lent = nullptr;

/** Lives until the last helper has looked at it; helpers that come late find it closed. */
struct Round {
  static constexpr int isOpen = 1 << 20;
  std::atomic<int> next{0};
  /** isOpen, and how many helpers are at work. */
  std::atomic<int> state{isOpen};
  const std::function<void(int)>* work;
  int count;
  void take() {
    for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) (*work)(i);
  }
  void help() {
    for (int seen = state.load(std::memory_order_acquire); seen & isOpen;)
      if (state.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) {
        take();
        state.fetch_sub(1, std::memory_order_release);
        return;
      }
  }
  /** Whoever has not come by now is not waited for; the others have at most their last item left. */
  void close() {
    state.fetch_and(~isOpen, std::memory_order_acq_rel);
    for (int spins = 0; state.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < 20000) _mm_pause();
      else sched_yield();
    }
  }
};
}  // namespace

void lendPool(void* device) { lent = static_cast<EigenDevice*>(device); }

void parallel(int count, const std::function<void(int)>& work) {
  const int threads = lent ? lent->threads : 1;
  if (threads < 2 || count < 2) {
    for (int i = 0; i < count; ++i) work(i);
    return;
  }
  auto round = std::make_shared<Round>();
  round->work = &work;
  round->count = count;
  const int helpers = (threads < count ? threads : count) - 1;
  for (int i = 0; i < helpers; ++i) lent->pool->Schedule([round] { round->help(); });
  round->take();
  round->close();
}
}  // namespace tw
