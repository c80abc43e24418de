#include "gateway/path_template.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/json_text.h"
#include "services/common/status/macros.h"

namespace dondoc::gateway {
namespace {

bool IsLiteralChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ||
         c == '~';
}

bool IsFieldPathChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
}

class TemplateParser {
 public:
  explicit TemplateParser(absl::string_view text) : text_(text) {}

  absl::StatusOr<PathTemplate> Parse() {
    if (!Take('/')) return Error("must begin with '/'");
    RETURN_IF_ERROR(Segments(/*in_variable=*/false));
    if (Take(':')) {
      result_.verb = std::string(While(IsLiteralChar));
      if (result_.verb.empty()) return Error("the verb after ':' is empty");
    }
    if (at_ != text_.size()) return Error("unexpected character");
    for (size_t i = 0; i + 1 < result_.segments.size(); ++i) {
      if (result_.segments[i].kind == PathTemplate::Kind::kRest) {
        return Error("'**' is not in the last place");
      }
    }
    return std::move(result_);
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("path template '", text_, "' at character ", at_, ": ", what));
  }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  absl::string_view While(bool (*accept)(char)) {
    const size_t first = at_;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    return text_.substr(first, at_ - first);
  }

  absl::Status Segments(bool in_variable) {
    do {
      RETURN_IF_ERROR(Segment(in_variable));
    } while (Take('/'));
    return absl::OkStatus();
  }

  absl::Status Segment(bool in_variable) {
    if (Take('{')) {
      if (in_variable) return Error("a variable inside a variable");
      return Variable();
    }
    if (Take('*')) {
      const bool rest = Take('*');
      result_.segments.push_back(
          {rest ? PathTemplate::Kind::kRest : PathTemplate::Kind::kSingle, ""});
      return absl::OkStatus();
    }
    const absl::string_view literal = While(IsLiteralChar);
    if (literal.empty()) return Error("an empty segment");
    result_.segments.push_back({PathTemplate::Kind::kLiteral, std::string(literal)});
    return absl::OkStatus();
  }

  absl::Status Variable() {
    PathTemplate::Variable variable;
    variable.field_path = std::string(While(IsFieldPathChar));
    if (variable.field_path.empty()) return Error("a variable without a name");
    for (const auto& other : result_.variables) {
      if (other.field_path == variable.field_path) return Error("a variable bound twice");
    }
    variable.first = result_.segments.size();
    if (Take('=')) {
      RETURN_IF_ERROR(Segments(/*in_variable=*/true));
    } else {
      result_.segments.push_back({PathTemplate::Kind::kSingle, ""});
    }
    variable.last = result_.segments.size();
    if (!Take('}')) return Error("'}' expected");
    result_.variables.push_back(std::move(variable));
    return absl::OkStatus();
  }

  absl::string_view text_;
  size_t at_ = 0;
  PathTemplate result_;
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

absl::StatusOr<PathTemplate> PathTemplate::Parse(absl::string_view text) {
  return TemplateParser(text).Parse();
}

absl::StatusOr<std::string> PercentDecode(absl::string_view text, bool keep_slashes,
                                          bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return absl::InvalidArgumentError("a '%' that is not followed by two hex digits");
    }
    const char c = static_cast<char>(high * 16 + low);
    if (c == '\0') return absl::InvalidArgumentError("a NUL character (%00)");
    if (c == '/' && keep_slashes) {
      out.append(text.data() + i, 3);
    } else {
      out += c;
    }
    i += 2;
  }
  if (!IsUtf8(out)) return absl::InvalidArgumentError("bytes that are not UTF-8");
  return out;
}

}  // namespace dondoc::gateway
