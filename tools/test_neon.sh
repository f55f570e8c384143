#!/usr/bin/env bash
# Cross-builds the C core for AArch64 and runs its tests, NEON included, under qemu-user.
# Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
# Usage: tools/test_neon.sh [build directory]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build-neon}
for tool in aarch64-linux-gnu-gcc qemu-aarch64 cmake; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: $tool is not installed, so the NEON kernels cannot be tested here"
    exit 0
  fi
done
cmake -S "$root/csrc" -B "$build" -DCMAKE_BUILD_TYPE=Release -DHOTLOOP_WERROR=ON \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
  "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/aarch64-linux-gnu"
cmake --build "$build" --parallel 2
HOTLOOP_TEST_QUICK=1 ctest --test-dir "$build" --output-on-failure
