#!/usr/bin/env bash
# Builds out/tunewright_kernels.node for this processor's family (avx2, avx512 and avx512_bf16 in one) with g++ 12 or newer;
# of TensorFlow it needs the library's name only (npx node scripts/fetch-tensorflow.ts).
set -euo pipefail
cd "$(dirname "$0")"
libraries=${TUNEWRIGHT_TENSORFLOW:-$HOME/.cache/tunewright-tensorflow/2.21.0-cpu}/deps/lib
flags="-std=c++17 -O3 -fPIC -fvisibility=hidden -Wall -Wextra -Wno-ignored-attributes"
# g++ 12 takes its own headers of AVX-512 for uninitialised.
flags="$flags -Wno-uninitialized -Wno-maybe-uninitialized"
mkdir -p out
g++ $flags -mavx2 -mfma -mf16c -mbmi2 -c src/k_v3.cpp -o out/k_v3.o
g++ $flags -march=x86-64-v4 -mprefer-vector-width=512 -c src/k_v4.cpp -o out/k_v4.o
g++ $flags -march=x86-64-v4 -mavx512bf16 -mprefer-vector-width=512 -c src/k_bf16.cpp -o out/k_bf16.o
g++ $flags -c src/ops.cpp -o out/ops.o
g++ $flags -c src/pool.cpp -o out/pool.o
g++ -shared -o out/tunewright_kernels.node out/*.o -pthread -Wl,-soname,tunewright_kernels.node \
  "$libraries/libtensorflow_framework.so.2" -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -s
