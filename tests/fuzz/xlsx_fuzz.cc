#include <unistd.h>
#include <zip.h>

#include <array>
#include <cstdint>
#include <string>

#include "services/ingestion/reading/spool.h"
#include "services/ingestion/reading/xlsx_reader.h"

namespace {

// The parts of a workbook; what the fuzzer says is put in the place of one of them, or of the zip.
constexpr std::array<std::array<const char*, 2>, 5> kParts = {{
    {"xl/workbook.xml",
     "<workbook xmlns:r=\"r\"><sheets><sheet name=\"A\" r:id=\"a\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels",
     "<R><Relationship Id=\"a\" Type=\"x/worksheet\" Target=\"s.xml\"/>"
     "<Relationship Id=\"b\" Type=\"x/styles\" Target=\"t.xml\"/>"
     "<Relationship Id=\"c\" Type=\"x/sharedStrings\" Target=\"u.xml\"/></R>"},
    {"xl/s.xml",
     "<w><sheetData><row><c t=\"s\"><v>0</v></c><c s=\"0\"><v>45245.5</v></c></row></sheetData>"
     "<mergeCells><mergeCell ref=\"A1:B2\"/></mergeCells></w>"},
    {"xl/t.xml",
     "<s><numFmts><numFmt numFmtId=\"164\" formatCode=\"dd/mm\"/></numFmts>"
     "<cellXfs><xf numFmtId=\"164\"/></cellXfs></s>"},
    {"xl/u.xml", "<sst><si><t>a</t></si></sst>"},
}};

std::string Zip(size_t place, const std::string& text) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const target = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(target);
  zip_t* const archive = zip_open_from_source(target, ZIP_TRUNCATE, &error);
  for (size_t i = 0; i < kParts.size(); ++i) {
    const std::string part = i == place ? text : kParts[i][1];
    // The bytes are read when the archive is closed.
    static std::array<std::string, kParts.size()> kept;
    kept[i] = part;
    zip_file_add(archive, kParts[i][0],
                 zip_source_buffer(archive, kept[i].data(), kept[i].size(), 0), 0);
    zip_set_file_compression(archive, i, ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  zip_source_open(target);
  std::string out(1 << 20, '\0');
  const zip_int64_t bytes = zip_source_read(target, out.data(), out.size());
  out.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes));
  zip_source_close(target);
  zip_source_free(target);
  return out;
}

}  // namespace

namespace dondoc::ingestion {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > (512 << 10)) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t place = data[0] % (kParts.size() + 1);
  absl::StatusOr<Spool> spool = Spool::Create("/tmp");
  if (!spool.ok() || !spool->Append(place == kParts.size() ? text : Zip(place, text)).ok())
    return 0;
  XlsxLimits limits;
  limits.ratio_free_bytes = 1 << 20;
  limits.inflated_bytes_max = 16 << 20;
  XlsxNotes notes;
  int sheet = 0;
  int64_t number = 0;
  (void)ReadXlsx(
      spool->fd(), limits,
      [&](const SheetRow& row) {
        if (row.sheet == sheet && row.number <= number) __builtin_trap();
        if (row.cells.size() > kCsvColumnsMax) __builtin_trap();
        sheet = row.sheet;
        number = row.number;
        return absl::OkStatus();
      },
      notes);
  return 0;
}

}  // namespace dondoc::ingestion
