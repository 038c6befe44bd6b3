"""A second C++ toolchain, so that going from gcc to clang and back rebuilds nothing.

Setting CC=clang instead would replace the one detected toolchain, and with it every result in the cache.
"""

load("@bazel_tools//tools/cpp:cc_configure.bzl", "cc_autoconf_impl")

def _clang_toolchain_impl(repository_ctx):
    clang = repository_ctx.which("clang")
    if not clang:
        fail("--config=clang, asan and tsan need clang: run tools/setup test")

    # The toolchain lists the headers that are there when it is set up, and the layering check takes any
    # other for one that nobody exports: reading the list of packages sets it up anew when that changes.
    repository_ctx.read(Label("//tools:packages"))
    cc_autoconf_impl(repository_ctx, {"gcc": str(clang)})

clang_toolchain = repository_rule(
    implementation = _clang_toolchain_impl,
    configure = True,
    environ = ["PATH"],
)
