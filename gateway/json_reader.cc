#include "gateway/json_reader.h"

#include <boost/json/basic_parser_impl.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/field_value.h"
#include "gateway/problem.h"

namespace dondoc::gateway {
namespace {

namespace json = boost::json;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Builds the message from the parser's events. The stack holds one frame per open object or array.
class Builder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  Builder(const FieldDescriptor* field, Message& message) : root_(message) {
    if (field != nullptr) stack_.push_back({Kind::kField, &message, field});
  }
  const absl::Status& status() const { return status_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  bool on_object_begin(json::error_code& error) {
    if (stack_.empty()) {
      stack_.push_back({Kind::kMessage, &root_, nullptr});
      return true;
    }
    Frame& top = stack_.back();
    const FieldDescriptor& field = *top.field;
    if (field.is_map() && (top.kind == Kind::kMessage || top.kind == Kind::kField)) {
      stack_.push_back({Kind::kMap, top.message, &field});
      return true;
    }
    const FieldDescriptor& value = ValueField(top);
    if (TakesArray(top) || FormOf(value) != FieldForm::kMessage) {
      return Fail(error, absl::StrCat("an object, where ", Expected(top), " is expected"));
    }
    if (!CheckOneof(top, error)) return false;
    Message& owner = Owner(top);
    Message* sub = value.is_repeated() ? owner.GetReflection()->AddMessage(&owner, &value)
                                       : owner.GetReflection()->MutableMessage(&owner, &value);
    stack_.push_back({Kind::kMessage, sub, nullptr});
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    stack_.pop_back();
    ValueDone();
    return true;
  }
  bool on_array_begin(json::error_code& error) {
    if (stack_.empty()) return Fail(error, "an array, where an object is expected");
    Frame& top = stack_.back();
    if (!TakesArray(top)) {
      return Fail(error, absl::StrCat("an array, where ", Expected(top), " is expected"));
    }
    stack_.push_back({Kind::kArray, top.message, top.field});
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    stack_.pop_back();
    ValueDone();
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    text_.append(part.data(), part.size());
    const std::string name = TakeText();
    Frame& top = stack_.back();
    return top.kind == Kind::kMap ? MapKey(top, name, error) : FieldName(top, name, error);
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& error) {
    text_.append(part.data(), part.size());
    const std::string text = TakeText();
    if (!BeforeScalar("a string", error)) return false;
    Frame& top = stack_.back();
    if (TakesBool(ValueField(top))) {
      return Fail(error, "a string, where true or false is expected");
    }
    return Scalar(SetFromText(Path(), ValueField(top), text, Owner(top)), error);
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(int64_t, json::string_view part, json::error_code& error) {
    return Number(part, error);
  }
  bool on_uint64(uint64_t, json::string_view part, json::error_code& error) {
    return Number(part, error);
  }
  bool on_double(double, json::string_view part, json::error_code& error) {
    return Number(part, error);
  }
  bool on_bool(bool value, json::error_code& error) {
    if (!BeforeScalar(value ? "true" : "false", error)) return false;
    Frame& top = stack_.back();
    return Scalar(SetFromBool(Path(), ValueField(top), value, Owner(top)), error);
  }
  bool on_null(json::error_code& error) {
    if (stack_.empty()) return Fail(error, "null, where an object is expected");
    const Kind kind = stack_.back().kind;
    if (kind == Kind::kArray || kind == Kind::kMap) {
      return Fail(error, "null in a list or map");
    }
    ValueDone();
    return true;
  }

 private:
  enum class Kind {
    kMessage,  // an object that is a message; `field` is the one whose value comes next
    kArray,    // a list: the values of `field` of `message`
    kMap,      // an object that is the map `field` of `message`
    kField,    // the document itself is the value of `field`
  };
  struct Frame {
    Kind kind;
    Message* message;
    const FieldDescriptor* field;
    std::size_t index = 0;                            // kArray: of the value that comes next
    Message* entry = nullptr;                         // kMap: the entry whose value comes next
    std::string key = {};                             // kMap
    std::unordered_set<std::string> keys = {};        // kMap: seen
    std::vector<const FieldDescriptor*> fields = {};  // kMessage: seen
  };

  static bool TakesArray(const Frame& frame) {
    return (frame.kind == Kind::kMessage || frame.kind == Kind::kField) &&
           frame.field->is_repeated() && !frame.field->is_map();
  }
  static const FieldDescriptor& ValueField(const Frame& frame) {
    return frame.kind == Kind::kMap ? *frame.field->message_type()->map_value() : *frame.field;
  }
  static Message& Owner(const Frame& frame) {
    return frame.kind == Kind::kMap ? *frame.entry : *frame.message;
  }
  static std::string Expected(const Frame& frame) {
    if (TakesArray(frame)) return "an array";
    const FieldDescriptor& field = ValueField(frame);
    if (field.is_map() || FormOf(field) == FieldForm::kMessage) return "an object";
    if (TakesBool(field)) return "true or false";
    return "a single value";
  }

  std::string TakeText() {
    std::string text = std::move(text_);
    text_.clear();
    return text;
  }

  // The path of the value that is being read: "dossiers[2].code", "" for the document.
  std::string Path() const {
    std::string path;
    for (const Frame& frame : stack_) {
      if (frame.field == nullptr) continue;
      if (frame.kind == Kind::kArray) {
        absl::StrAppend(&path, "[", frame.index, "]");
      } else if (frame.kind == Kind::kMap) {
        absl::StrAppend(&path, "[", frame.key, "]");
      } else {
        absl::StrAppend(&path, path.empty() ? "" : ".", frame.field->name());
      }
    }
    return path;
  }

  bool Fail(json::error_code& error, absl::string_view what) {
    const std::string path = Path();
    return FailWith(error, path.empty() ? absl::InvalidArgumentError(absl::StrCat(
                                              "the body is not as it should be: ", what))
                                        : FieldError(path, what));
  }
  bool FailWith(json::error_code& error, absl::Status status) {
    status_ = std::move(status);
    error = json::error::syntax;  // any: only stops the parser, status_ is what is reported
    return false;
  }

  bool FieldName(Frame& top, const std::string& name, json::error_code& error) {
    top.field = nullptr;
    const FieldDescriptor* field = FindField(*top.message->GetDescriptor(), name);
    if (field == nullptr) {
      const std::string path = Path();
      return FailWith(
          error, FieldError(absl::StrCat(path, path.empty() ? "" : ".", name), "unknown field"));
    }
    top.field = field;
    for (const FieldDescriptor* seen : top.fields) {
      if (seen == field) return Fail(error, "given twice");
    }
    top.fields.push_back(field);
    return true;
  }

  bool MapKey(Frame& top, const std::string& name, json::error_code& error) {
    top.key = name;
    if (!top.keys.insert(name).second) return Fail(error, "given twice");
    top.entry = top.message->GetReflection()->AddMessage(top.message, top.field);
    const FieldDescriptor& key = *top.field->message_type()->map_key();
    absl::Status status = SetFromText(Path(), key, name, *top.entry);
    return status.ok() || FailWith(error, std::move(status));
  }

  bool CheckOneof(const Frame& top, json::error_code& error) {
    if (top.kind != Kind::kMessage) return true;
    const auto* oneof = top.field->real_containing_oneof();
    if (oneof == nullptr || !top.message->GetReflection()->HasOneof(*top.message, oneof)) {
      return true;
    }
    return Fail(error, absl::StrCat("only one field of ", oneof->name(), " can be set"));
  }

  bool BeforeScalar(absl::string_view what, json::error_code& error) {
    if (stack_.empty()) return Fail(error, absl::StrCat(what, ", where an object is expected"));
    const Frame& top = stack_.back();
    const FieldDescriptor& value = ValueField(top);
    if (TakesArray(top) || value.is_map() || FormOf(value) == FieldForm::kMessage) {
      return Fail(error, absl::StrCat(what, ", where ", Expected(top), " is expected"));
    }
    return CheckOneof(top, error);
  }
  bool Number(json::string_view part, json::error_code& error) {
    text_.append(part.data(), part.size());
    const std::string token = TakeText();
    if (!BeforeScalar("a number", error)) return false;
    Frame& top = stack_.back();
    return Scalar(SetFromNumber(Path(), ValueField(top), token, Owner(top)), error);
  }
  bool Scalar(absl::Status status, json::error_code& error) {
    if (!status.ok()) return FailWith(error, std::move(status));
    ValueDone();
    return true;
  }
  void ValueDone() {
    if (!stack_.empty() && stack_.back().kind == Kind::kArray) ++stack_.back().index;
  }

  Message& root_;
  std::vector<Frame> stack_;
  std::string text_;  // of a token that comes in parts
  absl::Status status_;
};

absl::Status SyntaxError(absl::string_view json, std::size_t at, const json::error_code& error) {
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < at && i < json.size(); ++i) {
    if (json[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  }
  if (error == json::error::too_deep) {
    return absl::InvalidArgumentError(
        absl::StrCat("the body nests deeper than ", kJsonDepthMax, " levels"));
  }
  return absl::InvalidArgumentError(absl::StrCat("the body is not JSON: ", error.message(),
                                                 " at line ", line, ", byte ",
                                                 at - line_start + 1));
}

}  // namespace

absl::Status ReadJson(absl::string_view json, const FieldDescriptor* field, Message& message) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::basic_parser<Builder> parser(options, field, message);
  json::error_code error;
  const std::size_t read = parser.write_some(/*more=*/false, json.data(), json.size(), error);
  if (!parser.handler().status().ok()) return parser.handler().status();
  if (error) return SyntaxError(json, read, error);
  if (read < json.size()) return SyntaxError(json, read, json::error::extra_data);
  return absl::OkStatus();
}

}  // namespace dondoc::gateway
