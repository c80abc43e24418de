#include "services/ingestion/reading/cell_values.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/civil_time.h"
#include "absl/types/span.h"
#include "services/common/clock/civil.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kTimeBytesMax = 40;
constexpr int kVietNamOffsetMinutes = 7 * 60;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads a text from its start; each Take* returns false, and the text is then of another form.
class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text) {}

  // `digits_min`–`digits_max` digits.
  bool TakeNumber(int digits_min, int digits_max, int& value) {
    int digits = 0;
    value = 0;
    while (digits < digits_max && !text_.empty() && IsDigit(text_.front())) {
      value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
      ++digits;
    }
    return digits >= digits_min;
  }
  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool TakeOneOf(absl::string_view characters, char& taken) {
    if (text_.empty() || !absl::StrContains(characters, text_.front())) return false;
    taken = text_.front();
    text_.remove_prefix(1);
    return true;
  }
  bool TakeSpaces() {
    const size_t before = text_.size();
    while (Take(' ')) {
    }
    return text_.size() < before;
  }
  void SkipDigits() {
    while (!text_.empty() && IsDigit(text_.front())) text_.remove_prefix(1);
  }
  bool done() const { return text_.empty(); }

 private:
  absl::string_view text_;
};

struct Parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::optional<int> offset_minutes;
};

// "HH:mm[:ss]"
bool TakeClock(Scanner& scanner, Parts& parts) {
  if (!scanner.TakeNumber(1, 2, parts.hour) || !scanner.Take(':') ||
      !scanner.TakeNumber(2, 2, parts.minute)) {
    return false;
  }
  return !scanner.Take(':') || scanner.TakeNumber(2, 2, parts.second);
}

// "Z", "+07:00", "+0700", "+07"; nothing is no zone.
bool TakeZone(Scanner& scanner, Parts& parts) {
  if (scanner.done()) return true;
  char sign = 0;
  if (scanner.Take('Z') || scanner.Take('z')) {
    parts.offset_minutes = 0;
    return scanner.done();
  }
  int hours = 0, minutes = 0;
  if (!scanner.TakeOneOf("+-", sign) || !scanner.TakeNumber(2, 2, hours)) return false;
  scanner.Take(':');
  if (!scanner.done() && !scanner.TakeNumber(2, 2, minutes)) return false;
  if (hours > 14 || minutes > 59) return false;
  parts.offset_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
  return scanner.done();
}

bool ReadDayFirst(absl::string_view text, Parts& parts) {
  Scanner scanner(text);
  char divider = 0;
  if (!scanner.TakeNumber(1, 2, parts.day) || !scanner.TakeOneOf("/-.", divider) ||
      !scanner.TakeNumber(1, 2, parts.month) || !scanner.Take(divider) ||
      !scanner.TakeNumber(4, 4, parts.year)) {
    return false;
  }
  if (scanner.done()) return true;
  return scanner.TakeSpaces() && TakeClock(scanner, parts) && scanner.done();
}

bool ReadIso(absl::string_view text, Parts& parts) {
  Scanner scanner(text);
  if (!scanner.TakeNumber(4, 4, parts.year) || !scanner.Take('-') ||
      !scanner.TakeNumber(2, 2, parts.month) || !scanner.Take('-') ||
      !scanner.TakeNumber(2, 2, parts.day)) {
    return false;
  }
  if (scanner.done()) return true;
  if (!scanner.Take('T') && !scanner.TakeSpaces()) return false;
  if (!TakeClock(scanner, parts)) return false;
  if (scanner.Take('.')) scanner.SkipDigits();
  return TakeZone(scanner, parts);
}

bool ReadPacked(absl::string_view text, Parts& parts) {
  Scanner scanner(text);
  return scanner.TakeNumber(4, 4, parts.year) && scanner.TakeNumber(2, 2, parts.month) &&
         scanner.TakeNumber(2, 2, parts.day) && scanner.TakeNumber(2, 2, parts.hour) &&
         scanner.TakeNumber(2, 2, parts.minute) && scanner.TakeNumber(2, 2, parts.second) &&
         scanner.done();
}

// A word, by match key, and what it stands for. Words of digits are the national codes.
template <typename Value>
struct ValueWord {
  const char* key;
  Value value;
};

constexpr ValueWord<v1::Channel::Value> kChannelWords[] = {
    {"truc tuyen", v1::Channel::ONLINE},
    {"nop truc tuyen", v1::Channel::ONLINE},
    {"qua mang", v1::Channel::ONLINE},
    {"online", v1::Channel::ONLINE},
    {"dvctt", v1::Channel::ONLINE},
    {"dich vu cong truc tuyen", v1::Channel::ONLINE},
    {"truc tiep", v1::Channel::COUNTER},
    {"nop truc tiep", v1::Channel::COUNTER},
    {"tai quay", v1::Channel::COUNTER},
    {"tai bo phan mot cua", v1::Channel::COUNTER},
    {"counter", v1::Channel::COUNTER},
    {"bcci", v1::Channel::POSTAL},
    {"qua bcci", v1::Channel::POSTAL},
    {"buu chinh", v1::Channel::POSTAL},
    {"buu chinh cong ich", v1::Channel::POSTAL},
    {"qua buu chinh", v1::Channel::POSTAL},
    {"qua buu chinh cong ich", v1::Channel::POSTAL},
    {"dich vu buu chinh cong ich", v1::Channel::POSTAL},
    {"postal", v1::Channel::POSTAL},
    {"unknown", v1::Channel::UNKNOWN},
};

constexpr ValueWord<v1::ServiceLevel::Value> kServiceLevelWords[] = {
    {"toan trinh", v1::ServiceLevel::FULL},
    {"dvctt toan trinh", v1::ServiceLevel::FULL},
    {"muc do 4", v1::ServiceLevel::FULL},
    {"muc 4", v1::ServiceLevel::FULL},
    {"full", v1::ServiceLevel::FULL},
    {"mot phan", v1::ServiceLevel::PARTIAL},
    {"dvctt mot phan", v1::ServiceLevel::PARTIAL},
    {"muc do 3", v1::ServiceLevel::PARTIAL},
    {"muc 3", v1::ServiceLevel::PARTIAL},
    {"partial", v1::ServiceLevel::PARTIAL},
    {"dvc", v1::ServiceLevel::INFORMATION},
    {"muc do 2", v1::ServiceLevel::INFORMATION},
    {"muc 2", v1::ServiceLevel::INFORMATION},
    {"cung cap thong tin", v1::ServiceLevel::INFORMATION},
    {"chua cung cap", v1::ServiceLevel::INFORMATION},
    {"khong cung cap", v1::ServiceLevel::INFORMATION},
    {"information", v1::ServiceLevel::INFORMATION},
    {"unknown", v1::ServiceLevel::UNKNOWN},
};

constexpr ValueWord<v1::Status::Value> kStatusWords[] = {
    {"moi dang ky", v1::Status::NEW},
    {"cho tiep nhan", v1::Status::NEW},
    {"new", v1::Status::NEW},
    {"duoc tiep nhan", v1::Status::RECEIVED},
    {"da tiep nhan", v1::Status::RECEIVED},
    {"received", v1::Status::RECEIVED},
    {"khong duoc tiep nhan", v1::Status::REFUSED},
    {"tu choi", v1::Status::REFUSED},
    {"tu choi tiep nhan", v1::Status::REFUSED},
    {"refused", v1::Status::REFUSED},
    {"dang xu ly", v1::Status::PROCESSING},
    {"dang giai quyet", v1::Status::PROCESSING},
    {"processing", v1::Status::PROCESSING},
    {"yeu cau bo sung giay to", v1::Status::SUPPLEMENT_REQUIRED},
    {"cho bo sung", v1::Status::SUPPLEMENT_REQUIRED},
    {"supplement required", v1::Status::SUPPLEMENT_REQUIRED},
    {"yeu cau thuc hien nghia vu tai chinh", v1::Status::PAYMENT_REQUIRED},
    {"payment required", v1::Status::PAYMENT_REQUIRED},
    {"cong dan yeu cau rut ho so", v1::Status::WITHDRAWN},
    {"rut ho so", v1::Status::WITHDRAWN},
    {"withdrawn", v1::Status::WITHDRAWN},
    {"dung xu ly", v1::Status::STOPPED},
    {"tam dung", v1::Status::STOPPED},
    {"stopped", v1::Status::STOPPED},
    {"da xu ly xong", v1::Status::FINISHED},
    {"da giai quyet", v1::Status::FINISHED},
    {"finished", v1::Status::FINISHED},
    {"da tra ket qua", v1::Status::RETURNED},
    {"returned", v1::Status::RETURNED},
    {"unknown", v1::Status::UNKNOWN},
};

template <typename Value>
CellValue<Value> ParseWord(absl::string_view text, absl::Span<const ValueWord<Value>> words,
                           bool (*is_valid)(int)) {
  using Kind = typename CellValue<Value>::Kind;
  const absl::string_view trimmed = Trim(text);
  if (trimmed.empty() || trimmed == "-") return {Value{}, Kind::kKnown};
  int code = 0;
  if (absl::SimpleAtoi(trimmed, &code)) {
    if (!is_valid(code)) return {Value{}, Kind::kBadCode};
    return {static_cast<Value>(code), Kind::kKnown};
  }
  const std::string key = TextKey(trimmed);
  for (const ValueWord<Value>& word : words) {
    if (key == word.key) return {word.value, Kind::kKnown};
  }
  return {Value{}, Kind::kUnknown};
}

}  // namespace

absl::StatusOr<std::optional<absl::Time>> ParseCellTime(absl::string_view text) {
  text = Trim(text);
  if (text.empty()) return std::nullopt;
  Parts parts;
  if (text.size() > kTimeBytesMax ||
      !(ReadDayFirst(text, parts) || ReadIso(text, parts = Parts()) ||
        ReadPacked(text, parts = Parts()))) {
    return absl::InvalidArgumentError("không phải ngày dạng dd/MM/yyyy hoặc yyyy-MM-dd");
  }
  const absl::CivilSecond civil(parts.year, parts.month, parts.day, parts.hour, parts.minute,
                                parts.second);
  // absl normalises 31/02 to 03/03; a day that comes out as another one does not exist.
  if (civil.year() != parts.year || civil.month() != parts.month || civil.day() != parts.day ||
      civil.hour() != parts.hour || civil.minute() != parts.minute ||
      civil.second() != parts.second) {
    return absl::InvalidArgumentError("ngày hoặc giờ này không có thật");
  }
  // Zones here are fixed offsets, so an instant is a subtraction.
  const int offset_minutes = parts.offset_minutes.value_or(kVietNamOffsetMinutes);
  const absl::Time instant =
      absl::FromUnixSeconds((civil - absl::CivilSecond(1970, 1, 1)) - int64_t{offset_minutes} * 60);
  const absl::CivilDay day = DayOf(instant);
  if (day.year() <= 1 || day == absl::CivilDay(1970, 1, 1)) return std::nullopt;
  return instant;
}

CellValue<v1::Channel::Value> ParseCellChannel(absl::string_view text) {
  return ParseWord<v1::Channel::Value>(text, kChannelWords, v1::Channel::Value_IsValid);
}

CellValue<v1::ServiceLevel::Value> ParseCellServiceLevel(absl::string_view text) {
  return ParseWord<v1::ServiceLevel::Value>(text, kServiceLevelWords,
                                            v1::ServiceLevel::Value_IsValid);
}

CellValue<v1::Status::Value> ParseCellStatus(absl::string_view text) {
  return ParseWord<v1::Status::Value>(text, kStatusWords, v1::Status::Value_IsValid);
}

bool IsUsualCode(absl::string_view code) {
  Scanner scanner(code);
  int ignored = 0;
  if (!code.empty() && code.front() == 'H') {
    if (!scanner.Take('H') || !scanner.TakeNumber(2, 2, ignored)) return false;
    for (int group = 0; group < 3 && scanner.Take('.'); ++group) {
      if (!scanner.TakeNumber(1, 3, ignored)) return false;
    }
  } else if (!scanner.TakeNumber(3, 3, ignored) || !scanner.Take('.') ||
             !scanner.TakeNumber(2, 2, ignored) || !scanner.Take('.') ||
             !scanner.TakeNumber(2, 2, ignored) || !scanner.Take('.') || !scanner.Take('H') ||
             !scanner.TakeNumber(2, 2, ignored)) {
    return false;
  }
  return scanner.Take('-') && scanner.TakeNumber(6, 6, ignored) && scanner.Take('-') &&
         scanner.TakeNumber(4, 6, ignored) && scanner.done();
}

}  // namespace dondoc::ingestion
