#include "services/ingestion/reading/xlsx_workbook.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/ingestion/reading/number_format.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kStylesMax = 100'000;
constexpr size_t kRelationsMax = 10'000;
constexpr absl::string_view kPathOfWorkbook = "xl/workbook.xml";

bool IsTrue(const char* value) {
  return value != nullptr &&
         (absl::string_view(value) == "1" || absl::string_view(value) == "true");
}

// `target` as seen from the folder of `part`; "/xl/…" is from the root.
std::string Resolve(absl::string_view part, absl::string_view target) {
  if (absl::StartsWith(target, "/")) return std::string(target.substr(1));
  std::vector<absl::string_view> path = absl::StrSplit(part, '/');
  path.pop_back();
  for (const absl::string_view step : absl::StrSplit(target, '/')) {
    if (step == "..") {
      if (!path.empty()) path.pop_back();
    } else if (step != ".") {
      path.push_back(step);
    }
  }
  std::string out;
  for (const absl::string_view step : path) absl::StrAppend(&out, out.empty() ? "" : "/", step);
  return out;
}

std::string RelationsOf(absl::string_view part) {
  const size_t slash = part.rfind('/');
  if (slash == absl::string_view::npos) return absl::StrCat("_rels/", part, ".rels");
  return absl::StrCat(part.substr(0, slash), "/_rels/", part.substr(slash + 1), ".rels");
}

struct Relation {
  std::string type;  // its last word
  std::string target;
};

class RelationsHandler : public XmlStream::Handler {
 public:
  absl::Status OnStart(absl::string_view name, const char** attributes) override {
    if (name != "Relationship") return absl::OkStatus();
    const char* const id = FindAttribute(attributes, "Id");
    const char* const type = FindAttribute(attributes, "Type");
    const char* const target = FindAttribute(attributes, "Target");
    if (id == nullptr || type == nullptr || target == nullptr) return absl::OkStatus();
    if (by_id.size() >= kRelationsMax) {
      return absl::InvalidArgumentError("Tệp Excel có quá 10.000 quan hệ giữa các phần.");
    }
    const absl::string_view type_text(type);
    by_id[id] = {std::string(type_text.substr(type_text.rfind('/') + 1)), target};
    return absl::OkStatus();
  }
  absl::Status OnEnd(absl::string_view) override { return absl::OkStatus(); }
  absl::Status OnText(absl::string_view) override { return absl::OkStatus(); }

  absl::flat_hash_map<std::string, Relation> by_id;
};

class WorkbookHandler : public XmlStream::Handler {
 public:
  struct Sheet {
    std::string name;
    std::string relation;
    bool hidden;
  };
  absl::Status OnStart(absl::string_view name, const char** attributes) override {
    if (name == "workbookPr") {
      epoch_1904 = IsTrue(FindAttribute(attributes, "date1904"));
    } else if (name == "sheet") {
      const char* const title = FindAttribute(attributes, "name");
      const char* const state = FindAttribute(attributes, "state");
      const char* relation = nullptr;
      // "r:id", told from "sheetId" by its prefix, whatever that is.
      for (const char** at = attributes; *at != nullptr; at += 2) {
        if (absl::EndsWith(at[0], ":id")) relation = at[1];
      }
      if (relation != nullptr) {
        sheets.push_back({title == nullptr ? "" : title, relation,
                          state != nullptr && absl::string_view(state) != "visible"});
      }
    }
    return sheets.size() > kRelationsMax
               ? absl::InvalidArgumentError("Tệp Excel có quá nhiều trang tính.")
               : absl::OkStatus();
  }
  absl::Status OnEnd(absl::string_view) override { return absl::OkStatus(); }
  absl::Status OnText(absl::string_view) override { return absl::OkStatus(); }

  std::vector<Sheet> sheets;
  bool epoch_1904 = false;
};

class StylesHandler : public XmlStream::Handler {
 public:
  absl::Status OnStart(absl::string_view name, const char** attributes) override {
    if (name == "cellXfs") {
      in_cell_formats_ = true;
    } else if (name == "numFmt") {
      int id = 0;
      const char* const id_text = FindAttribute(attributes, "numFmtId");
      const char* const code = FindAttribute(attributes, "formatCode");
      if (id_text != nullptr && code != nullptr && absl::SimpleAtoi(id_text, &id)) {
        if (custom_.size() < kStylesMax) custom_[id] = IsDateFormat(code);
      }
    } else if (name == "xf" && in_cell_formats_) {
      int id = 0;
      const char* const id_text = FindAttribute(attributes, "numFmtId");
      const bool known = id_text != nullptr && absl::SimpleAtoi(id_text, &id);
      const auto custom = custom_.find(id);
      if (date_styles.size() < kStylesMax) {
        date_styles.push_back(known &&
                              (custom != custom_.end() ? custom->second : IsBuiltInDateFormat(id)));
      }
    }
    return absl::OkStatus();
  }
  absl::Status OnEnd(absl::string_view name) override {
    if (name == "cellXfs") in_cell_formats_ = false;
    return absl::OkStatus();
  }
  absl::Status OnText(absl::string_view) override { return absl::OkStatus(); }

  std::vector<bool> date_styles;

 private:
  absl::flat_hash_map<int, bool> custom_;
  bool in_cell_formats_ = false;
};

// <si>: one text, or runs of it in several fonts; a phonetic reading (<rPh>) is no part of it.
class SharedStringsHandler : public XmlStream::Handler {
 public:
  SharedStringsHandler(SharedStrings& strings, const XlsxLimits& limits)
      : strings_(strings), limits_(limits) {}

  absl::Status OnStart(absl::string_view name, const char**) override {
    if (name == "si") text_.clear();
    if (name == "rPh") in_phonetic_ = true;
    in_text_ = name == "t" && !in_phonetic_;
    return absl::OkStatus();
  }
  absl::Status OnEnd(absl::string_view name) override {
    in_text_ = false;
    if (name == "rPh") in_phonetic_ = false;
    if (name != "si") return absl::OkStatus();
    // Beyond what a cell may hold it is only told that it was too long.
    strings_.Add(absl::string_view(text_).substr(0, kCsvCellBytesMax + 1));
    if (strings_.bytes() > limits_.shared_string_bytes_max ||
        strings_.size() > limits_.shared_strings_max) {
      return absl::InvalidArgumentError(
          absl::StrCat("Tệp Excel có quá nhiều văn bản khác nhau (giới hạn ",
                       NumberVi(limits_.shared_strings_max), " chuỗi, ",
                       NumberVi(limits_.shared_string_bytes_max),
                       " byte). Hãy lưu thành \"CSV UTF-8\" rồi tải lại."));
    }
    return absl::OkStatus();
  }
  absl::Status OnText(absl::string_view text) override {
    if (in_text_ && text_.size() <= kCsvCellBytesMax) text_.append(text.data(), text.size());
    return absl::OkStatus();
  }

 private:
  SharedStrings& strings_;
  const XlsxLimits& limits_;
  std::string text_;
  bool in_text_ = false;
  bool in_phonetic_ = false;
};

absl::Status NotAWorkbook(const XlsxPackage& package) {
  absl::string_view what = "một tệp nén (.zip), không phải tệp Excel";
  if (package.Has("xl/workbook.bin")) {
    what = "một tệp Excel nhị phân (.xlsb)";
  } else if (package.Has("word/document.xml")) {
    what = "một tệp Word (.docx)";
  } else if (package.Has("content.xml")) {
    what = "một tệp OpenDocument (.ods)";
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Tệp này là ", what, ". Hãy lưu thành .xlsx rồi tải lại."));
}

absl::StatusOr<std::string> FindWorkbook(XlsxPackage& package) {
  if (package.Has("_rels/.rels")) {
    RelationsHandler root;
    RETURN_IF_ERROR(package.ReadXml("_rels/.rels", package.limits().part_bytes_max, root));
    for (const auto& [id, relation] : root.by_id) {
      if (relation.type != "officeDocument") continue;
      std::string part = Resolve("", relation.target);
      if (absl::EndsWith(part, "workbook.xml") && package.Has(part)) return part;
    }
  }
  if (package.Has(std::string(kPathOfWorkbook))) return std::string(kPathOfWorkbook);
  return NotAWorkbook(package);
}

}  // namespace

absl::StatusOr<Workbook> ReadWorkbook(XlsxPackage& package) {
  const XlsxLimits& limits = package.limits();
  Workbook book;
  ASSIGN_OR_RETURN(const std::string part, FindWorkbook(package));
  WorkbookHandler workbook;
  RETURN_IF_ERROR(package.ReadXml(part, limits.part_bytes_max, workbook));
  book.epoch_1904 = workbook.epoch_1904;
  RelationsHandler relations;
  RETURN_IF_ERROR(package.ReadXml(RelationsOf(part), limits.part_bytes_max, relations));
  for (WorkbookHandler::Sheet& sheet : workbook.sheets) {
    const auto found = relations.by_id.find(sheet.relation);
    // Charts are sheets without rows.
    if (found == relations.by_id.end() || found->second.type != "worksheet") continue;
    book.sheets.push_back(
        {std::move(sheet.name), Resolve(part, found->second.target), sheet.hidden});
  }
  if (static_cast<int>(book.sheets.size()) > limits.sheets_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("Tệp Excel có quá ", limits.sheets_max, " trang tính."));
  }
  for (const auto& [id, relation] : relations.by_id) {
    const std::string target = Resolve(part, relation.target);
    if (!package.Has(target)) continue;
    if (relation.type == "styles") {
      StylesHandler styles;
      RETURN_IF_ERROR(package.ReadXml(target, limits.part_bytes_max, styles));
      book.date_styles = std::move(styles.date_styles);
    } else if (relation.type == "sharedStrings") {
      SharedStringsHandler strings(book.shared_strings, limits);
      RETURN_IF_ERROR(package.ReadXml(target, limits.inflated_bytes_max, strings));
    }
  }
  return book;
}

}  // namespace dondoc::ingestion
