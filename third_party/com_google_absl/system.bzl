"""Abseil as libabsl-dev installs it, under upstream's target names.

The headers are on the compiler's own search path, so a target has nothing but its link options. The
archives depend on one another in many ways: all are offered to the linker as one group, and it takes
the members that are referenced. (Sixty shared objects, loaded at every start, would be the other way.)
The archives hold no position-independent code for shared objects: in a .so only the header-only
targets can be used.
"""

_ARCHIVES = [
    "bad_any_cast_impl",
    "bad_optional_access",
    "bad_variant_access",
    "base",
    "city",
    "civil_time",
    "cord",
    "cord_internal",
    "cordz_functions",
    "cordz_handle",
    "cordz_info",
    "cordz_sample_token",
    "debugging_internal",
    "demangle_internal",
    "examine_stack",
    "exponential_biased",
    "failure_signal_handler",
    "flags_commandlineflag",
    "flags_commandlineflag_internal",
    "flags_config",
    "flags_internal",
    "flags_marshalling",
    "flags_parse",
    "flags_private_handle_accessor",
    "flags_program_name",
    "flags_reflection",
    "flags_usage",
    "flags_usage_internal",
    "graphcycles_internal",
    "hash",
    "hashtablez_sampler",
    "int128",
    "leak_check",
    "log_severity",
    "low_level_hash",
    "malloc_internal",
    "periodic_sampler",
    "random_distributions",
    "random_internal_platform",
    "random_internal_pool_urbg",
    "random_internal_randen",
    "random_internal_randen_hwaes",
    "random_internal_randen_hwaes_impl",
    "random_internal_randen_slow",
    "random_internal_seed_material",
    "random_seed_gen_exception",
    "random_seed_sequences",
    "raw_hash_set",
    "raw_logging_internal",
    "spinlock_wait",
    "stacktrace",
    "status",
    "statusor",
    "str_format_internal",
    "strerror",
    "strings",
    "strings_internal",
    "symbolize",
    "synchronization",
    "throw_delegate",
    "time",
    "time_zone",
]

_LINKOPTS = (
    ["-Wl,--start-group"] +
    ["-l:libabsl_%s.a" % archive for archive in _ARCHIVES] +
    ["-Wl,--end-group", "-lpthread", "-lrt"]
)

def absl_package(compiled = [], header_only = []):
    """Declares the public targets of one package."""
    for name in compiled:
        native.cc_library(
            name = name,
            linkopts = _LINKOPTS,
            visibility = ["//visibility:public"],
        )
    for name in header_only:
        native.cc_library(
            name = name,
            visibility = ["//visibility:public"],
        )
