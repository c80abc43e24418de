#include "services/ingestion/ledger/dossier_codes.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/hash/hash.h"
#include "absl/random/random.h"

namespace dondoc::ingestion {
namespace {

// A packed number, from the lowest bit: serial, digits of the serial less one, date, prefix; the
// highest bit is set for a kept text.
constexpr int kSerialBits = 27;  // eight digits
constexpr int kDigitsBits = 3;
constexpr int kDateBits = 16;
constexpr int kPrefixShift = kSerialBits + kDigitsBits + kDateBits;
constexpr size_t kSerialDigitsMax = 8;
constexpr size_t kDateDigits = 6;
static_assert(uint64_t{kCodePrefixesMax} << kPrefixShift == uint64_t{1} << 63);

constexpr uint64_t kTextBit = uint64_t{1} << 63;
constexpr int kChunkShift = 20;
constexpr size_t kChunkBytes = size_t{1} << kChunkShift;
constexpr size_t kLengthBytes = sizeof(uint32_t);

bool ReadDigits(absl::string_view digits, uint32_t& number) {
  number = 0;
  for (const char c : digits) {
    const auto digit = static_cast<uint32_t>(static_cast<unsigned char>(c)) - '0';
    if (digit > 9) return false;
    number = number * 10 + digit;
  }
  return true;
}

void AppendDigits(uint64_t number, size_t digits, std::string& text) {
  std::array<char, kSerialDigitsMax> reversed = {};
  for (size_t i = 0; i < digits; ++i, number /= 10) {
    reversed[i] = static_cast<char>('0' + number % 10);
  }
  while (digits > 0) text.push_back(reversed[--digits]);
}

uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

}  // namespace

// So that nobody can choose codes that all fall in one place.
DossierCodes::DossierCodes() : seed_(absl::Uniform<uint64_t>(absl::BitGen())) {}

bool DossierCodes::Parse(absl::string_view code, NationalForm& form) {
  size_t serial_start = code.size();
  while (serial_start > 0 && code[serial_start - 1] != '-') --serial_start;
  const size_t digits = code.size() - serial_start;
  if (digits == 0 || digits > kSerialDigitsMax) return false;
  // prefix '-' YYMMDD '-' serial
  if (serial_start < kDateDigits + 2) return false;
  const size_t date_start = serial_start - 1 - kDateDigits;
  if (code[date_start - 1] != '-' || date_start - 1 > kCodePrefixBytesMax) return false;
  uint32_t serial = 0;
  uint32_t year = 0;
  uint32_t month = 0;
  uint32_t day = 0;
  if (!ReadDigits(code.substr(serial_start), serial) ||
      !ReadDigits(code.substr(date_start, 2), year) ||
      !ReadDigits(code.substr(date_start + 2, 2), month) ||
      !ReadDigits(code.substr(date_start + 4, 2), day) || month < 1 || month > 12 || day < 1 ||
      day > 31) {
    return false;
  }
  const uint64_t date = (uint64_t{year} * 12 + (month - 1)) * 31 + (day - 1);
  form.prefix = code.substr(0, date_start - 1);
  form.rest =
      (date << (kSerialBits + kDigitsBits)) | (uint64_t{digits - 1} << kSerialBits) | serial;
  return true;
}

uint64_t DossierCodes::HashOfPacked(uint64_t number) const { return Mix(number ^ seed_); }

uint64_t DossierCodes::HashOfText(absl::string_view text) const {
  return Mix(absl::Hash<absl::string_view>()(text) ^ seed_);
}

std::optional<LocatedCode> DossierCodes::Find(absl::string_view code) const {
  NationalForm form;
  if (Parse(code, form)) {
    const auto prefix = prefix_numbers_.find(form.prefix);
    if (prefix != prefix_numbers_.end()) {
      const uint64_t packed = (uint64_t{prefix->second} << kPrefixShift) | form.rest;
      return LocatedCode{code, packed, HashOfPacked(packed)};
    }
    if (prefix_count() < kCodePrefixesMax) return std::nullopt;
  }
  return LocatedCode{code, kNotPacked, HashOfText(code)};
}

LocatedCode DossierCodes::Locate(absl::string_view code) {
  NationalForm form;
  if (Parse(code, form)) {
    auto prefix = prefix_numbers_.find(form.prefix);
    if (prefix == prefix_numbers_.end() && prefix_count() < kCodePrefixesMax) {
      AddPrefix(form.prefix);
      prefix = prefix_numbers_.find(form.prefix);
    }
    if (prefix != prefix_numbers_.end()) {
      const uint64_t packed = (uint64_t{prefix->second} << kPrefixShift) | form.rest;
      return {code, packed, HashOfPacked(packed)};
    }
  }
  return {code, kNotPacked, HashOfText(code)};
}

void DossierCodes::AddPrefix(absl::string_view prefix) {
  prefixes_.emplace_back(prefix);
  prefix_numbers_.emplace(prefixes_.back(), prefix_count() - 1);
}

uint64_t DossierCodes::Add(const LocatedCode& code) {
  if (code.packed != kNotPacked) return code.packed;
  const size_t bytes = kLengthBytes + code.text.size();
  if (texts_.empty() || (text_end_ & (kChunkBytes - 1)) + bytes > kChunkBytes) {
    // A text longer than a chunk gets one of its size; nothing follows it there.
    texts_.emplace_back(new char[std::max(kChunkBytes, bytes)]);
    text_end_ = uint64_t{texts_.size() - 1} << kChunkShift;
  }
  char* place = texts_.back().get() + (text_end_ & (kChunkBytes - 1));
  const auto length = static_cast<uint32_t>(code.text.size());
  std::memcpy(place, &length, kLengthBytes);
  std::memcpy(place + kLengthBytes, code.text.data(), code.text.size());
  const uint64_t number = kTextBit | text_end_;
  // One byte of a chunk stays free, so that the end is always inside of it.
  text_end_ += std::min(bytes, kChunkBytes - 1 - (text_end_ & (kChunkBytes - 1)));
  return number;
}

void DossierCodes::Truncate(uint64_t text_end) {
  texts_.resize(text_end == 0 ? 0 : (text_end >> kChunkShift) + 1);
  text_end_ = text_end;
}

absl::string_view DossierCodes::TextOf(uint64_t number) const {
  const uint64_t place = number & ~kTextBit;
  const char* start = texts_[place >> kChunkShift].get() + (place & (kChunkBytes - 1));
  uint32_t length = 0;
  std::memcpy(&length, start, kLengthBytes);
  return {start + kLengthBytes, length};
}

std::string DossierCodes::Code(uint64_t number) const {
  if (IsText(number)) return std::string(TextOf(number));
  std::string code = prefixes_[number >> kPrefixShift];
  const uint64_t date = (number >> (kSerialBits + kDigitsBits)) & ((1 << kDateBits) - 1);
  code.push_back('-');
  AppendDigits(date / (12 * 31), 2, code);
  AppendDigits(date / 31 % 12 + 1, 2, code);
  AppendDigits(date % 31 + 1, 2, code);
  code.push_back('-');
  AppendDigits(number & ((1 << kSerialBits) - 1),
               ((number >> kSerialBits) & ((1 << kDigitsBits) - 1)) + 1, code);
  return code;
}

uint64_t DossierCodes::Hash(uint64_t number) const {
  return IsText(number) ? HashOfText(TextOf(number)) : HashOfPacked(number);
}

bool DossierCodes::Fits(uint64_t number) const {
  return !IsText(number) && (number >> kPrefixShift) < prefix_count();
}

}  // namespace dondoc::ingestion
