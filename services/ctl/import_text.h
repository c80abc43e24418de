#pragma once

#include "dondoc/v1/imports.pb.h"
#include "services/ctl/commands.h"

namespace dondoc::ctl {

// What became of a file, in Vietnamese, on context.out: counts, what was mapped to what, warnings,
// rejects by reason, the change of every unit and level, and what to do next.
void PrintImport(Context& context, const v1::Import& import);

// kExitOk: took effect, nothing rejected. kExitAttention: rows were rejected, or it waits.
// kExitFailed otherwise.
int ImportExitCode(const v1::Import& import);

}  // namespace dondoc::ctl
