// Prints the manual's pages, each from what it is about:
//
//   manual VERSION api HEADER        mymalloc(3), from the declarations and the comments of the public header
//   manual VERSION osmem HEADER      osmem(3), likewise
//   manual VERSION options           mymalloc-options(7), from the table in mymalloc/base/options.h
//   manual VERSION command COMMAND   mymalloc(1), from what COMMAND and its subcommands print for --help

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "mymalloc/base/options.h"
#include "tools/options_text.h"

namespace {

using Lines = std::vector<std::string>;

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool IsBlank(const std::string& line) { return line.find_first_not_of(' ') == std::string::npos; }

std::string WithoutIndent(const std::string& line) {
  const size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? "" : line.substr(begin);
}

void Remove(std::string* text, const std::string& part) {
  for (size_t at; (at = text->find(part)) != std::string::npos;) text->erase(at, part.size());
}

Lines SplitIntoLines(std::istream& in) {
  Lines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// ---- roff ----

// What is between backticks becomes bold.
std::string Escaped(const std::string& text) {
  std::string escaped;
  bool bold = false;
  for (const char c : text) {
    switch (c) {
      case '\\':
        escaped += "\\e";
        break;
      case '-':
        escaped += "\\-";
        break;
      case '`':
        bold = !bold;
        escaped += bold ? "\\fB" : "\\fR";
        break;
      default:
        escaped += c;
    }
  }
  const bool is_request = !text.empty() && (text[0] == '.' || text[0] == '\'');
  return is_request ? "\\&" + escaped : escaped;
}

void PrintLine(const std::string& text) { std::cout << Escaped(text) << '\n'; }

// `names`: what it tells of, by which `man` finds it.
void PrintHead(const std::string& page, int section, const std::string& version,
               const std::string& names, const std::string& summary) {
  std::cout << ".TH " << Escaped(page) << ' ' << section << " \"\" \"mymalloc " << version
            << "\"\n.nh\n.ad l\n.SH NAME\n"
            << Escaped(names) << " \\- " << Escaped(summary) << '\n';
}

void PrintAsItIs(const Lines& lines) {
  std::cout << ".PP\n.nf\n";
  for (const std::string& line : lines) PrintLine(line);
  std::cout << ".fi\n";
}

// A line that begins with "- " begins an item of a list, of which the indented lines that follow
// are, too.
void PrintParagraph(const Lines& lines) {
  bool in_item = false;
  std::cout << ".PP\n";
  for (const std::string& line : lines) {
    if (StartsWith(line, "- ")) {
      in_item = true;
      std::cout << ".IP \\(bu 2\n";
      PrintLine(line.substr(2));
      continue;
    }
    if (in_item && line[0] != ' ') {
      in_item = false;
      std::cout << ".PP\n";
    }
    PrintLine(WithoutIndent(line));
  }
}

// Paragraphs with a blank line between them; those whose lines are indented stay as they are.
void PrintText(const Lines& lines) {
  for (size_t i = 0; i < lines.size();) {
    if (IsBlank(lines[i])) {
      ++i;
      continue;
    }
    Lines paragraph;
    while (i < lines.size() && !IsBlank(lines[i])) paragraph.push_back(lines[i++]);
    if (paragraph[0][0] == ' ') {
      PrintAsItIs(paragraph);
      continue;
    }
    PrintParagraph(paragraph);
  }
}

// ---- mymalloc-options(7) ----

void PrintOption(const char* name, const char* standard, const char* hardened, const char* help) {
  std::cout << ".TP\n.B " << Escaped(name) << "\n" << Escaped(help) << ".\n(" << Escaped(standard);
  if (std::string(standard) != hardened) std::cout << "; with harden=1: " << Escaped(hardened);
  std::cout << ")\n";
}

int PrintOptions(const std::string& version) {
  PrintHead("mymalloc-options", 7, version, "mymalloc-options",
            "options of the allocator mymalloc");
  std::cout << ".SH DESCRIPTION\n";
  PrintLine(mymalloc::kOptionsIntroduction);
  std::cout << ".SH OPTIONS\nIn parentheses: the default.\n";
  mymalloc::ForEachOption(&PrintOption);
  std::cout << ".SH SEE ALSO\n.BR mymalloc (1),\n.BR mymalloc (3)\n";
  return 0;
}

// ---- mymalloc(3), osmem(3) ----

// What stands between two blank lines of a header that are not in a comment.
struct Piece {
  Lines comment;
  Lines code;
};

// `line` is one of a comment: without what makes it one.
std::string CommentText(std::string line) {
  if (StartsWith(line, "/*") || StartsWith(line, " *")) line.erase(0, 2);
  if (const size_t end = line.rfind("*/"); end != std::string::npos) line.erase(end);
  if (StartsWith(line, " ")) line.erase(0, 1);
  return IsBlank(line) ? "" : line;
}

// The macros are for the compiler only, as is what is inside of an #if but the declarations.
std::string DeclarationText(std::string line) {
  Remove(&line, " MYMALLOC_NOTHROW");
  Remove(&line, "MYMALLOC_ASK ");
  if (const size_t note = line.find(" /* NOLINT"); note != std::string::npos) line.erase(note);
  const bool is_value = StartsWith(line, "#define ") && line.find(' ', 8) != std::string::npos;
  const bool is_for_compiler = StartsWith(line, "#") && !is_value;
  const bool is_of_a_macro =
      StartsWith(line, "#define MYMALLOC_NOTHROW") || StartsWith(line, "#define MYMALLOC_ASK");
  const bool is_linkage = StartsWith(line, "extern \"C\"") || StartsWith(line, "} /*");
  return is_for_compiler || is_of_a_macro || is_linkage ? "" : line;
}

std::vector<Piece> PiecesOf(const Lines& lines) {
  std::vector<Piece> pieces(1);
  bool in_comment = false;
  for (const std::string& line : lines) {
    if (StartsWith(line, "/* NOLINT") || StartsWith(line, "/* clang-format")) continue;
    if (in_comment || StartsWith(line, "/*")) {
      // A comment begins a piece, unless it follows the code of one that has none yet.
      if (!in_comment && !pieces.back().code.empty()) pieces.emplace_back();
      pieces.back().comment.push_back(CommentText(line));
      in_comment = line.find("*/") == std::string::npos;
    } else if (IsBlank(line)) {
      pieces.emplace_back();
    } else if (const std::string code = DeclarationText(line); !code.empty()) {
      pieces.back().code.push_back(code);
    }
  }
  return pieces;
}

// "---- Misuse ----" begins a section.
bool TakeHeading(Lines* comment, std::string* heading) {
  if (comment->empty() || !StartsWith(comment->front(), "---- ")) return false;
  *heading = comment->front().substr(5);
  Remove(heading, " ----");
  comment->erase(comment->begin());
  return true;
}

bool ReadHeader(const std::string& header, Lines* lines) {
  std::ifstream in(header);
  *lines = SplitIntoLines(in);
  if (lines->empty()) std::cerr << "manual: there is nothing in " << header << '\n';
  return !lines->empty();
}

void PrintDeclarations(const Lines& header) {
  for (Piece& piece : PiecesOf(header)) {
    if (std::string heading; TakeHeading(&piece.comment, &heading)) {
      std::cout << ".SS " << Escaped(heading) << '\n';
    }
    if (!piece.code.empty()) PrintAsItIs(piece.code);
    PrintText(piece.comment);
  }
}

int PrintApi(const std::string& version, const std::string& header) {
  Lines lines;
  if (!ReadHeader(header, &lines)) return 1;
  PrintHead("mymalloc", 3, version, "mymalloc", "what a program may ask of the allocator mymalloc");
  std::cout << ".SH LIBRARY\n.B \\-lmymalloc\nor preloaded;\n.B \\-lmymalloc_prefixed\nbeside "
               "libc's malloc\n"
               ".SH SYNOPSIS\n.B #include <mymalloc/mymalloc.h>\n.SH DESCRIPTION\n";
  PrintDeclarations(lines);
  std::cout << ".SH SEE ALSO\n.BR malloc (3),\n.BR osmem (3),\n.BR mymalloc\\-options (7)\n";
  return 0;
}

int PrintOsmem(const std::string& version, const std::string& header) {
  Lines lines;
  if (!ReadHeader(header, &lines)) return 1;
  PrintHead("osmem", 3, version, "osmem, os_malloc, os_calloc, os_realloc, os_free",
            "an allocator to learn by, on the engine of mymalloc");
  std::cout << ".SH LIBRARY\n.B \\-losmem\n"
               ".SH SYNOPSIS\n.B #include <mymalloc/osmem.h>\n.SH DESCRIPTION\n";
  PrintDeclarations(lines);
  std::cout << ".SH SEE ALSO\n.BR malloc (3),\n.BR mymalloc (3),\n.BR mymalloc\\-options (7)\n";
  return 0;
}

// ---- mymalloc(1) ----

Lines HelpOf(const std::string& command) {
  std::FILE* const pipe = popen((command + " --help").c_str(), "r");
  std::string output;
  for (int c; pipe != nullptr && (c = std::getc(pipe)) != EOF;) output += static_cast<char>(c);
  if (pipe == nullptr || pclose(pipe) != 0 || output.empty()) {
    std::cerr << "manual: " << command << " --help failed\n";
    std::exit(1);
  }
  std::istringstream in(output);
  return SplitIntoLines(in);
}

// "  --flag" and, deeper, what it does.
void PrintHelp(const Lines& help) {
  Lines text;
  for (size_t i = 1; i < help.size(); ++i) {  // The first is the usage.
    if (!StartsWith(help[i], "  --")) {
      text.push_back(help[i]);
      continue;
    }
    PrintText(text);
    text.clear();
    std::cout << ".TP\n.B " << Escaped(WithoutIndent(help[i])) << '\n';
    while (i + 1 < help.size() && StartsWith(help[i + 1], "      "))
      PrintLine(WithoutIndent(help[++i]));
  }
  PrintText(text);
}

// "usage: mymalloc ..."
std::string UsageOf(const Lines& help) { return help[0].substr(help[0].find(' ') + 1); }

int PrintCommand(const std::string& version, const std::string& command) {
  const Lines help = HelpOf(command);
  Lines names;
  for (const std::string& line : help) {
    if (StartsWith(line, "  "))
      names.push_back(WithoutIndent(line).substr(0, WithoutIndent(line).find(' ')));
  }
  PrintHead("mymalloc", 1, version, "mymalloc",
            "what one does with the allocator mymalloc besides preloading it");
  std::cout << ".SH SYNOPSIS\n";
  PrintLine(UsageOf(help));
  std::cout << ".SH DESCRIPTION\n";
  PrintHelp(help);
  for (const std::string& name : names) {
    const Lines its_help = HelpOf(command + " " + name);
    std::cout << ".SH MYMALLOC " << Escaped(name) << "\n.B " << Escaped(UsageOf(its_help)) << '\n';
    PrintHelp(its_help);
  }
  std::cout
      << ".SH SEE ALSO\n.BR mymalloc\\-run (1),\n.BR mymalloc (3),\n.BR mymalloc\\-options (7)\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[1] == "options") return PrintOptions(arguments[0]);
  if (arguments.size() == 3 && arguments[1] == "api") return PrintApi(arguments[0], arguments[2]);
  if (arguments.size() == 3 && arguments[1] == "osmem")
    return PrintOsmem(arguments[0], arguments[2]);
  if (arguments.size() == 3 && arguments[1] == "command")
    return PrintCommand(arguments[0], arguments[2]);
  std::cerr << "usage: manual VERSION options | api HEADER | osmem HEADER | command COMMAND\n";
  return 2;
}
