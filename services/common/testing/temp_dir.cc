#include "services/common/testing/temp_dir.h"

#include <cstdlib>
#include <system_error>

#include "gtest/gtest.h"

namespace dondoc::testing {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "dondoc_test_XXXXXX").string();
  const char* const made = mkdtemp(pattern.data());
  // A test without its folder can show nothing.
  if (made == nullptr) {
    std::perror(pattern.c_str());
    std::abort();
  }
  path_ = made;
}

TempDir::~TempDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  EXPECT_FALSE(error) << path_ << ": " << error.message();
}

}  // namespace dondoc::testing
