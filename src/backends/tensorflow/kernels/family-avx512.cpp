#define KERNEL_FAMILY avx512
#include "kernels.inc"
