# dondoc::ingestion: what reads files and answers calls; and the binary.
add_library(dondoc_ingestion_service STATIC
    cell_values.cc config.cc coverage_check.cc csv_reader.cc definition_service.cc dossier_service.cc
    feed_service.cc header_map.cc import_job.cc import_service.cc imports.cc metrics.cc page_token.cc
    rejects_csv.cc row_mapper.cc text_key.cc unit_matcher.cc unit_service.cc)
add_library(dondoc::ingestion ALIAS dondoc_ingestion_service)
target_include_directories(dondoc_ingestion_service SYSTEM PUBLIC ${CSV_INCLUDE_DIR})
target_link_libraries(dondoc_ingestion_service
    PUBLIC dondoc::ledger dondoc::proto dondoc::clock dondoc::metrics dondoc::mutex dondoc::rpc dondoc::server
           dondoc::status absl::flat_hash_map absl::span absl::time
    PRIVATE dondoc::config dondoc::log dondoc::metric absl::flags absl::strings ICU::uc OpenSSL::Crypto
            ${CSV_LIBRARY} dondoc::warnings)

add_executable(dondoc_ingestion main.cc)
target_link_libraries(dondoc_ingestion PRIVATE dondoc::ingestion dondoc::config dondoc::log dondoc::warnings)
