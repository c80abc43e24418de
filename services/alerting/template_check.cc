#include "services/alerting/template_check.h"

#include <algorithm>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/alerting/templates/templates.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

struct Tag {
  char sigil = 0;  // '#', '^', '/', '!', '&', '{', or 0 for a value
  std::string name;
  size_t at = 0;  // its byte
};

absl::Status Refuse(size_t at, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("source: byte ", at, ": ", why));
}

absl::StatusOr<std::vector<Tag>> ReadTags(absl::string_view source) {
  std::vector<Tag> tags;
  size_t at = 0;
  while ((at = source.find("{{", at)) != absl::string_view::npos) {
    Tag tag;
    tag.at = at;
    const bool triple = absl::StartsWith(source.substr(at), "{{{");
    const absl::string_view close = triple ? "}}}" : "}}";
    const size_t begin = at + close.size();
    const size_t end = source.find(close, begin);
    if (end == absl::string_view::npos) return Refuse(at, "a tag that does not end");
    absl::string_view inner = absl::StripAsciiWhitespace(source.substr(begin, end - begin));
    if (triple) {
      tag.sigil = '{';
    } else if (!inner.empty() && absl::StrContains("#^/!&>=", inner[0])) {
      tag.sigil = inner[0];
      inner = absl::StripAsciiWhitespace(inner.substr(1));
    }
    tag.name = std::string(inner);
    tags.push_back(tag);
    at = end + close.size();
  }
  return tags;
}

absl::Status CheckTag(const Tag& tag, bool html, const std::vector<std::string>& known,
                      std::vector<std::string>& open) {
  switch (tag.sigil) {
    case '!':
      return absl::OkStatus();
    case '>':
      return Refuse(tag.at, "partials are not taken");
    case '=':
      return Refuse(tag.at, "other delimiters are not taken");
    case '&':
    case '{':
      if (html) return Refuse(tag.at, "an unescaped value in HTML");
      break;
    default:
      break;
  }
  if (!absl::c_binary_search(known, tag.name)) {
    return Refuse(tag.at,
                  absl::StrCat(Quoted(tag.name), " is not one of ", absl::StrJoin(known, ", ")));
  }
  if (tag.sigil == '#' || tag.sigil == '^') {
    if (absl::c_linear_search(open, tag.name)) {
      return Refuse(tag.at, absl::StrCat("section ", Quoted(tag.name), " inside itself"));
    }
    open.push_back(tag.name);
  } else if (tag.sigil == '/') {
    if (open.empty() || open.back() != tag.name) {
      return Refuse(tag.at, absl::StrCat("section ", Quoted(tag.name), " ends but is not open"));
    }
    open.pop_back();
  }
  return absl::OkStatus();
}

// No overlong forms or surrogates can reach the reader's screen as something else.
bool IsUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t size = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
    if (size == 0 || i + size > text.size()) return false;
    for (size_t k = 1; k < size; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += size;
  }
  return true;
}

}  // namespace

std::vector<std::string> TemplateVariables(absl::string_view family) {
  std::set<std::string> names;
  for (const BuiltInTemplate& built_in : BuiltInTemplates()) {
    if (!absl::StartsWith(built_in.name, absl::StrCat(family, "."))) continue;
    const auto tags = ReadTags(built_in.source);
    if (!tags.ok()) continue;
    for (const Tag& tag : *tags) names.insert(tag.name);
  }
  return {names.begin(), names.end()};
}

absl::Status CheckTemplate(absl::string_view name, absl::string_view source) {
  const bool ours = absl::c_any_of(BuiltInTemplates(),
                                   [name](const BuiltInTemplate& one) { return one.name == name; });
  if (!ours) return absl::NotFoundError(absl::StrCat("no template ", Quoted(name)));
  if (source.size() > kTemplateBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("source: ", source.size(), " bytes, limit ", kTemplateBytesMax));
  }
  if (absl::StripAsciiWhitespace(source).empty()) {
    return absl::InvalidArgumentError("source: empty");
  }
  if (!IsUtf8(source) || absl::StrContains(source, absl::string_view("\0", 1))) {
    return absl::InvalidArgumentError("source: not UTF-8 text");
  }
  const std::vector<std::string> known = TemplateVariables(name.substr(0, name.find('.')));
  ASSIGN_OR_RETURN(const std::vector<Tag> tags, ReadTags(source));
  std::vector<std::string> open;
  for (const Tag& tag : tags) {
    RETURN_IF_ERROR(CheckTag(tag, absl::EndsWith(name, ".html"), known, open));
  }
  if (open.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("source: section ", Quoted(open.back()), " does not end"));
}

}  // namespace dondoc::alerting
