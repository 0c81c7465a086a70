// The addon's functions, as lib/native/binding.ts types them. They check arguments and hand over; the work is
// elsewhere.
#pragma once
#include "binding/arguments.h"

namespace jepa::binding {

Napi::Value create_variable(Arguments info);
Napi::Value write_variable(Arguments info);
Napi::Value read_variable(Arguments info);
Napi::Value dispose_variable(Arguments info);

Napi::Value create_program(Arguments info);
Napi::Value program_info(Arguments info);
Napi::Value run(Arguments info);
Napi::Value abort(Arguments info);
Napi::Value profile(Arguments info);
Napi::Value dispose_program(Arguments info);

}  // namespace jepa::binding
