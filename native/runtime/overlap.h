// Which memory views touch. A kernel's tiles may run in any order and at the same time, so the parser lets no node
// write an element twice, nor what it reads in another place.
#pragma once
#include "runtime/program.h"

namespace jepa {

// Same dtype, shape and strides: element i of one is element i of the other if they begin at the same place.
bool same_layout(const View& a, const View& b);

// False only if every element has a place of its own: each stride steps over all that the smaller ones reach.
bool overlaps_itself(const View& view);

// Whether two views of one buffer share a byte. Exact for the windows that slicing and transposing make; for hostile
// strides that would take long to decide, true.
bool overlap(const ProgramView& a, const ProgramView& b);

}  // namespace jepa
