#pragma once

#include <expat.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dondoc::ingestion {

inline constexpr int kXmlDepthMax = 64;
// A tag, comment or the like that is not at its end after this many bytes.
inline constexpr int64_t kXmlTokenBytesMax = 1 << 20;

// XML as it streams in, through expat. Namespaces are not looked at: names come without their
// prefix. A document type, and with it every entity of the document's own, is refused. Not
// thread-safe.
class XmlStream {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // `attributes`: name, value, …, nullptr, as expat has them.
    virtual absl::Status OnStart(absl::string_view name, const char** attributes) = 0;
    virtual absl::Status OnEnd(absl::string_view name) = 0;
    // Of an element's text a part.
    virtual absl::Status OnText(absl::string_view text) = 0;
  };

  explicit XmlStream(Handler& handler);
  ~XmlStream();
  XmlStream(const XmlStream&) = delete;
  XmlStream& operator=(const XmlStream&) = delete;

  // The handler's error; kInvalidArgument, in Vietnamese, when it is no XML or goes beyond a limit.
  absl::Status Feed(absl::string_view piece, bool last);

 private:
  static void OnStart(void* self, const char* name, const char** attributes);
  static void OnEnd(void* self, const char* name);
  static void OnText(void* self, const char* text, int size);
  static void OnDoctype(void* self, const char*, const char*, const char*, int);
  void Note(absl::Status status);

  Handler& handler_;
  XML_Parser parser_;
  absl::Status status_;
  int depth_ = 0;
  int64_t fed_bytes_ = 0;
};

// The value of `name`, its prefix not looked at; nullptr when there is none.
const char* FindAttribute(const char** attributes, absl::string_view name);

}  // namespace dondoc::ingestion
