// What docs/options.md and mymalloc-options(7) say before the list of the options.

#ifndef MYMALLOC_TOOLS_OPTIONS_TEXT_H_
#define MYMALLOC_TOOLS_OPTIONS_TEXT_H_

namespace mymalloc {

constexpr char kOptionsIntroduction[] =
    "Set one by `MYMALLOC_<NAME>=value`, or several by `MYMALLOC_OPTIONS=name=value:name=value`; "
    "both are ignored in setuid programs. Sizes are written as `65536`, `64K`, `16M`, `1G`; "
    "limits also as `80%` of what the process may have (its cgroup's, or the machine's memory); "
    "times "
    "as `500ms`, `10s`, `2m`, or `never`; switches as `1` or `0`, `yes` or `no`, `on` or `off`; a "
    "path with a colon in it by its own variable only. An unknown name or a bad value gets a "
    "warning and is ignored. `MYMALLOC_OPTIONS=help` prints all of them, with the values in force, "
    "at the program's first `malloc`.";

}  // namespace mymalloc

#endif  // MYMALLOC_TOOLS_OPTIONS_TEXT_H_
