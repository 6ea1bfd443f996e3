// Work in parts, on the threads that TensorFlow computes on.
#pragma once
#include <functional>
namespace tw {
/** Calls `work(item)` for items 0..count-1, each once, on the lent pool's threads; returns when all are done. */
void parallel(int count, const std::function<void(int item)>& work);
/** TensorFlow's device of the operator that this thread computes (Eigen::ThreadPoolDevice); null: one thread computes. */
void lendPool(void* eigenThreadPoolDevice);
}
