/* The hub: one address, several tables of methods (the facets of the diamond). */
#include "service/ledger/vm.h"

/* No bytecode: what eth_getCode answers only says that a contract is there. */
static const uint8_t code[] = "\xfeiapp hub: PoCo rules";

static const ia_methods *const facets[] = {&ia_methods_hub_poco, &ia_methods_hub_views,
                                           &ia_methods_hub_escrow, &ia_methods_hub_admin,
                                           &ia_methods_hub_legacy};

const ia_contract ia_contract_hub = {
    .name = "hub",
    .parts = facets,
    .n_parts = IA_COUNT(facets),
    .unknown = IA_REVERT_NO_FUNCTION_HUB,
    .code = {code, sizeof(code) - 1},
};
