#include "gateway/field_value.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/json_text.h"
#include "gateway/problem.h"
#include "services/common/status/quote.h"

namespace dondoc::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status NotA(absl::string_view path, absl::string_view text, absl::string_view what) {
  return FieldError(path, absl::StrCat(Quoted(text), " is not ", what));
}

// Calls the reflection's Set or Add of one type.
#define DONDOC_PUT_(Type, value)                                 \
  do {                                                           \
    const Reflection& put_reflection = *message.GetReflection(); \
    if (field.is_repeated()) {                                   \
      put_reflection.Add##Type(&message, &field, value);         \
    } else {                                                     \
      put_reflection.Set##Type(&message, &field, value);         \
    }                                                            \
  } while (false)

Message& MutableSub(const FieldDescriptor& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? *reflection.AddMessage(&message, &field)
                             : *reflection.MutableMessage(&message, &field);
}

// Decimal digits with at most a minus in front: SimpleAtoi would also take blanks and '+'.
bool IsDecimal(absl::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  if (text.empty()) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

template <typename Integer>
bool ReadInteger(absl::string_view text, Integer& value) {
  return IsDecimal(text) && absl::SimpleAtoi(text, &value);
}

const EnumValueDescriptor* FindEnumValue(const EnumDescriptor& type, absl::string_view text) {
  for (int i = 0; i < type.value_count(); ++i) {
    if (absl::EqualsIgnoreCase(type.value(i)->name(), text)) return type.value(i);
  }
  int32_t number = 0;
  return ReadInteger(text, number) ? type.FindValueByNumber(number) : nullptr;
}

std::string EnumNames(const EnumDescriptor& type) {
  std::string names;
  for (int i = 0; i < type.value_count(); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", type.value(i)->name());
  }
  return names;
}

// "2023-11-21T09:00:00[.fraction](Z|±hh:mm)": absl reads more than RFC 3339 allows.
std::optional<absl::Time> ReadInstant(std::string text) {
  if (text.size() < 20) return std::nullopt;
  static constexpr absl::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return std::nullopt;
  }
  const size_t blank = text.find(' ');
  if (blank != std::string::npos) text[blank] = '+';
  absl::Time instant;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &instant, &error)) return std::nullopt;
  const int64_t seconds = absl::ToUnixSeconds(instant);
  constexpr int64_t kFirst = -62135596800;  // 0001-01-01: what a Timestamp can hold
  constexpr int64_t kLast = 253402300799;   // 9999-12-31
  if (seconds < kFirst || seconds > kLast) return std::nullopt;
  return instant;
}

void PutSecondsAndNanos(int64_t seconds, int32_t nanos, Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  reflection.SetInt64(&message, type.FindFieldByNumber(1), seconds);
  reflection.SetInt32(&message, type.FindFieldByNumber(2), nanos);
}

absl::Status SetTimestamp(absl::string_view path, const FieldDescriptor& field,
                          absl::string_view text, Message& message) {
  const std::optional<absl::Time> instant = ReadInstant(std::string(text));
  if (!instant) {
    return NotA(path, text, "an instant such as 2023-11-21T09:00:00+07:00 (in a query: %2B07:00)");
  }
  // A Timestamp counts nanoseconds forward from the second before it, also before 1970.
  const int64_t seconds = absl::ToUnixSeconds(*instant);
  const absl::Duration rest = *instant - absl::FromUnixSeconds(seconds);
  PutSecondsAndNanos(seconds, static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)),
                     MutableSub(field, message));
  return absl::OkStatus();
}

absl::Status SetDuration(absl::string_view path, const FieldDescriptor& field,
                         absl::string_view text, Message& message) {
  const bool negative = !text.empty() && text[0] == '-';
  absl::string_view digits = text.substr(negative ? 1 : 0);
  int64_t seconds = 0;
  int32_t nanos = 0;
  constexpr int64_t kSecondsMax = 315576000000;  // what a Duration can hold
  bool fits = !digits.empty() && digits.back() == 's';
  if (fits) {
    digits.remove_suffix(1);
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(digits, absl::MaxSplits('.', 1));
    fits = ReadInteger(parts.first, seconds) && seconds >= 0 && seconds <= kSecondsMax;
    if (fits && absl::StrContains(digits, '.')) {
      fits = parts.second.size() <= 9 &&
             ReadInteger(absl::StrCat(parts.second, std::string(9 - parts.second.size(), '0')),
                         nanos) &&
             !parts.second.empty() && parts.second[0] != '-';
    }
  }
  if (!fits) return NotA(path, text, "a duration in seconds such as 3.5s");
  PutSecondsAndNanos(negative ? -seconds : seconds, negative ? -nanos : nanos,
                     MutableSub(field, message));
  return absl::OkStatus();
}

void SetFieldMask(const FieldDescriptor& field, absl::string_view text, Message& message) {
  Message& mask = MutableSub(field, message);
  const FieldDescriptor& paths = *mask.GetDescriptor()->FindFieldByNumber(1);
  for (const absl::string_view path : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    mask.GetReflection()->AddString(&mask, &paths, std::string(path));
  }
}

const FieldDescriptor& WrappedField(const FieldDescriptor& field) {
  return *field.message_type()->FindFieldByNumber(1);
}

absl::Status SetInteger(absl::string_view path, const FieldDescriptor& field,
                        absl::string_view text, Message& message) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if (!ReadInteger(text, value)) return NotA(path, text, "a 32-bit integer");
      DONDOC_PUT_(Int32, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value = 0;
      if (!ReadInteger(text, value)) return NotA(path, text, "an unsigned 32-bit integer");
      DONDOC_PUT_(UInt32, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      if (!ReadInteger(text, value)) return NotA(path, text, "a 64-bit integer");
      DONDOC_PUT_(Int64, value);
      return absl::OkStatus();
    }
    default: {
      uint64_t value = 0;
      if (!ReadInteger(text, value)) return NotA(path, text, "an unsigned 64-bit integer");
      DONDOC_PUT_(UInt64, value);
      return absl::OkStatus();
    }
  }
}

absl::Status SetFloating(absl::string_view path, const FieldDescriptor& field,
                         absl::string_view text, Message& message) {
  double value = 0;
  if (text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    value = text[0] == '-' ? -std::numeric_limits<double>::infinity()
                           : std::numeric_limits<double>::infinity();
  } else if (text.empty() || text.find_first_not_of("+-.0123456789eE") != absl::string_view::npos ||
             !absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
    return NotA(path, text, "a number");
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    DONDOC_PUT_(Double, value);
    return absl::OkStatus();
  }
  if (std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max()) {
    return NotA(path, text, "a number that a float can hold");
  }
  DONDOC_PUT_(Float, static_cast<float>(value));
  return absl::OkStatus();
}

absl::Status SetEnum(absl::string_view path, const FieldDescriptor& field, absl::string_view text,
                     Message& message) {
  const EnumValueDescriptor* value = FindEnumValue(*field.enum_type(), text);
  if (value == nullptr) {
    return NotA(path, text, absl::StrCat("one of ", EnumNames(*field.enum_type())));
  }
  DONDOC_PUT_(Enum, value);
  return absl::OkStatus();
}

absl::Status SetText(absl::string_view path, const FieldDescriptor& field, absl::string_view text,
                     Message& message) {
  std::string value;
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    if (!absl::Base64Unescape(text, &value) && !absl::WebSafeBase64Unescape(text, &value)) {
      return NotA(path, text, "base64");
    }
  } else if (!IsUtf8(text)) {
    return FieldError(path, "bytes that are not UTF-8");
  } else {
    value = std::string(text);
  }
  DONDOC_PUT_(String, std::move(value));
  return absl::OkStatus();
}

// An integer written with a fraction or an exponent ("1e3", "10.0") as plain digits; nullopt when
// it is none, or beyond 2^53, where a double would invent digits.
std::optional<std::string> PlainInteger(absl::string_view token) {
  double value = 0;
  if (!absl::SimpleAtod(token, &value) || value != std::floor(value)) return std::nullopt;
  constexpr double kExactMax = 9007199254740992.0;
  if (std::abs(value) >= kExactMax) return std::nullopt;
  return absl::StrCat(static_cast<int64_t>(value));
}

}  // namespace

FieldForm FormOf(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return FieldForm::kScalar;
  switch (field.message_type()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return FieldForm::kMessage;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return FieldForm::kTimestamp;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return FieldForm::kDuration;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return FieldForm::kFieldMask;
    case Descriptor::WELLKNOWNTYPE_ANY:
    case Descriptor::WELLKNOWNTYPE_STRUCT:
    case Descriptor::WELLKNOWNTYPE_VALUE:
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return FieldForm::kForeign;
    default:
      return FieldForm::kWrapper;
  }
}

bool TakesBool(const FieldDescriptor& field) {
  return FormOf(field) == FieldForm::kWrapper ? TakesBool(WrappedField(field))
                                              : field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
}

absl::Status SetFromText(absl::string_view path, const FieldDescriptor& field,
                         absl::string_view text, Message& message) {
  switch (FormOf(field)) {
    case FieldForm::kTimestamp:
      return SetTimestamp(path, field, text, message);
    case FieldForm::kDuration:
      return SetDuration(path, field, text, message);
    case FieldForm::kFieldMask:
      SetFieldMask(field, text, message);
      return absl::OkStatus();
    case FieldForm::kWrapper:
      return SetFromText(path, WrappedField(field), text, MutableSub(field, message));
    case FieldForm::kMessage:
    case FieldForm::kForeign:
      return FieldError(path, "an object is expected");
    case FieldForm::kScalar:
      break;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(path, field, text, message);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(path, field, text, message);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return NotA(path, text, "true or false");
      DONDOC_PUT_(Bool, text == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return SetFloating(path, field, text, message);
    default:
      return SetInteger(path, field, text, message);
  }
}

absl::Status SetFromNumber(absl::string_view path, const FieldDescriptor& field,
                           absl::string_view token, Message& message) {
  if (FormOf(field) == FieldForm::kWrapper) {
    return SetFromNumber(path, WrappedField(field), token, MutableSub(field, message));
  }
  if (FormOf(field) != FieldForm::kScalar || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
      field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    return FieldError(
        path, absl::StrCat("a number, where ",
                           field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? "true or false"
                           : FormOf(field) == FieldForm::kMessage            ? "an object"
                                                                             : "a string",
                           " is expected"));
  }
  const bool floating = field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
                        field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT;
  if (floating || IsDecimal(token)) return SetFromText(path, field, token, message);
  const std::optional<std::string> plain = PlainInteger(token);
  return SetFromText(path, field, plain ? absl::string_view(*plain) : token, message);
}

absl::Status SetFromBool(absl::string_view path, const FieldDescriptor& field, bool value,
                         Message& message) {
  if (FormOf(field) == FieldForm::kWrapper) {
    return SetFromBool(path, WrappedField(field), value, MutableSub(field, message));
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL) {
    return FieldError(path, "true or false, where another kind of value is expected");
  }
  DONDOC_PUT_(Bool, value);
  return absl::OkStatus();
}

#undef DONDOC_PUT_

const FieldDescriptor* FindField(const Descriptor& message, absl::string_view name) {
  const std::string text(name);
  if (const FieldDescriptor* field = message.FindFieldByName(text)) return field;
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->json_name() == text) return message.field(i);
  }
  return nullptr;
}

std::vector<const FieldDescriptor*> FindFieldPath(const Descriptor& message,
                                                  absl::string_view path) {
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* at = &message;
  for (const absl::string_view step : absl::StrSplit(path, '.')) {
    if (at == nullptr) return {};
    const FieldDescriptor* field = FindField(*at, step);
    if (field == nullptr) return {};
    fields.push_back(field);
    at = FormOf(*field) == FieldForm::kMessage && !field->is_repeated() ? field->message_type()
                                                                        : nullptr;
  }
  return fields;
}

}  // namespace dondoc::gateway
