#include "services/ingestion/unit_service.h"

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/entry_upload.h"
#include "services/ingestion/page_token.h"
#include "services/ingestion/principal.h"
#include "services/ingestion/reading/text_key.h"
#include "services/ingestion/reading/unit_matcher.h"
#include "services/ingestion/unit_file.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 1'000;
constexpr int kPageSizeMax = 20'000;
constexpr size_t kAliasBytesMax = 200;
// A change made from the directory is made again when another came between.
constexpr int kAttemptsMax = 8;

absl::Status NoSuchUnit(const std::string& unit_id) {
  return absl::NotFoundError(
      absl::StrCat("unit_id: ", Quoted(unit_id), " is not in the directory"));
}

void ToNormalForm(v1::Unit& unit) {
  unit.set_name(ToNfc(Trim(unit.name())));
  for (std::string& alias : *unit.mutable_aliases()) alias = ToNfc(Trim(alias));
  for (v1::FormerName& former : *unit.mutable_former_names()) {
    former.set_name(ToNfc(Trim(former.name())));
  }
}

// The days of `unit` and `other` have one in common. ISO days compare as text; "" = open.
bool ExistTogether(const v1::Unit& unit, const v1::Unit& other) {
  return (unit.valid_to().empty() || other.valid_from() <= unit.valid_to()) &&
         (other.valid_to().empty() || unit.valid_from() <= other.valid_to());
}

bool HasIdentifier(const v1::Unit& unit, const v1::ListUnitsRequest& request) {
  for (const v1::UnitIdentifier& identifier : unit.identifiers()) {
    if (identifier.scheme() == request.identifier_scheme() &&
        (request.identifier_code().empty() || identifier.code() == request.identifier_code()) &&
        (request.valid_on().empty() ||
         ((identifier.valid_from().empty() || identifier.valid_from() <= request.valid_on()) &&
          (identifier.valid_to().empty() || request.valid_on() <= identifier.valid_to())))) {
      return true;
    }
  }
  return false;
}

// `status` of a put of one unit, about the field `as`.
absl::Status About(absl::string_view as, const absl::Status& status) {
  absl::string_view message = status.message();
  if (!absl::ConsumePrefix(&message, "units[0]")) return status;
  return absl::Status(status.code(), absl::StrCat(as, message));
}

// `status` of a put of units from a file, about the row of the unit that it names.
absl::Status AboutRow(const std::vector<int64_t>& row_numbers, const absl::Status& status) {
  absl::string_view message = status.message();
  size_t index = 0;
  const size_t end = message.find(']');
  if (!absl::ConsumePrefix(&message, "units[") || end == absl::string_view::npos) return status;
  const size_t digits = message.find(']');
  if (!absl::SimpleAtoi(message.substr(0, digits), &index) || index >= row_numbers.size()) {
    return status;
  }
  message.remove_prefix(digits + 1);
  absl::ConsumePrefix(&message, ".");
  return BadRow(row_numbers[index], message);
}

// Puts the fields that the mask names into `unit`.
absl::Status ApplyMask(const v1::UpdateUnitRequest& request, v1::Unit& unit) {
  const v1::Unit& given = request.unit();
  if (request.update_mask().paths().empty()) {
    return Invalid("update_mask", "names no field to change");
  }
  std::set<std::string> seen;
  for (const std::string& path : request.update_mask().paths()) {
    if (!seen.insert(path).second) return Invalid("update_mask", Quoted(path) + " is given twice");
    if (path == "name") {
      unit.set_name(given.name());
    } else if (path == "emails") {
      *unit.mutable_emails() = given.emails();
    } else if (path == "aliases") {
      *unit.mutable_aliases() = given.aliases();
    } else if (path == "identifiers") {
      *unit.mutable_identifiers() = given.identifiers();
    } else if (path == "valid_from") {
      unit.set_valid_from(given.valid_from());
    } else if (path == "valid_to") {
      unit.set_valid_to(given.valid_to());
    } else if (path == "successor_ids") {
      *unit.mutable_successor_ids() = given.successor_ids();
    } else if (path == "former_names") {
      *unit.mutable_former_names() = given.former_names();
    } else if (path == "level" || path == "parent_id" || path == "unit_id") {
      return Invalid("update_mask",
                     absl::StrCat(Quoted(path),
                                  " does not change: another level, parent or territory is a new "
                                  "unit. Give this one valid_to and successor_ids, and import the "
                                  "new one"));
    } else {
      return Invalid("update_mask", Quoted(path) + " is no field of a unit");
    }
  }
  return absl::OkStatus();
}

// Keeps the old name for the days before `renamed_on`.
absl::Status KeepFormerName(const v1::Unit& before, const std::string& renamed_on, v1::Unit& unit) {
  if (renamed_on.empty() || before.name() == unit.name()) return absl::OkStatus();
  const absl::StatusOr<absl::CivilDay> day = ParseDay(renamed_on);
  if (!day.ok()) return Invalid("renamed_on", day.status().message());
  v1::FormerName former;
  former.set_name(before.name());
  former.set_valid_to(FormatDay(*day - 1));
  // It began when the one before it ended.
  for (const v1::FormerName& earlier : before.former_names()) {
    const absl::StatusOr<absl::CivilDay> end = ParseDay(earlier.valid_to());
    if (end.ok()) former.set_valid_from(std::max(former.valid_from(), FormatDay(*end + 1)));
  }
  if (!former.valid_from().empty() && former.valid_from() > former.valid_to()) {
    return Invalid("renamed_on", absl::StrCat(renamed_on, " is not after the renaming before it"));
  }
  *unit.add_former_names() = former;
  return absl::OkStatus();
}

}  // namespace

UnitService::UnitService(Ledger& ledger, Metrics& metrics, Options options)
    : ledger_(ledger), metrics_(metrics), options_(std::move(options)) {}

grpc::Status UnitService::ListUnits(grpc::ServerContext*, const v1::ListUnitsRequest* request,
                                    v1::ListUnitsResponse* response) {
  return metrics_.Answer("ListUnits", List(*request, *response));
}

absl::Status UnitService::List(const v1::ListUnitsRequest& request,
                               v1::ListUnitsResponse& response) const {
  ASSIGN_OR_RETURN(const int page_size,
                   CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  std::optional<absl::CivilDay> valid_on;
  if (!request.valid_on().empty()) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(request.valid_on());
    if (!day.ok()) return Invalid("valid_on", day.status().message());
    valid_on = *day;
  }
  if (request.has_level() && !v1::Level::Value_IsValid(request.level())) {
    return Invalid("level", absl::StrCat(static_cast<int>(request.level()), " is no level"));
  }
  if (!request.identifier_code().empty() && request.identifier_scheme().empty()) {
    return Invalid("identifier_code", "needs identifier_scheme");
  }
  v1::ListUnitsRequest query = request;
  query.clear_page_size();
  query.clear_page_token();
  // The position is before the directory, which may then only be newer than it says.
  const v1::Position head = ledger_.Head();
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  size_t next = 0;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const std::string after, ReadPageToken(query, request.page_token()));
    const std::vector<const v1::Unit*>& units = directory->InOrder();
    while (next < units.size() && units[next]->unit_id() != after) ++next;
    ++next;
  }
  for (; next < directory->InOrder().size(); ++next) {
    const v1::Unit& unit = *directory->InOrder()[next];
    if (request.has_level() && unit.level() != request.level()) continue;
    if (!request.parent_id().empty() && unit.parent_id() != request.parent_id()) continue;
    if (valid_on.has_value() && !Directory::ExistsOn(unit, *valid_on)) continue;
    if (!request.identifier_scheme().empty() && !HasIdentifier(unit, request)) continue;
    if (response.units_size() == page_size) {
      response.set_next_page_token(MakePageToken(query, response.units(page_size - 1).unit_id()));
      break;
    }
    *response.add_units() = unit;
  }
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(head.sequence());
  return absl::OkStatus();
}

grpc::Status UnitService::GetUnit(grpc::ServerContext*, const v1::GetUnitRequest* request,
                                  v1::Unit* response) {
  return metrics_.Answer("GetUnit", Get(*request, *response));
}

absl::Status UnitService::Get(const v1::GetUnitRequest& request, v1::Unit& response) const {
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  const v1::Unit* const unit = directory->Find(request.unit_id());
  if (unit == nullptr) return NoSuchUnit(request.unit_id());
  response = *unit;
  return absl::OkStatus();
}

absl::StatusOr<CommitResult> UnitService::Commit(const UnitsPut& put) {
  const absl::Time start = absl::Now();
  absl::StatusOr<CommitResult> result = ledger_.Commit(put);
  metrics_.ObserveCommit("units", absl::Now() - start);
  return result;
}

absl::StatusOr<CommitResult> UnitService::CommitMade(const Make& make) {
  for (int attempt = 1;; ++attempt) {
    const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
    ASSIGN_OR_RETURN(UnitsPut put, make(directory));
    put.made_from = directory->sequence();
    absl::StatusOr<CommitResult> result = Commit(put);
    if (!absl::IsAborted(result.status()) || attempt == kAttemptsMax) return result;
  }
}

absl::Status UnitService::ChangeOne(const Make& make, v1::UpdateUnitResponse& response) {
  const absl::StatusOr<CommitResult> result =
      CommitMade([&](const auto& directory) -> absl::StatusOr<UnitsPut> {
        ASSIGN_OR_RETURN(UnitsPut put, make(directory));
        *response.mutable_unit() = put.units.front();
        return put;
      });
  RETURN_IF_ERROR(About("unit", result.status()));
  response.set_ledger_id(result->position.ledger_id());
  response.set_sequence(result->position.sequence());
  return absl::OkStatus();
}

grpc::Status UnitService::ImportUnits(grpc::ServerContext* context,
                                      const v1::ImportUnitsRequest* request,
                                      v1::ImportUnitsResponse* response) {
  return metrics_.Answer("ImportUnits", Put(*request, PrincipalOf(*context), *response));
}

absl::Status UnitService::Put(const v1::ImportUnitsRequest& request, const std::string& author,
                              v1::ImportUnitsResponse& response) {
  if (request.units_size() > kUnitsPutMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("units: ", request.units_size(), ", limit ", kUnitsPutMax));
  }
  if (request.units_size() == 0) return Invalid("units", "none given");
  UnitsPut put;
  put.units.assign(request.units().begin(), request.units().end());
  for (v1::Unit& unit : put.units) ToNormalForm(unit);
  put.correct_structure = request.correct_structure();
  put.author = author;
  ASSIGN_OR_RETURN(const CommitResult result, Commit(put));
  response.set_created(result.entries_created);
  response.set_updated(result.entries_updated);
  response.set_unchanged(result.entries_unchanged);
  response.set_ledger_id(result.position.ledger_id());
  response.set_sequence(result.position.sequence());
  return absl::OkStatus();
}

grpc::Status UnitService::ImportUnitsFile(grpc::ServerContext* context,
                                          grpc::ServerReader<v1::ImportUnitsFileRequest>* reader,
                                          v1::ImportUnitsFileResponse* response) {
  return metrics_.Answer("ImportUnitsFile", PutFile(*context, *reader, *response));
}

absl::Status UnitService::PutFile(grpc::ServerContext& context,
                                  grpc::ServerReader<v1::ImportUnitsFileRequest>& reader,
                                  v1::ImportUnitsFileResponse& response) {
  EntryFile file(UnitFileForms(), options_.spool_folder);
  v1::ImportUnitsFileRequest first;
  RETURN_IF_ERROR(ReceiveEntryFile(context, reader, file, first));
  ASSIGN_OR_RETURN(const EntryTable table, file.Finish());
  std::vector<int64_t> row_numbers;
  const absl::StatusOr<CommitResult> result =
      CommitMade([&](const auto& directory) -> absl::StatusOr<UnitsPut> {
        ASSIGN_OR_RETURN(UnitsOfFile read, ReadUnitFile(table, *directory));
        row_numbers = std::move(read.row_numbers);
        UnitsPut put;
        put.units = std::move(read.units);
        put.correct_structure = first.correct_structure();
        put.author = PrincipalOf(context);
        return put;
      });
  RETURN_IF_ERROR(AboutRow(row_numbers, result.status()));
  response.set_rows(static_cast<int64_t>(table.rows.size()));
  response.set_created(result->entries_created);
  response.set_updated(result->entries_updated);
  response.set_unchanged(result->entries_unchanged);
  response.mutable_columns()->Assign(table.columns.begin(), table.columns.end());
  response.set_ledger_id(result->position.ledger_id());
  response.set_sequence(result->position.sequence());
  return absl::OkStatus();
}

grpc::Status UnitService::UpdateUnit(grpc::ServerContext* context,
                                     const v1::UpdateUnitRequest* request,
                                     v1::UpdateUnitResponse* response) {
  return metrics_.Answer("UpdateUnit", Update(*request, PrincipalOf(*context), *response));
}

absl::Status UnitService::Update(const v1::UpdateUnitRequest& request, const std::string& author,
                                 v1::UpdateUnitResponse& response) {
  return ChangeOne(
      [&](const std::shared_ptr<const Directory>& directory) -> absl::StatusOr<UnitsPut> {
        const v1::Unit* const known = directory->Find(request.unit().unit_id());
        if (known == nullptr) return NoSuchUnit(request.unit().unit_id());
        v1::Unit unit = *known;
        RETURN_IF_ERROR(ApplyMask(request, unit));
        ToNormalForm(unit);
        RETURN_IF_ERROR(KeepFormerName(*known, request.renamed_on(), unit));
        UnitsPut put;
        put.units = {std::move(unit)};
        put.author = author;
        return put;
      },
      response);
}

grpc::Status UnitService::AddAlias(grpc::ServerContext* context, const v1::AddAliasRequest* request,
                                   v1::UpdateUnitResponse* response) {
  return metrics_.Answer("AddAlias", Teach(*request, PrincipalOf(*context), *response));
}

absl::Status UnitService::Teach(const v1::AddAliasRequest& request, const std::string& author,
                                v1::UpdateUnitResponse& response) {
  const std::string alias = ToNfc(Trim(request.alias()));
  if (alias.empty() || alias.size() > kAliasBytesMax || TextKey(alias).empty()) {
    return Invalid("alias",
                   absl::StrCat(Quoted(alias), " is no name of 1 to ", kAliasBytesMax, " bytes"));
  }
  return ChangeOne(
      [&](const std::shared_ptr<const Directory>& directory) -> absl::StatusOr<UnitsPut> {
        const v1::Unit* const known = directory->Find(request.unit_id());
        if (known == nullptr) return NoSuchUnit(request.unit_id());
        for (const v1::Unit* const other :
             UnitMatcher(directory, options_.province).Candidates(alias)) {
          if (other == known || !ExistTogether(*known, *other)) continue;
          return absl::AlreadyExistsError(absl::StrCat("alias: ", Quoted(alias), " may mean ",
                                                       Quoted(other->unit_id()), ", ",
                                                       other->name(), ", on days that both exist"));
        }
        UnitsPut put;
        put.units = {*known};
        const auto& aliases = known->aliases();
        if (std::find(aliases.begin(), aliases.end(), alias) == aliases.end()) {
          put.units.front().add_aliases(alias);
        }
        put.author = author;
        return put;
      },
      response);
}

}  // namespace dondoc::ingestion
