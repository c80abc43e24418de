#include <cstdint>
#include <string>

#include "tests/fuzz/file_fuzz.h"

// A page, whatever the bytes; in pieces of the size that its first byte says.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string page =
      "<html>" + std::string(reinterpret_cast<const char*>(data) + 1, size - 1);
  dondoc::ingestion::ReadAnyFile(page, size_t{1} + data[0]);
  return 0;
}
