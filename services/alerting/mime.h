#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Building messages as RFC 5322 and MIME want them (docs/adr/0007). Thread-safe.

namespace dondoc::alerting {

struct Mailbox {
  std::string name;  // display name, any text; may be empty
  std::string address;
};

struct Attachment {
  std::string filename;  // ASCII letters, digits, '.', '-' and '_'
  std::string content_type;
  std::string data;
};

struct MailParts {
  Mailbox from;
  Mailbox to;
  std::string subject;
  std::string message_id;   // "id@domain", without the angle brackets
  std::string list_id;      // "name.domain", without the angle brackets
  std::string thread_id{};  // the id that messages of one thread refer to; empty = none
  absl::Time date;          // civil, written at +07:00
  std::string text;         // LF or CRLF
  std::string html;
  std::vector<Attachment> attachments{};
};

inline constexpr size_t kAddressBytesMax = 254;

// Before anything of GMime's; any number of times.
void StartGMime();

// Whether `address` is one plain ASCII mailbox, local@domain, that is safe in a header and in an
// SMTP command: no quotes, spaces, control characters or comments.
bool IsMailAddress(absl::string_view address);
// The part after the @, in lower case; empty when there is none.
std::string DomainOf(absl::string_view address);

// "Name <address>", "\"A, B\" <address>" or "address". kInvalidArgument names the text.
absl::StatusOr<Mailbox> ParseMailbox(const std::string& text);

// `text` as an unstructured header value, or with `phrase` as a display name: RFC 2047 words of at
// most 75 characters, folded, where it is not plain ASCII. Whatever it holds, the value stays in
// its header: control characters become spaces.
std::string EncodeHeaderText(absl::string_view text, bool phrase);

// The complete message with CRLF lines: multipart/alternative of `text` and `html` in UTF-8 and
// quoted-printable, within multipart/mixed when there are attachments. The same parts give the same
// bytes. kInvalidArgument for an address or id that is not one.
absl::StatusOr<std::string> BuildMail(const MailParts& parts);

// `message` with one header more at its top; `value` is plain ASCII.
std::string WithHeader(absl::string_view name, absl::string_view value, absl::string_view message);

}  // namespace dondoc::alerting
