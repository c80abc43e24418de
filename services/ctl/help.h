#pragma once

#include <string>
#include <vector>

#include "services/ctl/arguments.h"

namespace dondoc::ctl {

// What `dondocctl help` prints: every command with one line.
std::string HelpText(const std::vector<CommandSpec>& commands);

// What `dondocctl help COMMAND` prints.
std::string CommandHelpText(const CommandSpec& command);

}  // namespace dondoc::ctl
