#include "services/ingestion/reading/header_map.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kHeaderBytesMax = 200;
constexpr int kOwnRank = 100;
constexpr size_t kOwnSynonymsMax = 10'000;

// Headers by their match key. Where several headers of a file mean the same, the highest rank is
// read and the others are ignored.
struct Synonym {
  const char* key;
  Meaning meaning;
  int rank;
};
constexpr Synonym kSynonyms[] = {
    {"stt", Meaning::kSerial, 1},
    {"tt", Meaning::kSerial, 1},
    {"so tt", Meaning::kSerial, 1},
    {"so thu tu", Meaning::kSerial, 1},

    {"code", Meaning::kCode, 9},
    {"mahoso", Meaning::kCode, 8},
    {"ma ho so", Meaning::kCode, 7},
    {"ma so ho so", Meaning::kCode, 6},
    {"so ho so", Meaning::kCode, 5},
    {"so bien nhan", Meaning::kCode, 4},
    // A linked procedure has one code of its own and one of the whole; its own counts.
    {"ma ho so lien thong", Meaning::kCode, 1},

    {"procedure code", Meaning::kProcedureCode, 9},
    {"matthc", Meaning::kProcedureCode, 8},
    {"ma tthc", Meaning::kProcedureCode, 7},
    {"ma thu tuc", Meaning::kProcedureCode, 6},
    {"ma thu tuc hanh chinh", Meaning::kProcedureCode, 6},

    {"procedure name", Meaning::kProcedureName, 9},
    {"tentthc", Meaning::kProcedureName, 8},
    {"ten thu tuc hanh chinh", Meaning::kProcedureName, 7},
    {"ten tthc", Meaning::kProcedureName, 6},
    {"ten thu tuc", Meaning::kProcedureName, 5},
    {"thu tuc hanh chinh", Meaning::kProcedureName, 5},
    {"thu tuc", Meaning::kProcedureName, 4},
    {"noi dung ho so", Meaning::kProcedureName, 1},

    {"field", Meaning::kField, 9},
    {"linh vuc", Meaning::kField, 7},
    {"ten linh vuc", Meaning::kField, 6},
    {"malinhvuc", Meaning::kField, 5},

    {"unit id", Meaning::kUnit, 9},
    {"don vi tiep nhan", Meaning::kUnit, 7},
    {"ten don vi tiep nhan", Meaning::kUnit, 7},
    {"co quan tiep nhan", Meaning::kUnit, 6},
    {"noi tiep nhan", Meaning::kUnit, 5},
    {"don vi", Meaning::kUnit, 4},
    {"ten don vi", Meaning::kUnit, 4},
    {"ubnd cap xa", Meaning::kUnit, 3},

    {"handling unit id", Meaning::kHandlingUnit, 9},
    {"donvixuly", Meaning::kHandlingUnit, 8},
    {"don vi giai quyet", Meaning::kHandlingUnit, 7},
    {"ten don vi giai quyet", Meaning::kHandlingUnit, 7},
    {"ten don vi xu ly", Meaning::kHandlingUnit, 7},
    {"don vi xu ly", Meaning::kHandlingUnit, 7},
    {"co quan giai quyet", Meaning::kHandlingUnit, 6},
    {"co quan thuc hien", Meaning::kHandlingUnit, 6},
    {"don vi thuc hien", Meaning::kHandlingUnit, 6},

    {"submitted time", Meaning::kSubmitted, 9},
    {"ngaynophoso", Meaning::kSubmitted, 8},
    {"ngay nop ho so", Meaning::kSubmitted, 7},
    {"ngay nop", Meaning::kSubmitted, 6},
    {"ngay gui", Meaning::kSubmitted, 5},

    {"received time", Meaning::kReceived, 9},
    {"ngaytiepnhan", Meaning::kReceived, 8},
    {"ngay tiep nhan", Meaning::kReceived, 7},
    {"ngay tiep nhan ho so", Meaning::kReceived, 7},
    {"thoi gian tiep nhan", Meaning::kReceived, 6},
    {"ngay nhan", Meaning::kReceived, 5},
    {"ngay nhan ho so", Meaning::kReceived, 5},

    {"update time", Meaning::kUpdated, 9},
    {"ngaycapnhat", Meaning::kUpdated, 8},
    {"ngay cap nhat", Meaning::kUpdated, 7},
    {"thoi gian cap nhat", Meaning::kUpdated, 6},

    {"due time", Meaning::kDue, 9},
    {"ngayhentra", Meaning::kDue, 8},
    {"ngay hen tra", Meaning::kDue, 7},
    {"ngay hen tra ket qua", Meaning::kDue, 7},
    {"han xu ly", Meaning::kDue, 6},

    {"done time", Meaning::kDone, 9},
    {"ngayketthucxuly", Meaning::kDone, 8},
    {"ngay ket thuc xu ly", Meaning::kDone, 7},
    {"ngay tra ket qua", Meaning::kDone, 6},
    {"ngaytra", Meaning::kDone, 5},
    {"ngay tra", Meaning::kDone, 5},

    {"channel", Meaning::kChannel, 9},
    {"kenhthuchien", Meaning::kChannel, 8},
    {"kenh thuc hien", Meaning::kChannel, 7},
    {"kenh tiep nhan", Meaning::kChannel, 7},
    {"hinh thuc tiep nhan", Meaning::kChannel, 6},
    {"hinh thuc nop", Meaning::kChannel, 6},
    {"hinh thuc nop ho so", Meaning::kChannel, 6},
    {"loai tiep nhan", Meaning::kChannel, 5},

    {"service level", Meaning::kServiceLevel, 9},
    {"mucdo", Meaning::kServiceLevel, 8},
    {"muc do", Meaning::kServiceLevel, 7},
    {"muc do dvc", Meaning::kServiceLevel, 7},
    {"muc do dvctt", Meaning::kServiceLevel, 7},
    {"muc do dich vu cong", Meaning::kServiceLevel, 7},
    {"loai dvc", Meaning::kServiceLevel, 5},
    {"loai dich vu cong", Meaning::kServiceLevel, 5},

    {"status", Meaning::kStatus, 9},
    {"trangthaihoso", Meaning::kStatus, 8},
    {"trang thai ho so", Meaning::kStatus, 7},
    {"trang thai", Meaning::kStatus, 6},
    {"tinh trang ho so", Meaning::kStatus, 5},
    {"tinh trang", Meaning::kStatus, 4},
};

// A header that holds one of these names a person: its cells are never looked at.
constexpr const char* kPersonalKeys[] = {
    "chu ho so",    "chuhoso",   "nguoi nop", "nguoi nhan", "ho ten",    "ho va ten",
    "dia chi",      "diachi",    "sdt",       "dien thoai", "dienthoai", "cccd",
    "cmnd",         "can cuoc",  "ho chieu",  "so giay to", "sogiayto",  "email",
    "thu dien tu",  "ngay sinh", "ngaysinh",  "ca nhan",    "cong dan",  "nguoi yeu cau",
    "doanh nghiep", "nguoinop",  "hoten",     "ma so thue", "gioi tinh", "so dinh danh",
};

const absl::flat_hash_map<std::string, const Synonym*>& SynonymsByKey() {
  static const auto* const by_key = [] {
    auto* map = new absl::flat_hash_map<std::string, const Synonym*>();
    for (const Synonym& synonym : kSynonyms) map->emplace(synonym.key, &synonym);
    return map;
  }();
  return *by_key;
}

bool IsPersonal(absl::string_view key) {
  const std::string padded = absl::StrCat(" ", key, " ");
  for (const char* personal : kPersonalKeys) {
    if (absl::StrContains(padded, absl::StrCat(" ", personal, " "))) return true;
    // Run together as in the national fields: "SoGiayToChuHoSo".
    if (!absl::StrContains(personal, ' ') && absl::StrContains(key, personal)) return true;
  }
  return false;
}

struct Required {
  Meaning meaning;
  const char* name;
};
constexpr Required kRequired[] = {
    {Meaning::kCode, "mã hồ sơ"},
    {Meaning::kUnit, "đơn vị tiếp nhận"},
    {Meaning::kReceived, "ngày tiếp nhận"},
};

}  // namespace

absl::string_view MeaningName(Meaning meaning) {
  static constexpr absl::string_view kNames[kMeaningCount] = {
      "serial",        "code",          "procedure_code", "procedure_name", "field",  "unit",
      "handling_unit", "submitted",     "received",       "updated",        "due",    "done",
      "channel",       "service_level", "status",         "personal",       "ignored"};
  return kNames[static_cast<size_t>(meaning)];
}

absl::StatusOr<ColumnSynonyms> ParseColumnSynonyms(absl::string_view text) {
  ColumnSynonyms synonyms;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = Trim(line);
    if (line.empty() || line.front() == '#') continue;
    // The header may hold commas itself; a meaning holds none.
    const size_t comma = line.rfind(',');
    const std::string key = TextKey(line.substr(0, comma));
    const absl::string_view name =
        comma == absl::string_view::npos ? absl::string_view() : Trim(line.substr(comma + 1));
    std::optional<Meaning> meaning;
    for (int i = 0; i < kMeaningCount; ++i) {
      if (name == MeaningName(static_cast<Meaning>(i))) meaning = static_cast<Meaning>(i);
    }
    if (key.empty() || !meaning.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": want \"header,meaning\" with a meaning such as unit"));
    }
    if (synonyms.size() >= kOwnSynonymsMax) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", kOwnSynonymsMax, " synonyms"));
    }
    synonyms[key] = *meaning;
  }
  return synonyms;
}

ColumnPlan MapHeader(absl::Span<const absl::string_view> cells, const ColumnSynonyms* own) {
  ColumnPlan plan;
  plan.column_of.fill(-1);
  std::vector<Meaning> meanings(cells.size(), Meaning::kIgnored);
  std::array<int, kMeaningCount> rank_of{};
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string key = TextKey(cells[i].substr(0, kHeaderBytesMax));
    Synonym synonym{nullptr, Meaning::kIgnored, 0};
    if (const auto mine = own == nullptr ? ColumnSynonyms::const_iterator() : own->find(key);
        own != nullptr && mine != own->end()) {
      synonym = {nullptr, mine->second, kOwnRank};
    } else if (const auto found = SynonymsByKey().find(key); found != SynonymsByKey().end()) {
      synonym = *found->second;
    } else {
      if (IsPersonal(key)) meanings[i] = Meaning::kPersonal, ++plan.recognised;
      continue;
    }
    ++plan.recognised;
    if (synonym.meaning == Meaning::kPersonal || synonym.meaning == Meaning::kIgnored) {
      meanings[i] = synonym.meaning;
      continue;
    }
    const size_t slot = static_cast<size_t>(synonym.meaning);
    if (synonym.rank <= rank_of[slot]) continue;
    if (plan.column_of[slot] >= 0) {
      meanings[static_cast<size_t>(plan.column_of[slot])] = Meaning::kIgnored;
    }
    rank_of[slot] = synonym.rank;
    plan.column_of[slot] = static_cast<int>(i);
    meanings[i] = synonym.meaning;
  }
  // A file that names only the handling unit has no other: it is the unit that counts.
  int& unit = plan.column_of[static_cast<size_t>(Meaning::kUnit)];
  int& handling = plan.column_of[static_cast<size_t>(Meaning::kHandlingUnit)];
  if (unit < 0 && handling >= 0) {
    unit = handling;
    handling = -1;
    meanings[static_cast<size_t>(unit)] = Meaning::kUnit;
  }
  plan.column_of[static_cast<size_t>(Meaning::kSerial)] = -1;
  for (size_t i = 0; i < cells.size(); ++i) {
    v1::ColumnMapping& column = plan.columns.emplace_back();
    column.set_header(ToUtf8(Trim(cells[i]), kHeaderBytesMax));
    column.set_meaning(std::string(MeaningName(meanings[i])));
  }
  for (const Required& required : kRequired) {
    if (plan.column(required.meaning) < 0) plan.missing.emplace_back(required.name);
  }
  return plan;
}

}  // namespace dondoc::ingestion
