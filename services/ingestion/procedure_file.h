#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "dondoc/v1/procedures.pb.h"
#include "services/ingestion/entry_file.h"
#include "services/ingestion/ledger/directory.h"

namespace dondoc::ingestion {

// The one form of ImportProceduresFile: a "danh mục DVCTT".
absl::Span<const EntryForm> ProcedureFileForms();

// Lays `offer` over the offers of `procedure`: it holds for its days, and on other days what was
// there stays. Offers stay sorted and apart; neighbours that say the same become one. Days are ISO
// and in order.
void LayOver(const v1::ProcedureOffer& offer, v1::Procedure& procedure);

// What `table` makes of the catalogue: the procedures it is about, each as it is then. `valid_from`
// and `valid_to` stand for days that a row leaves empty. kInvalidArgument names the row: a code,
// level, share or day that cannot be read, or two rows that say different things of one day.
absl::StatusOr<std::vector<v1::Procedure>> ReadProcedureFile(const EntryTable& table,
                                                             const Catalogue& catalogue,
                                                             const std::string& valid_from,
                                                             const std::string& valid_to);

}  // namespace dondoc::ingestion
