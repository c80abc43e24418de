#include "services/alerting/mime.h"

#include <gmime/gmime.h>

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "services/alerting/key_hash.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

// 45 bytes are 60 base64 characters: "=?UTF-8?B?" + 60 + "?=" is 72, below RFC 2047's 75.
constexpr size_t kEncodedWordBytesMax = 45;
// A plain value longer than this is encoded, which also folds it.
constexpr size_t kPlainHeaderBytesMax = 60;
constexpr size_t kLocalPartBytesMax = 64;
constexpr size_t kLabelBytesMax = 63;

struct GObjectDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPtr = std::unique_ptr<T, GObjectDeleter>;

struct GFree {
  void operator()(char* text) const { g_free(text); }
};

bool IsPlain(absl::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return text.size() <= kPlainHeaderBytesMax && !absl::StrContains(text, "=?") &&
         text == absl::StripAsciiWhitespace(text);
}

// Bytes of the UTF-8 character at the start of `text`; a stray byte counts as one.
size_t CharacterBytes(absl::string_view text) {
  size_t size = 1;
  while (size < text.size() && size < 4 &&
         (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    ++size;
  }
  return size;
}

std::string WithoutControls(absl::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return clean;
}

bool IsIdText(absl::string_view text) {
  if (text.empty() || text.size() > 2 * kAddressBytesMax) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && !absl::StrContains("@.-_", c)) {
      return false;
    }
  }
  return true;
}

GObjectPtr<GMimeTextPart> TextPart(const char* subtype, const std::string& text) {
  GObjectPtr<GMimeTextPart> part(g_mime_text_part_new_with_subtype(subtype));
  g_mime_text_part_set_charset(part.get(), "utf-8");
  // Text must not end the C string early, nor carry bare CRs.
  const std::string body =
      absl::StrReplaceAll(text, {{"\r\n", "\n"}, {"\r", "\n"}, {absl::string_view("\0", 1), " "}});
  g_mime_text_part_set_text(part.get(), body.c_str());
  g_mime_part_set_content_encoding(GMIME_PART(part.get()), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return part;
}

// The value as it is, after the library's own encoder would have had its say: it leaves a long word
// in one encoded word, beyond the 75 characters of RFC 2047.
void SetRawHeader(GMimeMessage* message, const char* name, const std::string& value) {
  GMimeHeaderList* headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
  g_mime_header_list_set(headers, name, "", "utf-8");
  GMimeHeader* header = g_mime_header_list_get_header(headers, name);
  g_mime_header_set_raw_value(header, absl::StrCat(" ", value, "\n").c_str());
}

std::string EncodeMailbox(const Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.address;
  return absl::StrCat(EncodeHeaderText(mailbox.name, /*phrase=*/true), "\n <", mailbox.address,
                      ">");
}

void SetDate(GMimeMessage* message, absl::Time time) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, VietNamTime());
  GTimeZone* zone = g_time_zone_new_offset(7 * 3600);
  GDateTime* date = g_date_time_new(zone, static_cast<int>(civil.year()), civil.month(),
                                    civil.day(), civil.hour(), civil.minute(), civil.second());
  if (date != nullptr) {
    g_mime_message_set_date(message, date);
    g_date_time_unref(date);
  }
  g_time_zone_unref(zone);
}

std::string Write(GMimeMessage* message) {
  GMimeFormatOptions* options = g_mime_format_options_new();
  g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
  const std::unique_ptr<char, GFree> text(g_mime_object_to_string(GMIME_OBJECT(message), options));
  g_mime_format_options_free(options);
  return std::string(text.get());
}

// As base64 of the bytes as they are.
GObjectPtr<GMimePart> AttachmentPart(const Attachment& attachment) {
  const std::vector<std::string> type =
      absl::StrSplit(attachment.content_type, absl::MaxSplits('/', 1));
  GObjectPtr<GMimePart> part(
      g_mime_part_new_with_type(type[0].c_str(), type.size() > 1 ? type[1].c_str() : ""));
  const GObjectPtr<GMimeStream> stream(
      g_mime_stream_mem_new_with_buffer(attachment.data.data(), attachment.data.size()));
  const GObjectPtr<GMimeDataWrapper> content(
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part.get(), content.get());
  g_mime_part_set_content_encoding(part.get(), GMIME_CONTENT_ENCODING_BASE64);
  g_mime_part_set_filename(part.get(), attachment.filename.c_str());
  g_mime_object_set_disposition(GMIME_OBJECT(part.get()), GMIME_DISPOSITION_ATTACHMENT);
  return part;
}

// `body` and the attachments; the boundary as in BuildMail.
GObjectPtr<GMimeMultipart> MixedPart(const MailParts& parts, GMimeMultipart* body) {
  GObjectPtr<GMimeMultipart> mixed(g_mime_multipart_new_with_subtype("mixed"));
  g_mime_multipart_set_boundary(mixed.get(),
                                absl::StrCat("=_", KeyHash({"mixed", parts.message_id})).c_str());
  g_mime_multipart_add(mixed.get(), GMIME_OBJECT(body));
  for (const Attachment& attachment : parts.attachments) {
    g_mime_multipart_add(mixed.get(), GMIME_OBJECT(AttachmentPart(attachment).get()));
  }
  return mixed;
}

absl::Status CheckParts(const MailParts& parts) {
  for (const Mailbox* mailbox : {&parts.from, &parts.to}) {
    if (!IsMailAddress(mailbox->address)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(mailbox->address), " is not a mail address"));
    }
  }
  for (const std::string* id : {&parts.message_id, &parts.list_id, &parts.thread_id}) {
    if (!IsIdText(*id) && (id != &parts.thread_id || !id->empty())) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(*id), " is not a message or list id"));
    }
  }
  for (const Attachment& attachment : parts.attachments) {
    if (!IsIdText(attachment.filename)) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(attachment.filename), " is no name"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void StartGMime() {
  static const bool started = [] {
    g_mime_init();
    return true;
  }();
  static_cast<void>(started);
}

bool IsMailAddress(absl::string_view address) {
  const std::vector<absl::string_view> halves = absl::StrSplit(address, '@');
  if (address.size() > kAddressBytesMax || halves.size() != 2) return false;
  const absl::string_view local = halves[0];
  if (local.empty() || local.size() > kLocalPartBytesMax || local.front() == '.' ||
      local.back() == '.' || absl::StrContains(local, "..")) {
    return false;
  }
  for (const char c : local) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        !absl::StrContains(".!#$%&'*+/=?^_`{|}~-", c)) {
      return false;
    }
  }
  for (const absl::string_view label : absl::StrSplit(halves[1], '.')) {
    if (label.empty() || label.size() > kLabelBytesMax || label.front() == '-' ||
        label.back() == '-') {
      return false;
    }
    for (const char c : label) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') return false;
    }
  }
  return true;
}

std::string DomainOf(absl::string_view address) {
  const size_t at = address.rfind('@');
  return at == absl::string_view::npos ? "" : absl::AsciiStrToLower(address.substr(at + 1));
}

absl::StatusOr<Mailbox> ParseMailbox(const std::string& text) {
  if (IsMailAddress(text)) return Mailbox{.name = "", .address = text};
  StartGMime();
  const GObjectPtr<InternetAddressList> list(internet_address_list_parse(nullptr, text.c_str()));
  if (list != nullptr && internet_address_list_length(list.get()) == 1) {
    InternetAddress* address = internet_address_list_get_address(list.get(), 0);
    if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
      const char* name = internet_address_get_name(address);
      const char* plain = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
      if (plain != nullptr && IsMailAddress(plain)) {
        return Mailbox{.name = name == nullptr ? "" : name, .address = plain};
      }
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not one mail address"));
}

std::string EncodeHeaderText(absl::string_view text, bool phrase) {
  const std::string clean = WithoutControls(text);
  if (IsPlain(clean)) {
    if (!phrase) return clean;
    return absl::StrCat("\"", absl::StrReplaceAll(clean, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
  }
  std::string encoded;
  absl::string_view rest = clean;
  while (!rest.empty()) {
    size_t size = 0;
    while (size < rest.size()) {
      const size_t next = CharacterBytes(rest.substr(size));
      if (size + next > kEncodedWordBytesMax) break;
      size += next;
    }
    absl::StrAppend(&encoded, encoded.empty() ? "" : "\n ", "=?UTF-8?B?",
                    absl::Base64Escape(rest.substr(0, size)), "?=");
    rest.remove_prefix(size);
  }
  return encoded;
}

absl::StatusOr<std::string> BuildMail(const MailParts& parts) {
  RETURN_IF_ERROR(CheckParts(parts));
  StartGMime();
  const GObjectPtr<GMimeMessage> message(g_mime_message_new(/*pretty_headers=*/TRUE));
  SetDate(message.get(), parts.date);
  SetRawHeader(message.get(), "From", EncodeMailbox(parts.from));
  SetRawHeader(message.get(), "To", EncodeMailbox(parts.to));
  SetRawHeader(message.get(), "Subject", EncodeHeaderText(parts.subject, /*phrase=*/false));
  SetRawHeader(message.get(), "Message-ID", absl::StrCat("<", parts.message_id, ">"));
  if (!parts.thread_id.empty()) {
    // All messages of a thread answer the same one, which was never sent: clients put them
    // together.
    SetRawHeader(message.get(), "In-Reply-To", absl::StrCat("<", parts.thread_id, ">"));
    SetRawHeader(message.get(), "References", absl::StrCat("<", parts.thread_id, ">"));
  }
  SetRawHeader(message.get(), "List-Id", absl::StrCat("<", parts.list_id, ">"));
  SetRawHeader(message.get(), "Auto-Submitted", "auto-generated");
  SetRawHeader(message.get(), "Content-Language", "vi");

  const GObjectPtr<GMimeMultipart> body(g_mime_multipart_new_with_subtype("alternative"));
  // "=_" never occurs in quoted-printable, so no body can hold the boundary; a fixed one keeps the
  // bytes a function of the parts.
  g_mime_multipart_set_boundary(
      body.get(), absl::StrCat("=_", KeyHash({"boundary", parts.message_id})).c_str());
  g_mime_multipart_add(body.get(), GMIME_OBJECT(TextPart("plain", parts.text).get()));
  g_mime_multipart_add(body.get(), GMIME_OBJECT(TextPart("html", parts.html).get()));
  if (parts.attachments.empty()) {
    g_mime_message_set_mime_part(message.get(), GMIME_OBJECT(body.get()));
  } else {
    g_mime_message_set_mime_part(message.get(), GMIME_OBJECT(MixedPart(parts, body.get()).get()));
  }
  return Write(message.get());
}

std::string WithHeader(absl::string_view name, absl::string_view value, absl::string_view message) {
  return absl::StrCat(name, ": ", WithoutControls(value), "\r\n", message);
}

}  // namespace dondoc::alerting
