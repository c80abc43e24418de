#include "gateway/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/field_value.h"
#include "gateway/json_text.h"

namespace dondoc::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Fraction of a second as proto3 JSON writes it: none, or 3, 6 or 9 digits.
void AppendFraction(int32_t nanos, std::string& out) {
  if (nanos == 0) return;
  if (nanos % 1000000 == 0) {
    absl::StrAppendFormat(&out, ".%03d", nanos / 1000000);
  } else if (nanos % 1000 == 0) {
    absl::StrAppendFormat(&out, ".%06d", nanos / 1000);
  } else {
    absl::StrAppendFormat(&out, ".%09d", nanos);
  }
}

std::pair<int64_t, int32_t> SecondsAndNanos(const Message& message) {
  const auto& type = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  return {reflection.GetInt64(message, type.FindFieldByNumber(1)),
          reflection.GetInt32(message, type.FindFieldByNumber(2))};
}

void WriteTimestamp(const Message& message, std::string& out) {
  const auto [seconds, nanos] = SecondsAndNanos(message);
  const absl::CivilSecond civil =
      absl::ToCivilSecond(absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
  absl::StrAppendFormat(&out, "\"%04d-%02d-%02dT%02d:%02d:%02d", civil.year(), civil.month(),
                        civil.day(), civil.hour(), civil.minute(), civil.second());
  AppendFraction(nanos, out);
  out += "Z\"";
}

void WriteDuration(const Message& message, std::string& out) {
  const auto [seconds, nanos] = SecondsAndNanos(message);
  const bool negative = seconds < 0 || nanos < 0;
  absl::StrAppend(&out, negative ? "\"-" : "\"", std::abs(seconds));
  AppendFraction(std::abs(nanos), out);
  out += "s\"";
}

void WriteFieldMask(const Message& message, std::string& out) {
  const FieldDescriptor& paths = *message.GetDescriptor()->FindFieldByNumber(1);
  const Reflection& reflection = *message.GetReflection();
  std::string text;
  for (int i = 0; i < reflection.FieldSize(message, &paths); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", reflection.GetRepeatedString(message, &paths, i));
  }
  AppendJsonString(text, out);
}

template <typename Floating>
void WriteFloating(Floating value, std::string& out) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  } else {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end.ptr);
  }
}

void WriteSub(const FieldDescriptor& field, const Message& sub, std::string& out) {
  switch (FormOf(field)) {
    case FieldForm::kTimestamp:
      WriteTimestamp(sub, out);
      return;
    case FieldForm::kDuration:
      WriteDuration(sub, out);
      return;
    case FieldForm::kFieldMask:
      WriteFieldMask(sub, out);
      return;
    case FieldForm::kWrapper:
      WriteJsonField(sub, *sub.GetDescriptor()->FindFieldByNumber(1), out);
      return;
    default:
      WriteJson(sub, out);
  }
}

void WriteText(const FieldDescriptor& field, const std::string& text, std::string& out) {
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    absl::StrAppend(&out, "\"", absl::Base64Escape(text), "\"");
  } else {
    AppendJsonString(text, out);
  }
}

void WriteEnum(const FieldDescriptor& field, int number, std::string& out) {
  const auto* value = field.enum_type()->FindValueByNumber(number);
  // A number newer than our contract still reaches the caller.
  if (value == nullptr) {
    absl::StrAppend(&out, number);
  } else {
    absl::StrAppend(&out, "\"", value->name(), "\"");
  }
}

// Value `index` of a repeated field, or the single value when `index` < 0.
void WriteValue(const Message& message, const FieldDescriptor& field, int index, std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = index >= 0;
#define DONDOC_GET_(Type)                                          \
  (repeated ? reflection.GetRepeated##Type(message, &field, index) \
            : reflection.Get##Type(message, &field))
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      absl::StrAppend(&out, DONDOC_GET_(Int32));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      absl::StrAppend(&out, DONDOC_GET_(UInt32));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      absl::StrAppend(&out, "\"", DONDOC_GET_(Int64), "\"");
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      absl::StrAppend(&out, "\"", DONDOC_GET_(UInt64), "\"");
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      WriteFloating(DONDOC_GET_(Double), out);
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      WriteFloating(DONDOC_GET_(Float), out);
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      out += DONDOC_GET_(Bool) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      WriteEnum(field, DONDOC_GET_(EnumValue), out);
      return;
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      WriteText(field,
                repeated ? reflection.GetRepeatedStringReference(message, &field, index, &scratch)
                         : reflection.GetStringReference(message, &field, &scratch),
                out);
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      WriteSub(field, DONDOC_GET_(Message), out);
      return;
  }
#undef DONDOC_GET_
}

void WriteMap(const Message& message, const FieldDescriptor& field, std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  // Sorted, so that the same message is the same text.
  std::vector<std::pair<std::string, const Message*>> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    std::string name;
    WriteValue(entry, key, -1, name);
    if (name[0] != '"') name = absl::StrCat("\"", name, "\"");
    entries.emplace_back(std::move(name), &entry);
  }
  std::sort(entries.begin(), entries.end());
  out += '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ",", entries[i].first, ":");
    WriteValue(*entries[i].second, value, -1, out);
  }
  out += '}';
}

}  // namespace

void WriteJsonField(const Message& message, const FieldDescriptor& field, std::string& out) {
  if (field.is_map()) {
    WriteMap(message, field, out);
    return;
  }
  if (!field.is_repeated()) {
    WriteValue(message, field, -1, out);
    return;
  }
  const int size = message.GetReflection()->FieldSize(message, &field);
  out += '[';
  for (int i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    WriteValue(message, field, i, out);
  }
  out += ']';
}

void WriteJson(const Message& message, std::string& out) {
  const auto& type = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  bool first = true;
  out += '{';
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.has_presence() && !reflection.HasField(message, &field)) continue;
    absl::StrAppend(&out, first ? "\"" : ",\"", field.name(), "\":");
    first = false;
    WriteJsonField(message, field, out);
  }
  out += '}';
}

}  // namespace dondoc::gateway
