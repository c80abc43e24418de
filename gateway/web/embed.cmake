# cmake -DFOLDER=… -DOUTPUT=… -DFILES="a;b" -P embed.cmake: writes web_files.cc, the files of FOLDER as bytes.
set(arrays "")
set(entries "")
set(number 0)
foreach(name IN LISTS FILES)
  file(READ ${FOLDER}/${name} hex HEX)
  file(SHA256 ${FOLDER}/${name} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(REGEX REPLACE "(('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',))" "\\1\n" bytes "${bytes}")
  if(name STREQUAL "index.html")
    set(path "/")
    set(type "text/html; charset=utf-8")
  elseif(name MATCHES "\\.js$")
    set(path "/${name}")
    set(type "text/javascript; charset=utf-8")
  elseif(name MATCHES "\\.css$")
    set(path "/${name}")
    set(type "text/css; charset=utf-8")
  elseif(name MATCHES "\\.svg$")
    set(path "/${name}")
    set(type "image/svg+xml")
  else()
    message(FATAL_ERROR "embed.cmake: no content type for ${name}")
  endif()
  string(APPEND arrays "constexpr char kBytes${number}[] = {\n${bytes}'\\0'};\n")
  string(APPEND entries "    {\"${path}\", \"${type}\", \"\\\"${hash}\\\"\", {kBytes${number}, ${length}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"gateway/web_files.h\"

namespace dondoc::gateway {
namespace {

${arrays}
constexpr WebFile kFiles[] = {
${entries}};

}  // namespace

absl::Span<const WebFile> WebFiles() { return kFiles; }

}  // namespace dondoc::gateway
")
