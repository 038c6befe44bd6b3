"""How to build what ends up in libmymalloc.so, which needs libc and nothing else.

Warnings and the like are in .bazelrc: they hold for all code. CMakeLists.txt reads the lists below, an option
a line.
"""

ENGINE_COPTS = [
    # Also where another workspace, with a .bazelrc of its own, builds the engine.
    "-std=c++17",
    # No libstdc++ at run time: it costs a millisecond of every process's start.
    "-fno-exceptions",
    "-fno-rtti",
    # The guards of function-level statics are libstdc++'s, and take a lock.
    "-fno-threadsafe-statics",
    # The dynamic model's __tls_get_addr may call malloc.
    "-ftls-model=initial-exec",
    # Or our own calloc, being a malloc and a memset, is compiled into a call of calloc.
    "-fno-builtin-malloc",
    "-fno-builtin-calloc",
    "-fno-builtin-realloc",
    "-fno-builtin-free",
    # What is exported says so, and is listed in the version script.
    "-fvisibility=hidden",
]

ENGINE_LINKOPTS = [
    # The toolchain names libstdc++ and libm for every link: leave out what nothing refers to.
    "-Wl,--as-needed",
    # A reference that only the program might satisfy is an error here, unless it is weak.
    "-Wl,-z,defs",
]

# The toolchain keeps frame pointers and guards stack frames. The short ways are a dozen instructions long:
# both would show. The sanitizers' builds keep them, for their backtraces.
_OPTIMISED_COPTS = [
    "-fomit-frame-pointer",
    "-fno-stack-protector",
]

def engine_library(name, copts = [], **kwargs):
    native.cc_library(
        name = name,
        copts = ENGINE_COPTS + copts + select({
            "//tools:optimised": _OPTIMISED_COPTS,
            "//conditions:default": [],
        }),
        **kwargs
    )

def engine_sources():
    """A room's sources, for the builds in which the atomics are a model checker's, or locks are counted; and for
    the tests of what is built without Bazel."""
    native.filegroup(
        name = "sources",
        testonly = 1,
        srcs = native.glob([
            "*.cc",
            "*.h",
        ]),
        visibility = [
            "//:__pkg__",
            "//tests/interleave:__pkg__",
            "//tests/scaling:__pkg__",
        ],
    )
