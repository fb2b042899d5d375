/* Ethereum addresses as text (EIP-55). */
#ifndef IA_ETH_ADDRESS_H
#define IA_ETH_ADDRESS_H

#include "base/err.h"
#include "base/hex.h"
#include "base/span.h"
#include "base/types.h"

ia_text43 ia_addr_text(const ia_addr *a); /* 0x + 40 digits, checksummed case */
/* 0x + 40 digits; all lower or all upper case, or the right checksum. PARSE otherwise. */
IA_MUST bool ia_addr_parse(ia_addr *out, ia_span text, ia_err *e);

#endif
