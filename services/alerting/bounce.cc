#include "services/alerting/bounce.h"

#include <gmime/gmime.h>

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "services/alerting/mime.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr size_t kFieldBytesMax = 500;

struct GObjectDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPtr = std::unique_ptr<T, GObjectDeleter>;

std::string Printable(absl::string_view text) {
  std::string line(absl::StripAsciiWhitespace(text.substr(0, kFieldBytesMax)));
  for (char& c : line) {
    if (c < ' ' || c > '~') c = '?';
  }
  return line;
}

// "rfc822; user@host" → "user@host"; empty when that is no mail address.
std::string AddressIn(absl::string_view field) {
  const size_t semicolon = field.find(';');
  if (semicolon != absl::string_view::npos) field.remove_prefix(semicolon + 1);
  absl::string_view address = absl::StripAsciiWhitespace(field);
  if (address.size() > 2 && address.front() == '<' && address.back() == '>') {
    address = address.substr(1, address.size() - 2);
  }
  return IsMailAddress(address) ? std::string(address) : "";
}

// "5.1.1", whatever comment follows it; empty when it is no code.
std::string StatusIn(absl::string_view field) {
  absl::string_view code = absl::StripAsciiWhitespace(field);
  code = code.substr(0, code.find_first_of(" \t("));
  const std::vector<absl::string_view> parts = absl::StrSplit(code, '.');
  if (parts.size() != 3) return "";
  for (const absl::string_view part : parts) {
    uint32_t number = 0;
    if (part.empty() || part.size() > 3 || !absl::SimpleAtoi(part, &number)) return "";
  }
  return std::string(code);
}

std::string DiagnosticIn(absl::string_view field) {
  const size_t semicolon = field.find(';');
  return Printable(semicolon == absl::string_view::npos ? field : field.substr(semicolon + 1));
}

// Header fields by lower-case name, unfolded; the first of a name counts.
using Fields = std::map<std::string, std::string>;

// Groups of fields, separated by empty lines.
std::vector<Fields> ReadGroups(const std::string& text) {
  std::vector<Fields> groups(1);
  std::string* last = nullptr;
  for (absl::string_view line : absl::StrSplit(absl::StrReplaceAll(text, {{"\r\n", "\n"}}), '\n')) {
    if (line.empty()) {
      if (!groups.back().empty()) groups.emplace_back();
      last = nullptr;
      if (groups.size() > kNotificationRecipientsMax + 2) break;
      continue;
    }
    if (line[0] == ' ' || line[0] == '\t') {
      if (last != nullptr && last->size() < kFieldBytesMax) {
        absl::StrAppend(last, " ", absl::StripAsciiWhitespace(line));
      }
      continue;
    }
    const size_t colon = line.find(':');
    last = nullptr;
    if (colon == absl::string_view::npos) continue;
    const auto [field, added] = groups.back().emplace(
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(line.substr(0, colon))),
        absl::StripAsciiWhitespace(line.substr(colon + 1)));
    if (added) last = &field->second;
  }
  return groups;
}

std::string Get(const Fields& fields, const std::string& name) {
  const auto field = fields.find(name);
  return field == fields.end() ? "" : field->second;
}

std::string ContentOf(GMimeObject* part) {
  GMimeDataWrapper* content =
      GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : nullptr;
  if (content == nullptr) return "";
  const GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, stream.get());
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  if (bytes == nullptr || bytes->data == nullptr) return "";
  return std::string(reinterpret_cast<const char*>(bytes->data), bytes->len);
}

std::string PlainId(absl::string_view id) {
  id = absl::StripAsciiWhitespace(id);
  if (id.size() > 2 && id.front() == '<' && id.back() == '>') id = id.substr(1, id.size() - 2);
  return Printable(id);
}

void ReadReports(const std::string& text, Notification& notification) {
  for (const Fields& fields : ReadGroups(text)) {
    // The group about the whole message has none of these.
    if (fields.count("final-recipient") == 0 || fields.count("action") == 0) continue;
    if (notification.reports.size() >= kNotificationRecipientsMax) return;
    DeliveryReport report;
    report.final_recipient = AddressIn(Get(fields, "final-recipient"));
    report.recipient = AddressIn(Get(fields, "original-recipient"));
    if (report.recipient.empty()) report.recipient = report.final_recipient;
    report.action = Printable(absl::AsciiStrToLower(Get(fields, "action")));
    report.status = StatusIn(Get(fields, "status"));
    report.diagnostic = DiagnosticIn(Get(fields, "diagnostic-code"));
    notification.reports.push_back(std::move(report));
  }
}

struct Walk {
  Notification notification;
  bool is_notification = false;
};

void Visit(GMimeObject* /*parent*/, GMimeObject* part, gpointer user) {
  Walk& walk = *static_cast<Walk*>(user);
  GMimeContentType* type = g_mime_object_get_content_type(part);
  if (g_mime_content_type_is_type(type, "message", "delivery-status")) {
    walk.is_notification = true;
    ReadReports(ContentOf(part), walk.notification);
    return;
  }
  if (!walk.is_notification || !walk.notification.message_id.empty()) return;
  if (GMIME_IS_MESSAGE_PART(part)) {
    GMimeMessage* returned = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
    const char* id = returned == nullptr ? nullptr : g_mime_message_get_message_id(returned);
    if (id != nullptr) walk.notification.message_id = PlainId(id);
  } else if (g_mime_content_type_is_type(type, "text", "rfc822-headers") ||
             g_mime_content_type_is_type(type, "message", "rfc822-headers")) {
    walk.notification.message_id = PlainId(Get(ReadGroups(ContentOf(part))[0], "message-id"));
  }
}

int Occurrences(absl::string_view text, absl::string_view word) {
  int count = 0;
  for (size_t at = text.find(word); at != absl::string_view::npos;
       at = text.find(word, at + word.size())) {
    ++count;
  }
  return count;
}

// Parsers nest as deep as what they read.
absl::Status CheckShape(absl::string_view message) {
  if (message.size() > kNotificationBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("notification: ", message.size(), " bytes, limit ", kNotificationBytesMax));
  }
  const std::string lower = absl::AsciiStrToLower(message);
  for (const absl::string_view word : {"multipart/", "message/", "boundary"}) {
    if (Occurrences(lower, word) > kNotificationPartsMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("notification: more than ", kNotificationPartsMax, " parts"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Notification> ParseNotification(absl::string_view message) {
  RETURN_IF_ERROR(CheckShape(message));
  StartGMime();
  const GObjectPtr<GMimeStream> stream(
      g_mime_stream_mem_new_with_buffer(message.data(), message.size()));
  const GObjectPtr<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const GObjectPtr<GMimeMessage> parsed(g_mime_parser_construct_message(parser.get(), nullptr));
  Walk walk;
  if (parsed != nullptr) g_mime_message_foreach(parsed.get(), Visit, &walk);
  if (!walk.is_notification || walk.notification.reports.empty()) {
    return absl::InvalidArgumentError(
        "notification: no message/delivery-status part that names a recipient (RFC 3464)");
  }
  return std::move(walk.notification);
}

bool MeansNoMailbox(absl::string_view status) {
  const std::string code = StatusIn(status);
  if (code == "5.2.1") return true;
  return absl::StartsWith(code, "5.1.") && code != "5.1.7" && code != "5.1.8";
}

}  // namespace dondoc::alerting
