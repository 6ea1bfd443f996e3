#define KERNEL_FAMILY avx2
#include "kernels.inc"
