#include "gateway/query.h"

#include <cstddef>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/field_value.h"
#include "gateway/path_template.h"
#include "gateway/problem.h"
#include "services/common/status/macros.h"

namespace dondoc::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The proto spelling of the path, whichever spelling the caller used.
std::string CanonicalPath(const std::vector<const FieldDescriptor*>& fields) {
  std::string path;
  for (const FieldDescriptor* field : fields) {
    absl::StrAppend(&path, path.empty() ? "" : ".", field->name());
  }
  return path;
}

// Whether one of the two paths is the other or contains it.
bool Overlaps(absl::string_view a, absl::string_view b) {
  return a == b || absl::StartsWith(a, absl::StrCat(b, ".")) ||
         absl::StartsWith(b, absl::StrCat(a, "."));
}

absl::Status BindOne(absl::string_view name, absl::string_view value,
                     absl::Span<const std::string> bound, std::set<std::string>& seen,
                     Message& message) {
  const auto fields = FindFieldPath(*message.GetDescriptor(), name);
  if (fields.empty()) return FieldError(name, "unknown query field");
  const std::string path = CanonicalPath(fields);
  for (const std::string& other : bound) {
    if (Overlaps(path, other)) {
      return FieldError(path, "is set by the path or the body already, not by the query");
    }
  }
  const FieldDescriptor& field = *fields.back();
  if (FormOf(field) == FieldForm::kMessage || FormOf(field) == FieldForm::kForeign) {
    return FieldError(path, "is an object: a query sets its fields one by one, if at all");
  }
  if (!field.is_repeated() && !seen.insert(path).second) {
    return FieldError(path, "given twice, but it takes one value");
  }
  Message& owner = Descend(fields, message);
  if (const auto* oneof = field.real_containing_oneof();
      oneof != nullptr && owner.GetReflection()->HasOneof(owner, oneof)) {
    return FieldError(path, absl::StrCat("only one field of ", oneof->name(), " can be set"));
  }
  return SetFromText(path, field, value, owner);
}

}  // namespace

Message& Descend(const std::vector<const FieldDescriptor*>& fields, Message& message) {
  Message* at = &message;
  for (size_t i = 0; i + 1 < fields.size(); ++i) {
    at = at->GetReflection()->MutableMessage(at, fields[i]);
  }
  return *at;
}

absl::Status BindQuery(absl::string_view query, absl::Span<const std::string> bound,
                       Message& message) {
  std::set<std::string> seen;
  for (const absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    const auto name = PercentDecode(parts.first, /*keep_slashes=*/false, /*plus_is_space=*/true);
    if (!name.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a name in the query has ", name.status().message()));
    }
    const auto value = PercentDecode(parts.second, /*keep_slashes=*/false, /*plus_is_space=*/true);
    if (!value.ok()) return FieldError(*name, absl::StrCat("has ", value.status().message()));
    RETURN_IF_ERROR(BindOne(*name, *value, bound, seen, message));
  }
  return absl::OkStatus();
}

}  // namespace dondoc::gateway
