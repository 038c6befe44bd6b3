// Those of Abseil's macros that the engine uses, with the same names and meaning: for builds
// without Abseil. CMakeLists.txt puts this folder before the system's headers; a macro that is not
// here does not compile there.

#ifndef ABSL_BASE_ATTRIBUTES_H_
#define ABSL_BASE_ATTRIBUTES_H_

#define ABSL_ATTRIBUTE_ALWAYS_INLINE __attribute__((always_inline))
#define ABSL_ATTRIBUTE_NOINLINE __attribute__((noinline))
#define ABSL_ATTRIBUTE_INITIAL_EXEC __attribute__((tls_model("initial-exec")))

// Of these gcc knows nothing, or not under this name.
#if defined(__clang__)
#define ABSL_ATTRIBUTE_NO_SANITIZE_THREAD __attribute__((no_sanitize_thread))
#define ABSL_CONST_INIT [[clang::require_constant_initialization]]
#else
#define ABSL_ATTRIBUTE_NO_SANITIZE_THREAD
#define ABSL_CONST_INIT
#endif

#endif  // ABSL_BASE_ATTRIBUTES_H_
