#pragma once

#include <ostream>
#include <string>

#include "dondoc/v1/units.pb.h"
#include "services/ctl/sample/year.h"

namespace dondoc::sample {

// A unit as a one-stop export writes it: "Sở Tư pháp", "UBND huyện Đắk Hà", "UBND xã Đắk Hà, huyện
// Tu Mơ Rông". `parent` is the unit of parent_id, nullptr when there is none.
std::string ExportName(const v1::Unit& unit, const v1::Unit* parent);

// Writes the year as a one-stop system exports it: UTF-8 with a byte order mark, commas, a title
// row that says it is synthetic, then the header row, then the rows. Columns with personal data
// hold values that are visibly made up: whoever reads the file has to drop them.
void WriteExport(const Year& year, uint64_t seed, std::ostream& out);

// The registry with a role mailbox for each unit, below the reserved top-level domain "invalid", so
// that no sample message can reach anybody. "kontum.dak-ha.dak-ui" gets
// "dak-ui.dak-ha@kontum.invalid".
std::vector<v1::Unit> WithSampleMailboxes(std::vector<v1::Unit> units);

}  // namespace dondoc::sample
