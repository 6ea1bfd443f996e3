#define TW_TABLE kernelsV4
#define TW_SPACE v4
#define TW_NAME "avx512"
#include "kernels.inc"
