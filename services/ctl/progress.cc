#include "services/ctl/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "services/common/metric/ratio.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

constexpr absl::Duration kDrawEvery = absl::Milliseconds(100);
constexpr absl::Duration kPlainLineEvery = absl::Seconds(2);
constexpr size_t kNameColumns = 24;
constexpr size_t kBarColumnsMin = 10;
constexpr size_t kBarColumnsMax = 40;

int64_t PercentSent(const ProgressState& state) {
  if (state.bytes_total <= 0) return 100;
  return std::clamp<int64_t>(state.bytes_sent * 100 / state.bytes_total, 0, 100);
}

std::string RowsPart(const ProgressState& state) {
  if (!state.rows.has_value()) return "";
  std::string part = absl::StrCat(NumberVi(*state.rows), " dòng");
  const double seconds = absl::ToDoubleSeconds(state.elapsed);
  if (seconds >= 0.1 && *state.rows > 0) {
    const auto rate = static_cast<int64_t>(static_cast<double>(*state.rows) / seconds);
    absl::StrAppend(&part, ", ", NumberVi(rate), " dòng/giây");
  }
  if (state.rejected.has_value()) {
    absl::StrAppend(&part, ", loại ", NumberVi(*state.rejected));
  }
  return part;
}

}  // namespace

std::string SizeText(int64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  const bool kilo = bytes < 1'000'000;
  const double size = static_cast<double>(bytes) / (kilo ? 1e3 : 1e6);
  return absl::StrCat(absl::StrReplaceAll(absl::StrFormat("%.1f", size), {{".", ","}}),
                      kilo ? " kB" : " MB");
}

std::string ProgressPlainLine(const ProgressState& state) {
  std::string line = absl::StrFormat("đã gửi %s/%s (%d %%)", SizeText(state.bytes_sent),
                                     SizeText(state.bytes_total), PercentSent(state));
  const std::string rows = RowsPart(state);
  if (!rows.empty()) absl::StrAppend(&line, ", ", rows);
  return line;
}

std::string ProgressBarLine(const ProgressState& state, size_t width) {
  const int64_t percent = PercentSent(state);
  std::string text = absl::StrFormat("%3d %%  %s/%s", percent, SizeText(state.bytes_sent),
                                     SizeText(state.bytes_total));
  const std::string rows = RowsPart(state);
  if (!rows.empty()) absl::StrAppend(&text, "  ", rows);
  const size_t used = DisplayWidth(text) + 3;  // brackets and a space
  if (used + kBarColumnsMin > width) return CutTo(text, width);
  const size_t columns = std::min(width - used, kBarColumnsMax);
  const size_t filled = columns * static_cast<size_t>(percent) / 100;
  std::string bar = "[";
  for (size_t i = 0; i < columns; ++i) bar += i < filled ? "█" : "░";
  return absl::StrCat(bar, "] ", text);
}

void ProgressBoard::Update(const std::vector<FileProgress>& files, absl::Duration elapsed) {
  const absl::Duration every = width_ == 0 ? kPlainLineEvery : kDrawEvery;
  // The first plain line comes only after a while: a small file needs none.
  const absl::Duration last = drawn_at_.value_or(width_ == 0 ? absl::ZeroDuration() : -every);
  if (files.empty() || elapsed - last < every) return;
  drawn_at_ = elapsed;
  if (width_ == 0) {
    for (const FileProgress& file : files) {
      if (!file.name.empty()) out_ << Printable(file.name) << ": ";
      out_ << ProgressPlainLine(file.state) << "\n";
    }
    out_ << std::flush;
    return;
  }
  if (lines_ > files.size()) Clear();
  out_ << "\r";
  if (lines_ > 1) out_ << "\x1b[" << lines_ - 1 << "A";
  for (size_t i = 0; i < files.size(); ++i) {
    size_t width = width_ - 1;
    if (i > 0) out_ << "\n";
    if (!files[i].name.empty()) {
      out_ << PadRight(CutTo(Printable(files[i].name), kNameColumns), kNameColumns) << " ";
      width -= std::min(width, kNameColumns + 1);
    }
    // "\x1b[K" clears what a longer line left behind.
    out_ << ProgressBarLine(files[i].state, width) << "\x1b[K";
  }
  out_ << std::flush;
  lines_ = files.size();
}

void ProgressBoard::Clear() {
  if (lines_ == 0) return;
  out_ << "\r";
  if (lines_ > 1) out_ << "\x1b[" << lines_ - 1 << "A\x1b[J";
  if (lines_ == 1) out_ << "\x1b[K";
  out_ << std::flush;
  lines_ = 0;
}

}  // namespace dondoc::ctl
