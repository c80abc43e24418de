# Writes linked_protos.cc: see linked_protos.h.
function(dondoc_write_linked_protos output)
  get_target_property(sources dondoc_proto SOURCES)
  set(includes "")
  set(entries "")
  foreach(source IN LISTS sources)
    if(source MATCHES "\\.grpc\\.pb\\.cc$" OR NOT source MATCHES "/(dondoc/v1/([a-z0-9_]+))\\.pb\\.cc$")
      continue()
    endif()
    string(APPEND includes "#include \"${CMAKE_MATCH_1}.pb.h\"\n")
    string(REPLACE "_" "_5f" symbol "${CMAKE_MATCH_2}")
    string(APPEND entries "      descriptor_table_dondoc_2fv1_2f${symbol}_2eproto.filename,\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} CONTENT
"${includes}
#include \"gateway/linked_protos.h\"

namespace dondoc::gateway {

std::vector<const char*> LinkedProtoFiles() {
  return {
${entries}  };
}

}  // namespace dondoc::gateway
")
endfunction()
