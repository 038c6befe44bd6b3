"""A fuzz target that is a test as well.

Built as usual, it replays the corpus. With --config=fuzz it is a fuzzer, which as a test fuzzes for a short
while, starting from the corpus; tools/fuzz runs it for longer.
"""

load("@rules_cc//cc:defs.bzl", "cc_test")

# Long enough to find what a change breaks, short enough for every run of tools/test.
_SECONDS = 20

def fuzz_test(name, srcs, corpus, max_len, dictionary = [], deps = [], **kwargs):
    """Declares the target.

    Args:
      name: the target.
      srcs: they define LLVMFuzzerTestOneInput.
      corpus: the inputs worth replaying; tools/fuzz --minimise makes them.
      max_len: of the inputs that the fuzzer makes.
      dictionary: at most one file, of words for the fuzzer to try.
      deps: of the sources.
      **kwargs: passed on to cc_test.
    """
    paths = ["$(location %s)" % file for file in corpus]
    cc_test(
        name = name,
        timeout = "short",
        srcs = srcs,
        args = select({
            ":fuzzing": [
                "-max_total_time=%d" % _SECONDS,
                "-max_len=%d" % max_len,
                "-timeout=30",
                "-verbosity=0",
                "-print_final_stats=1",
                # Without a directory, what it finds is forgotten at the end.
                "-seed_inputs=" + ",".join(paths),
            ] + ["-dict=$(location %s)" % file for file in dictionary],
            "//conditions:default": paths,
        }),
        data = corpus + dictionary,
        linkopts = ["-pthread"] + select({
            ":fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = ["fuzz", "sanitize"],
        deps = deps + select({
            ":fuzzing": [],
            "//conditions:default": [":replay_main"],
        }),
        **kwargs
    )
