"""A GoogleTest that runs with the library preloaded into itself."""

load("@rules_cc//cc:defs.bzl", "cc_test")

# The calls under test are to be made, not optimised away.
NO_BUILTIN = ["-fno-builtin"]

def preload_test(name, srcs, deps = [], data = [], copts = [], **kwargs):
    cc_test(
        name = name,
        srcs = srcs,
        copts = NO_BUILTIN + copts,
        data = ["//:libmymalloc.so"] + data,
        deps = [
            "//tests/support:preload_main",
            "@com_google_googletest//:gtest",
        ] + deps,
        **kwargs
    )
