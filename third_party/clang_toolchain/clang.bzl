"""A second C++ toolchain, so that going from gcc to clang and back rebuilds nothing.

Setting CC=clang instead would replace the one detected toolchain, and with it every result in the cache.
"""

load("@bazel_tools//tools/cpp:cc_configure.bzl", "cc_autoconf_impl")

def _clang_toolchain_impl(repository_ctx):
    clang = repository_ctx.which("clang")
    if not clang:
        fail("--config=clang, asan and tsan need clang: run tools/setup test")
    cc_autoconf_impl(repository_ctx, {"gcc": str(clang)})

clang_toolchain = repository_rule(
    implementation = _clang_toolchain_impl,
    configure = True,
    environ = ["PATH"],
)
