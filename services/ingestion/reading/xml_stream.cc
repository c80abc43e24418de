#include "services/ingestion/reading/xml_stream.h"

#include <utility>

namespace dondoc::ingestion {
namespace {

absl::string_view LocalName(const char* name) {
  absl::string_view text(name);
  const size_t colon = text.rfind(':');
  return colon == absl::string_view::npos ? text : text.substr(colon + 1);
}

}  // namespace

const char* FindAttribute(const char** attributes, absl::string_view name) {
  for (; *attributes != nullptr; attributes += 2) {
    if (LocalName(attributes[0]) == name) return attributes[1];
  }
  return nullptr;
}

XmlStream::XmlStream(Handler& handler) : handler_(handler), parser_(XML_ParserCreate(nullptr)) {
  XML_SetUserData(parser_, this);
  XML_SetElementHandler(parser_, &OnStart, &OnEnd);
  XML_SetCharacterDataHandler(parser_, &OnText);
  XML_SetStartDoctypeDeclHandler(parser_, &OnDoctype);
}

XmlStream::~XmlStream() { XML_ParserFree(parser_); }

absl::Status XmlStream::Feed(absl::string_view piece, bool last) {
  if (!status_.ok()) return status_;
  fed_bytes_ += static_cast<int64_t>(piece.size());
  const XML_Status parsed = XML_Parse(parser_, piece.data(), static_cast<int>(piece.size()), last);
  if (!status_.ok()) return status_;
  if (parsed != XML_STATUS_OK) {
    return status_ = absl::InvalidArgumentError(
               "Tệp Excel bị hỏng (XML bên trong không đọc được). Hãy mở bằng Excel, lưu lại rồi "
               "tải lại.");
  }
  if (!last && fed_bytes_ - XML_GetCurrentByteIndex(parser_) > kXmlTokenBytesMax) {
    return status_ = absl::InvalidArgumentError("Tệp Excel có một thẻ XML dài quá 1.048.576 byte.");
  }
  return absl::OkStatus();
}

void XmlStream::Note(absl::Status status) {
  if (status.ok() || !status_.ok()) return;
  status_ = std::move(status);
  XML_StopParser(parser_, XML_FALSE);
}

void XmlStream::OnStart(void* self, const char* name, const char** attributes) {
  XmlStream& stream = *static_cast<XmlStream*>(self);
  if (!stream.status_.ok()) return;
  if (++stream.depth_ > kXmlDepthMax) {
    stream.Note(absl::InvalidArgumentError("Tệp Excel có XML lồng nhau quá 64 lớp."));
    return;
  }
  stream.Note(stream.handler_.OnStart(LocalName(name), attributes));
}

void XmlStream::OnEnd(void* self, const char* name) {
  XmlStream& stream = *static_cast<XmlStream*>(self);
  if (!stream.status_.ok()) return;
  --stream.depth_;
  stream.Note(stream.handler_.OnEnd(LocalName(name)));
}

void XmlStream::OnText(void* self, const char* text, int size) {
  XmlStream& stream = *static_cast<XmlStream*>(self);
  if (!stream.status_.ok()) return;
  stream.Note(stream.handler_.OnText(absl::string_view(text, static_cast<size_t>(size))));
}

void XmlStream::OnDoctype(void* self, const char*, const char*, const char*, int) {
  static_cast<XmlStream*>(self)->Note(
      absl::InvalidArgumentError("Tệp Excel chứa khai báo DOCTYPE, không được phép."));
}

}  // namespace dondoc::ingestion
