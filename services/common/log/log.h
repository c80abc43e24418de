#pragma once

#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// One JSON line per event on stderr: time, level, service, message, then the fields. Thread-safe.
// Never a secret, a whole payload or a dossier code. Info = lifecycle, warning = degraded, error =
// work lost. Logging is the one process-wide object we allow ourselves (docs/adr/0002).

namespace dondoc::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// A field's value is text; numbers are written through absl::StrCat at the call.
using Field = std::pair<absl::string_view, absl::AlphaNum>;
using Fields = std::initializer_list<Field>;

// Once, at the start of main. Before it, lines go out as service "dondoc".
void Start(absl::string_view service, Level least);
// "debug" | "info" | "warning" | "error"; false for anything else.
bool ParseLevel(absl::string_view text, Level& level);

void Debug(absl::string_view message, Fields fields = {});
void Info(absl::string_view message, Fields fields = {});
void Warning(absl::string_view message, Fields fields = {});
void Error(absl::string_view message, Fields fields = {});

}  // namespace dondoc::log
