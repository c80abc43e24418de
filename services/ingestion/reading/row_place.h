#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Rows of a file have one number each. In a workbook several sheets may hold tables: the rows of
// the i-th of them (from 0) are numbered from i * kSheetRowNumbers on, so that numbers differ and
// keep the file's order. What people see is the row as the spreadsheet shows it and the sheet's
// name.

namespace dondoc::ingestion {

// More than the lines a file of the largest size can have.
inline constexpr int64_t kSheetRowNumbers = 10'000'000'000;

// As the spreadsheet shows it.
inline int64_t ShownRow(int64_t number) { return number % kSheetRowNumbers; }

// The sheet's name; empty where the format has no sheets. `sheets` are those with tables, in order.
template <typename Names>
absl::string_view SheetOf(const Names& sheets, int64_t number) {
  const int64_t index = number / kSheetRowNumbers;
  if (index < 0 || index >= static_cast<int64_t>(sheets.size())) return "";
  return *(sheets.begin() + static_cast<int>(index));
}

// "12", or "12 (trang \"Tháng 2\")" where a file has several sheets.
template <typename Names>
std::string RowName(const Names& sheets, int64_t number) {
  std::string name = absl::StrCat(ShownRow(number));
  if (static_cast<int64_t>(sheets.size()) > 1) {
    absl::StrAppend(&name, " (trang \"", SheetOf(sheets, number), "\")");
  }
  return name;
}

}  // namespace dondoc::ingestion
