#pragma once

#include "absl/status/status.h"
#include "services/ingestion/ledger/directory_view.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"

namespace dondoc::ingestion {

// What a put of entries comes to: fills the record with those that differ from what stands, in the
// order of their ids, and the result's counts. Errors as ledger.h has them.
absl::Status PlanDirectory(const DirectoryView& view, const UnitsPut& put,
                           ledger::LogRecord& record, CommitResult& result);
absl::Status PlanDirectory(const DirectoryView& view, const ProceduresPut& put,
                           ledger::LogRecord& record, CommitResult& result);
absl::Status PlanDirectory(const DirectoryView& view, const DefinitionsPut& put,
                           ledger::LogRecord& record, CommitResult& result);

}  // namespace dondoc::ingestion
