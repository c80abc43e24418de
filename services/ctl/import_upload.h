#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dondoc/v1/imports.pb.h"
#include "services/ctl/commands.h"

namespace dondoc::ctl {

// Tries to go on with an upload whose connection broke, in a row without a byte more.
inline constexpr int kUploadTriesMax = 6;

// What one file came to. Errors as ApiClient's, or the file's.
using UploadAnswer = absl::StatusOr<Answer<v1::Import>>;

// Sends files as POST /v1/imports with the command's flags, `jobs` of them at a time, and shows how
// far they are on context.err. A connection that breaks on the way is taken up where it broke.
// Progress is asked for under import ids that this program chose. `done` is called once for every
// file, in the order of `paths`, from the caller's thread; after its first error no other file is
// begun, and that error is returned.
absl::Status UploadFiles(
    Context& context, const std::vector<std::string>& paths, size_t jobs,
    const std::function<absl::Status(const std::string& path, const UploadAnswer& answer)>& done);

}  // namespace dondoc::ctl
