# Part of dondoc::ingestion: files of any format as rows, the tables in them, and what their cells mean.
target_sources(dondoc_ingestion_service PRIVATE
    reading/cell_forms.cc reading/cell_values.cc reading/csv_reader.cc reading/header_map.cc
    reading/html_table_reader.cc reading/legacy_text.cc reading/merges.cc reading/number_format.cc
    reading/row_mapper.cc reading/row_words.cc reading/sheet_reader.cc reading/sheet_title.cc
    reading/spool.cc reading/statement_columns.cc reading/table_finder.cc reading/text_decoder.cc
    reading/text_key.cc reading/unit_matcher.cc reading/xlsx_package.cc reading/xlsx_reader.cc
    reading/xlsx_workbook.cc reading/xml_stream.cc)
target_link_libraries(dondoc_ingestion_service
    PUBLIC ICU::uc EXPAT::EXPAT
    PRIVATE LibXml2::LibXml2 PkgConfig::libzip)

dondoc_test(ingestion_formats_test unit
    SOURCES reading/fixtures_test.cc reading/reading_test.cc
    LIBRARIES dondoc::ingestion dondoc_ingestion_testing dondoc::testing PkgConfig::libzip)
dondoc_test(ingestion_imports_formats_test integration
    SOURCES import_upload_test.cc reading/imports_formats_test.cc
    LIBRARIES dondoc::ingestion dondoc_ingestion_testing dondoc::testing)
if(DONDOC_TESTS)
  foreach(test ingestion_formats_test ingestion_imports_formats_test)
    target_compile_definitions(${test} PRIVATE DONDOC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  endforeach()
endif()
