#include "pool.h"
#include <atomic>
#include <cstdlib>
#include <linux/futex.h>
#include <memory>
#include <mutex>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <immintrin.h>
namespace tw {
// Eigen's interface as of TensorFlow 2.21: its first virtual function, and the device's first member.
// (Not in the unnamed namespace: the compiler would conclude that nobody implements it.)
struct __attribute__((visibility("default"))) EigenPool {
  virtual void Schedule(std::function<void()> work) = 0;
};
struct EigenDevice {
  EigenPool* pool;
  int threads;
};
namespace {
void wait_on(std::atomic<int>* word, int seen) {
  syscall(SYS_futex, reinterpret_cast<int*>(word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}
void wake(std::atomic<int>* word, int count) {
  syscall(SYS_futex, reinterpret_cast<int*>(word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

class Pool {
 public:
  const int threads;
  Pool() : threads(count()) {
    spin_ = std::getenv("TW_SPIN") ? std::atoi(std::getenv("TW_SPIN")) : 0;
    for (int i = 1; i < threads; ++i) std::thread([this, i] { serve(i); }).detach();
  }
  void run(int count, const std::function<void(int, int)>& work) {
    std::lock_guard<std::mutex> lock(one_);
    work_ = &work;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    state_.store(isOpen, std::memory_order_release);
    round_.fetch_add(1, std::memory_order_seq_cst);
    if (sleeping_.load() > 0) wake(&round_, threads - 1);
    take(0);
    // Whoever has not come by now is not waited for; the others have at most their last item left.
    state_.fetch_and(~isOpen, std::memory_order_acq_rel);
    for (int spins = 0; state_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < 20000) _mm_pause();
      else sched_yield();
    }
  }

 private:
  static constexpr int isOpen = 1 << 20;
  static int count() {
    const char* wanted = std::getenv("TF_NUM_INTRAOP_THREADS");
    int n = wanted ? std::atoi(wanted) : 0;
    if (n < 1) n = static_cast<int>(std::thread::hardware_concurrency());
    return n < 1 ? 1 : n > 64 ? 64 : n;
  }
  void take(int thread) {
    for (int i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) (*work_)(i, thread);
  }
  void serve(int thread) {
    int seen = 0;
    for (;;) {
      int now = round_.load(std::memory_order_acquire);
      for (int i = 0; now == seen && i < spin_; ++i) {
        _mm_pause();
        now = round_.load(std::memory_order_acquire);
      }
      while (now == seen) {
        sleeping_.fetch_add(1);
        wait_on(&round_, seen);
        sleeping_.fetch_sub(1);
        now = round_.load(std::memory_order_acquire);
      }
      seen = now;
      for (int state = state_.load(std::memory_order_acquire); state & isOpen;)
        if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) {
          take(thread);
          state_.fetch_sub(1, std::memory_order_release);
          break;
        }
    }
  }
  std::mutex one_;
  const std::function<void(int, int)>* work_ = nullptr;
  int count_ = 0, spin_ = 0;
  alignas(64) std::atomic<int> next_{0};
  alignas(64) std::atomic<int> state_{0};  // isOpen, and how many others are at work
  alignas(64) std::atomic<int> round_{0};
  alignas(64) std::atomic<int> sleeping_{0};
};
Pool& pool() {
  static Pool* made = new Pool();
  return *made;
}
thread_local EigenDevice* lent = nullptr;

/** Lives until the last helper has looked at it; helpers that come late find it closed. */
struct Round {
  std::atomic<int> next{0}, state{1 << 20};
  const std::function<void(int, int)>* work;
  int count;
  void take(int thread) {
    for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) (*work)(i, thread);
  }
};

void runLent(int count, const std::function<void(int, int)>& work) {
  constexpr int isOpen = 1 << 20;
  auto round = std::make_shared<Round>();
  round->work = &work;
  round->count = count;
  const int helpers = (lent->threads < count ? lent->threads : count) - 1;
  for (int i = 1; i <= helpers; ++i)
    lent->pool->Schedule([round, i] {
      for (int state = round->state.load(std::memory_order_acquire); state & isOpen;)
        if (round->state.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) {
          round->take(i);
          round->state.fetch_sub(1, std::memory_order_release);
          break;
        }
    });
  round->take(0);
  round->state.fetch_and(~isOpen, std::memory_order_acq_rel);
  for (int spins = 0; round->state.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < 20000) _mm_pause();
    else sched_yield();
  }
}
}  // namespace
void lendPool(void* device) { lent = static_cast<EigenDevice*>(device); }
int threads() { return pool().threads; }
void parallel(int count, const std::function<void(int, int)>& work) {
  if (count <= 0) return;
  if (lent && lent->threads > 1 && count > 1) {
    runLent(count, work);
    return;
  }
  if (lent || count == 1 || threads() == 1) {
    for (int i = 0; i < count; ++i) work(i, 0);
    return;
  }
  pool().run(count, work);
}
}  // namespace tw
