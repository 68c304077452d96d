# shellcheck shell=bash
# Sourced by fetch, build and boot: where things are, and how to complain.

kernel_patch=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${WEIR_KERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-kernel}
# shellcheck disable=SC2034  # used by those who source this file
read -r package base_version <"$kernel_patch/BASE"
mkdir -p "$cache"

say() { echo "kernel-patch: $*" >&2; }
die() {
    say "$@"
    exit 1
}
