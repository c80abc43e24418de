#include <cstdint>

#include "tests/fuzz/file_fuzz.h"

// Any bytes: formats, encodings and tables are found by content.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dondoc::ingestion::ReadAnyFile(absl::string_view(reinterpret_cast<const char*>(data), size),
                                 1000);
  return 0;
}
