// A few threads of our own: the caller takes part, the others sleep between calls.
#pragma once
#include <functional>
namespace tw {
/** Calls `work(item, thread)` for items 0..count-1, each once, on up to `threads()` threads; returns when all are done. */
void parallel(int count, const std::function<void(int item, int thread)>& work);
int threads();
/** TensorFlow's own pool of this thread's operator, or null for ours. */
void lendPool(void* eigenThreadPoolDevice);
}
