# Writes the page of `mymalloc map`, with its style and scripts in their places, as the text of a function.
#   cmake -Dhtml=FILE -Dstyle=FILE -Dscripts=FILE;FILE -Dout=FILE -P packaging/embed_page.cmake
file(READ ${html} page)
file(READ ${style} style_text)
set(script_text)
foreach(script IN LISTS scripts)
  file(READ ${script} text)
  string(APPEND script_text "${text}")
endforeach()
string(REPLACE "@STYLE@\n" "${style_text}" page "${page}")
string(REPLACE "@SCRIPT@\n" "${script_text}" page "${page}")
file(WRITE ${out} "#include \"tools/command/map_page_template.h\"
namespace mymalloc::command {
absl::string_view MapPageTemplate() {
  return R\"~~~(${page})~~~\";
}
}  // namespace mymalloc::command
")
