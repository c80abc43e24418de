#pragma once

// Put before every C++ file by -include when DONDOC_SANITIZE has thread (see the root
// CMakeLists.txt). Under g++'s ThreadSanitizer google/protobuf/map_field.h gives each map field two
// more members. Debian's libprotobuf is compiled without them, so that a message with a map field
// has two layouts in one process and its first look-up crashes. libstdc++ and Abseil, which rightly
// look at the same macro, are let do so first.
#ifdef __cplusplus

#include <memory>

#include "absl/base/config.h"

#undef __SANITIZE_THREAD__

#endif
