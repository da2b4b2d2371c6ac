#!/usr/bin/env bash
# Runs a command with a toolchain that builds for 64-bit Arm and runs what it has built under qemu.
#
#   tools/aarch64.sh cargo test --release --target aarch64-unknown-linux-gnu
#
# Where rustup has the target's standard library, or can fetch it, that is used with a cross linker. Elsewhere, on x86-64
# Debian, Debian's compiler and its arm64 library are unpacked into
# $AARCH64_HOME (~/.cache/linchpin-aarch64): installed, that package would get in rustup's way. Needs root for apt.
#
# What it shows: the code for Arm compiles and works. What it does not: weak memory. qemu runs the threads in the host's
# order, which is stronger. That is what the models are for.
set -euo pipefail

target=aarch64-unknown-linux-gnu
home=${AARCH64_HOME:-$HOME/.cache/linchpin-aarch64}
toolchain=$home/root

install_packages() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

# The first dependency of package $1 that matches $2.
dependency() {
  apt-cache depends "$1" | awk -v pattern="$2" '$1 == "Depends:" && $2 ~ pattern { print $2; exit }'
}

unpack_debian_rust() {
  local folder library abi llvm
  folder=$(mktemp -d)
  dpkg --add-architecture arm64
  apt-get update -qq
  library=$(dependency rustc-web '^libstd-rust-web-dev$')
  abi=$(dependency "$library" '^libstd-rust-web-[0-9.]+$')
  llvm=$(dependency "$abi" '^libllvm[0-9]+$')
  (cd "$folder" && apt-get download -qq rustc-web "$library" "$library:arm64" "$abi" "$llvm")
  mkdir -p "$toolchain.new"
  for package in "$folder"/*.deb; do
    dpkg -x "$package" "$toolchain.new"
  done
  rm -rf "$folder" "$toolchain"
  mv "$toolchain.new" "$toolchain" # whole, or not at all
}

command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null || {
  apt-get update -qq
  install_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
}
rustup target add "$target" >/dev/null 2>&1 || true
if [[ ! -d $(rustc --print sysroot)/lib/rustlib/$target/lib ]]; then
  [[ -d $toolchain/usr/lib/rustlib/$target ]] || unpack_debian_rust
  export LD_LIBRARY_PATH=$toolchain/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export RUSTC=$toolchain/usr/bin/rustc RUSTDOC=$toolchain/usr/bin/rustdoc
fi
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/aarch64}
exec "$@"
