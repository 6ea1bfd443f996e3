#define TW_TABLE kernelsV3
#define TW_SPACE v3
#define TW_NAME "avx2"
#include "kernels.inc"
