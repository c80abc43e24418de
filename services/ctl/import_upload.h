#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "dondoc/v1/imports.pb.h"
#include "services/ctl/commands.h"

namespace dondoc::ctl {

// Sends one file as POST /v1/imports with the command's flags and shows how far it is on
// context.err. Progress is asked for under the import id that this program chose, while the body is
// on its way. Errors as ApiClient's, or the file's.
absl::StatusOr<Answer<v1::Import>> UploadFile(Context& context, const std::string& path);

}  // namespace dondoc::ctl
