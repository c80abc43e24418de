#include "services/ingestion/config.h"

#include <fstream>
#include <memory>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "services/common/config/server_flags.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/reading/text_key.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:9101", "Address of the gRPC services, host:port.");
ABSL_FLAG(std::string, metrics_listen, "127.0.0.1:9201", "Address of /metrics, host:port.");
ABSL_FLAG(std::string, data_dir, "", "Folder of the ledger; made when it is missing. Required.");
ABSL_FLAG(std::string, province, "Kon Tum",
          "The province's name without \"tỉnh\": dropped from unit names in files.");
ABSL_FLAG(int64_t, import_bytes_max, int64_t{4} << 30, "Bytes of a file at most.");
ABSL_FLAG(
    std::string, column_synonyms, "",
    "File with headers of your own, one \"header,meaning\" a line (\"Nơi nộp,unit\"). Empty = "
    "none.");
ABSL_FLAG(double, feed_stall_seconds, 10,
          "How long a reader of the feed may keep a full queue waiting before it is cut, 0.1 to "
          "600.");

namespace dondoc::ingestion {
namespace {

constexpr size_t kProvinceBytesMax = 100;
constexpr double kStallSecondsMin = 0.1;
constexpr double kStallSecondsMax = 600;
constexpr std::streamsize kSynonymsBytesMax = 1 << 20;

absl::StatusOr<std::shared_ptr<const ColumnSynonyms>> ReadSynonyms(const std::string& path) {
  if (path.empty()) return nullptr;
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<size_t>(kSynonymsBytesMax) + 1, '\0');
  file.read(text.data(), kSynonymsBytesMax + 1);
  const std::streamsize bytes = file.gcount();
  text.resize(static_cast<size_t>(bytes));
  if (bytes == 0 || bytes > kSynonymsBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("--column_synonyms=", Quoted(path),
                                                   ": cannot be read, is empty, or has more than ",
                                                   kSynonymsBytesMax, " bytes"));
  }
  absl::StatusOr<ColumnSynonyms> synonyms = ParseColumnSynonyms(text);
  if (!synonyms.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--column_synonyms=", Quoted(path), ": ", synonyms.status().message()));
  }
  return std::make_shared<const ColumnSynonyms>(*std::move(synonyms));
}

}  // namespace

absl::StatusOr<Config> ConfigFromFlags() {
  Config config;
  ASSIGN_OR_RETURN(config.server, ServerConfigFromFlags("ingestion", absl::GetFlag(FLAGS_listen)));
  ASSIGN_OR_RETURN(config.clock, ClockFromFlags());
  config.metrics_address = absl::GetFlag(FLAGS_metrics_listen);
  RETURN_IF_ERROR(CheckAddress("metrics_listen", config.metrics_address));
  config.data_dir = absl::GetFlag(FLAGS_data_dir);
  if (config.data_dir.empty()) {
    return absl::InvalidArgumentError("--data_dir: required, the folder of the ledger");
  }
  config.imports.province = absl::GetFlag(FLAGS_province);
  if (config.imports.province.size() > kProvinceBytesMax || !IsUtf8(config.imports.province)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--province=", Quoted(config.imports.province), ": want a name in UTF-8"));
  }
  config.imports.limits.bytes_max = absl::GetFlag(FLAGS_import_bytes_max);
  if (config.imports.limits.bytes_max < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--import_bytes_max=", config.imports.limits.bytes_max, ": want at least 1"));
  }
  config.imports.reading.files.spool_folder = config.data_dir;
  ASSIGN_OR_RETURN(config.imports.reading.synonyms,
                   ReadSynonyms(absl::GetFlag(FLAGS_column_synonyms)));
  const double stall_seconds = absl::GetFlag(FLAGS_feed_stall_seconds);
  // Written so that NaN is refused.
  if (!(stall_seconds >= kStallSecondsMin && stall_seconds <= kStallSecondsMax)) {
    return absl::InvalidArgumentError(absl::StrCat("--feed_stall_seconds=", stall_seconds,
                                                   ": want ", kStallSecondsMin, " to ",
                                                   kStallSecondsMax));
  }
  config.feed.stall_max = absl::Seconds(stall_seconds);
  return config;
}

}  // namespace dondoc::ingestion
