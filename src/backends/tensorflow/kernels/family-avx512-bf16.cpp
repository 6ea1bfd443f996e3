#define KERNEL_FAMILY avx512_bf16
#include "kernels.inc"
