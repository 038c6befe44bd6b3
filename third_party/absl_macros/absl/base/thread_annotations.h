// As attributes.h: what clang's -Wthread-safety looks at. gcc knows none of them.

#ifndef ABSL_BASE_THREAD_ANNOTATIONS_H_
#define ABSL_BASE_THREAD_ANNOTATIONS_H_

#if defined(__clang__)
#define ABSL_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ABSL_THREAD_ANNOTATION(x)
#endif

#define ABSL_LOCKABLE ABSL_THREAD_ANNOTATION(lockable)
#define ABSL_SCOPED_LOCKABLE ABSL_THREAD_ANNOTATION(scoped_lockable)
#define ABSL_GUARDED_BY(x) ABSL_THREAD_ANNOTATION(guarded_by(x))
#define ABSL_ACQUIRED_AFTER(...) ABSL_THREAD_ANNOTATION(acquired_after(__VA_ARGS__))
#define ABSL_ACQUIRED_BEFORE(...) ABSL_THREAD_ANNOTATION(acquired_before(__VA_ARGS__))
#define ABSL_LOCK_RETURNED(x) ABSL_THREAD_ANNOTATION(lock_returned(x))
#define ABSL_EXCLUSIVE_LOCKS_REQUIRED(...) \
  ABSL_THREAD_ANNOTATION(exclusive_locks_required(__VA_ARGS__))
#define ABSL_EXCLUSIVE_LOCK_FUNCTION(...) \
  ABSL_THREAD_ANNOTATION(exclusive_lock_function(__VA_ARGS__))
#define ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(...) \
  ABSL_THREAD_ANNOTATION(exclusive_trylock_function(__VA_ARGS__))
#define ABSL_UNLOCK_FUNCTION(...) ABSL_THREAD_ANNOTATION(unlock_function(__VA_ARGS__))
#define ABSL_NO_THREAD_SAFETY_ANALYSIS ABSL_THREAD_ANNOTATION(no_thread_safety_analysis)

#endif  // ABSL_BASE_THREAD_ANNOTATIONS_H_
