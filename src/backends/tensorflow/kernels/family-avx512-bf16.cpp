#define TW_TABLE kernelsBf16
#define TW_SPACE bf16
#define TW_NAME "avx512_bf16"
#include "kernels.inc"
