#include "services/ingestion/reading/text_key.h"

#include "gmock/gmock.h"

namespace dondoc::ingestion {
namespace {

TEST(TextKeyTest, FoldsMarksCaseSpacesAndPunctuation) {
  const struct {
    const char* text;
    const char* key;
  } kCases[] = {
      {"Thị trấn Đắk Hà", "thi tran dak ha"},
      {"THỊ TRẤN ĐẮK HÀ", "thi tran dak ha"},
      {"Thi\xCC\xA3 tra\xCC\x82\xCC\x81n \xC4\x90\x61\xCC\x86\xCC\x81k Ha\xCC\x80",
       "thi tran dak ha"},
      {"  Ngày\n tiếp\xC2\xA0nhận: ", "ngay tiep nhan"},
      {"\xEF\xBB\xBFMã hồ sơ", "ma ho so"},
      {"Huyện Ia H' Drai", "huyen ia h drai"},
      {"Huyện Ia H'Drai", "huyen ia h drai"},
      {"Sở Lao động - Thương binh và Xã hội", "so lao dong thuong binh va xa hoi"},
      {"\xC3\x90\xC4\x83k T\xC3\xB4", "dak to"},  // eth typed for Đ
      {"hòa", "hoa"},
      {"hoà", "hoa"},
      {"update_time", "update time"},
      {"A\xFF\x42", "a b"},  // a byte that is not UTF-8
      {"", ""},
      {" - , ", ""},
  };
  for (const auto& each : kCases) EXPECT_EQ(TextKey(each.text), each.key) << each.text;
}

TEST(TextKeyTest, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(IsUtf8("Đắk"));
  EXPECT_TRUE(IsUtf8("\xF0\x9F\x98\x80"));
  EXPECT_FALSE(IsUtf8("\xC4"));              // cut
  EXPECT_FALSE(IsUtf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // beyond Unicode
  EXPECT_FALSE(IsUtf8("Mã hồ s\xF5"));       // windows-1258
  EXPECT_EQ(ToUtf8("a\xFF", 10), "a\xEF\xBF\xBD");
  EXPECT_EQ(ToUtf8("Đắk", 3), "Đ");  // never half a character
}

TEST(TextKeyTest, TrimsEveryKindOfSpace) {
  EXPECT_EQ(Trim("\xC2\xA0 \xEF\xBB\xBFx y\xC2\xA0\t"), "x y");
  EXPECT_EQ(Trim("\xC2\xA0"), "");
}

TEST(TextKeyTest, SpacesOfAnyKindAreTakenOffEitherEnd) {
  for (const char* space : {" ", "\xC2\xA0", "\xEF\xBB\xBF", "\xE2\x80\x8B", "\xE3\x80\x80"}) {
    EXPECT_EQ(Trim(std::string(space) + "H34"), "H34");
    EXPECT_EQ(Trim(std::string("ý") + space), "ý");
    EXPECT_EQ(Trim(std::string(space) + "xã Ý" + space), "xã Ý");
  }
}

}  // namespace
}  // namespace dondoc::ingestion
