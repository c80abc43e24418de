#include "services/alerting/acknowledgement.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace dondoc::alerting {
namespace {

// So that a key used for something else as well signs nothing that passes here.
constexpr char kPurpose[] = "dondoc acknowledgement v1:";

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

constexpr char kHead[] =
    R"html(<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>Xác nhận thư nhắc</title></head>
<body style="margin:0;background:#eef2f6;font-family:'Segoe UI',Roboto,Arial,sans-serif;color:#1d2733;line-height:1.5">
<div style="max-width:520px;margin:32px auto;padding:24px;background:#fff;border:1px solid #d5dde6;border-radius:8px">)html";

}  // namespace

std::string HmacSha256(absl::string_view key, absl::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

std::string AcknowledgementToken(absl::string_view key, absl::string_view reminder_id) {
  return absl::BytesToHexString(HmacSha256(key, absl::StrCat(kPurpose, reminder_id)));
}

bool IsAcknowledgementToken(absl::string_view key, absl::string_view reminder_id,
                            absl::string_view token) {
  if (key.empty()) return false;
  const std::string wanted = AcknowledgementToken(key, reminder_id);
  return token.size() == wanted.size() &&
         CRYPTO_memcmp(token.data(), wanted.data(), wanted.size()) == 0;
}

std::string AcknowledgementPage(absl::string_view subject, absl::string_view token, bool done) {
  const std::string what =
      done ? "<h1 style=\"font-size:20px;color:#0b4a7f\">Đã ghi nhận</h1><p>Văn phòng đã biết đơn "
             "vị nhận được thư nhắc này. Cảm ơn đơn vị.</p>"
           : "<h1 style=\"font-size:20px;color:#0b4a7f\">Xác nhận đã nhận thư nhắc</h1>";
  std::string page =
      absl::StrCat(kHead, what, "<p style=\"color:#4a5868\">", Escaped(subject), "</p>");
  if (!done) {
    absl::StrAppend(
        &page, "<form method=\"post\" action=\"?token=", Escaped(token),
        "\"><button style=\"padding:12px 24px;font-size:16px;border:0;border-radius:6px;"
        "background:#0b4a7f;color:#fff\">Tôi đã nhận được thư này</button></form>");
  }
  absl::StrAppend(&page, "</div></body></html>\n");
  return page;
}

}  // namespace dondoc::alerting
