/* The list of tables, expanded from isas.def. */
#include "registry.h"

#define FC_ISA(name, bits) extern const fc_ukernels fc_ukernels_##name;
#include "isas.def"
#undef FC_ISA

const fc_ukernels *const *fc_built(int *count) {
    static const fc_ukernels *const tables[] = {
#define FC_ISA(name, bits) &fc_ukernels_##name,
#include "isas.def"
#undef FC_ISA
    };
    *count = (int)(sizeof tables / sizeof *tables);
    return tables;
}
