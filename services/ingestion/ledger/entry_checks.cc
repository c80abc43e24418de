#include "services/ingestion/ledger/entry_checks.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/catalogue.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kProcedureCodeBytesMax = 64;
constexpr size_t kProcedureNameBytesMax = 1'000;
constexpr size_t kFieldBytesMax = 200;
constexpr size_t kDefinitionIdBytesMax = 64;
constexpr size_t kDefinitionNameBytesMax = 300;
constexpr size_t kDefinitionTextBytesMax = 2'000;
constexpr int kPercentMax = 100;

// The same, but may be empty.
absl::Status CheckOptionalText(const std::string& path, absl::string_view text, size_t bytes_max) {
  return text.empty() ? absl::OkStatus() : CheckText(path, text, bytes_max);
}

absl::Status CheckPercent(const std::string& path, int percent) {
  if (percent >= 0 && percent <= kPercentMax) return absl::OkStatus();
  return BadEntry(path, absl::StrCat(percent, " is not between 0 and ", kPercentMax));
}

absl::Status CheckOffer(const std::string& path, const v1::ProcedureOffer& offer) {
  if (!v1::ServiceLevel::Value_IsValid(offer.service_level()) ||
      offer.service_level() == v1::ServiceLevel::UNKNOWN) {
    return BadEntry(absl::StrCat(path, ".service_level"), "INFORMATION, PARTIAL or FULL");
  }
  RETURN_IF_ERROR(CheckPercent(absl::StrCat(path, ".fee_cut_percent"), offer.fee_cut_percent()));
  RETURN_IF_ERROR(CheckPercent(absl::StrCat(path, ".time_cut_percent"), offer.time_cut_percent()));
  return CheckDays(path, offer.valid_from(), offer.valid_to());
}

template <typename Enum>
absl::Status CheckSet(const std::string& path, const google::protobuf::RepeatedField<int>& values,
                      Enum is_valid) {
  std::set<int> seen;
  for (int i = 0; i < values.size(); ++i) {
    const std::string here = absl::StrCat(path, "[", i, "]");
    if (!is_valid(values[i])) return BadEntry(here, absl::StrCat(values[i], " is none we know"));
    if (!seen.insert(values[i]).second) return BadEntry(here, "is given twice");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BadEntry(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status CheckId(const std::string& path, absl::string_view id, size_t bytes_max) {
  const bool fits =
      !id.empty() && id.size() <= bytes_max && std::all_of(id.begin(), id.end(), [](char c) {
        return absl::ascii_islower(static_cast<unsigned char>(c)) ||
               absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-';
      });
  if (fits) return absl::OkStatus();
  return BadEntry(path, absl::StrCat(Quoted(id), " is not 1 to ", bytes_max,
                                     " characters of a-z, 0-9, '.' and '-'"));
}

absl::Status CheckText(const std::string& path, absl::string_view text, size_t bytes_max) {
  if (text.empty()) return BadEntry(path, "is empty");
  if (text.size() > bytes_max) {
    return BadEntry(path,
                    absl::StrCat(Quoted(text), " has ", text.size(), " bytes, limit ", bytes_max));
  }
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  return printable ? absl::OkStatus()
                   : BadEntry(path, absl::StrCat(Quoted(text), " has control characters"));
}

absl::Status CheckDays(const std::string& path, const std::string& from, const std::string& to) {
  absl::CivilDay first;
  absl::CivilDay last;
  if (!from.empty()) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(from);
    if (!day.ok()) return BadEntry(absl::StrCat(path, ".valid_from"), day.status().message());
    first = *day;
  }
  if (!to.empty()) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(to);
    if (!day.ok()) return BadEntry(absl::StrCat(path, ".valid_to"), day.status().message());
    last = *day;
  }
  if (from.empty() || to.empty() || first <= last) return absl::OkStatus();
  return BadEntry(absl::StrCat(path, ".valid_to"),
                  absl::StrCat(to, " is before valid_from, ", from));
}

absl::Status CheckCount(const std::string& path, int count, int count_max) {
  if (count <= count_max) return absl::OkStatus();
  return BadEntry(path, absl::StrCat(count, " entries, limit ", count_max));
}

absl::Status CheckProcedure(const std::string& path, const v1::Procedure& procedure) {
  const std::string code_path = absl::StrCat(path, ".procedure_code");
  const std::string& code = procedure.procedure_code();
  RETURN_IF_ERROR(CheckText(code_path, code, kProcedureCodeBytesMax));
  if (absl::StrContains(code, ' ')) {
    return BadEntry(code_path, absl::StrCat(Quoted(code), " has a space"));
  }
  if (ProcedureKey(code) != code) {
    return BadEntry(code_path, absl::StrCat(Quoted(code), " has more than two groups"));
  }
  RETURN_IF_ERROR(CheckText(absl::StrCat(path, ".name"), procedure.name(), kProcedureNameBytesMax));
  RETURN_IF_ERROR(
      CheckOptionalText(absl::StrCat(path, ".field"), procedure.field(), kFieldBytesMax));
  RETURN_IF_ERROR(CheckCount(absl::StrCat(path, ".offers"), procedure.offers_size(), kOffersMax));
  for (int i = 0; i < procedure.offers_size(); ++i) {
    const std::string here = absl::StrCat(path, ".offers[", i, "]");
    RETURN_IF_ERROR(CheckOffer(here, procedure.offers(i)));
    if (i == 0) continue;
    // ISO days compare as text.
    const std::string& before_to = procedure.offers(i - 1).valid_to();
    const std::string& from = procedure.offers(i).valid_from();
    if (before_to.empty() || from.empty() || from <= before_to) {
      return BadEntry(absl::StrCat(here, ".valid_from"),
                      "does not come after the last day of the offer before it");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDefinition(const std::string& path, const v1::MetricDefinition& definition) {
  const auto at = [&path](absl::string_view field) { return absl::StrCat(path, ".", field); };
  RETURN_IF_ERROR(CheckId(at("definition_id"), definition.definition_id(), kDefinitionIdBytesMax));
  RETURN_IF_ERROR(CheckText(at("name"), definition.name(), kDefinitionNameBytesMax));
  RETURN_IF_ERROR(
      CheckOptionalText(at("legal_basis"), definition.legal_basis(), kDefinitionTextBytesMax));
  RETURN_IF_ERROR(CheckOptionalText(at("note"), definition.note(), kDefinitionTextBytesMax));
  RETURN_IF_ERROR(CheckSet(at("numerator_channels"), definition.numerator_channels(),
                           &v1::Channel::Value_IsValid));
  RETURN_IF_ERROR(CheckSet(at("denominator_channels"), definition.denominator_channels(),
                           &v1::Channel::Value_IsValid));
  RETURN_IF_ERROR(CheckSet(at("excluded_statuses"), definition.excluded_statuses(),
                           &v1::Status::Value_IsValid));
  if (definition.numerator_channels().empty())
    return BadEntry(at("numerator_channels"), "is empty");
  for (int i = 0; i < definition.numerator_channels_size(); ++i) {
    const auto& counted = definition.denominator_channels();
    if (std::find(counted.begin(), counted.end(), definition.numerator_channels(i)) ==
        counted.end()) {
      return BadEntry(
          absl::StrCat(at("numerator_channels"), "[", i, "]"),
          absl::StrCat(v1::Channel::Value_Name(definition.numerator_channels(i)),
                       " is not in denominator_channels, so it would not be counted at all"));
    }
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
