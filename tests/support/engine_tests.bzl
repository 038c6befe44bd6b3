"""Tests of the engine's parts, linked in: a file each, also under the sanitizers."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def engine_tests(names, deps, **kwargs):
    for name in names:
        cc_test(
            name = name,
            size = "small",
            srcs = [name + ".cc"],
            linkopts = ["-pthread"],
            tags = ["sanitize"],
            deps = deps + ["@com_google_googletest//:gtest_main"],
            **kwargs
        )
