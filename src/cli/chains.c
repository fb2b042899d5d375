/* Names of public chains. */
#include "cli/chains.h"

#include <stddef.h>
#include <strings.h>

static const ia_known_chain known[] = {
    {"arbitrum-mainnet", "42161", "0x098bFCb1E50ebcA0BaA92C12eA0c3F045A1aD9f0"},
    {"arbitrum", "42161", "0x098bFCb1E50ebcA0BaA92C12eA0c3F045A1aD9f0"},
    {"arbitrum-sepolia-testnet", "421614", "0xB2157BF2fAb286b2A4170E3491Ac39770111Da3E"},
    {"arbitrum-sepolia", "421614", "0xB2157BF2fAb286b2A4170E3491Ac39770111Da3E"},
};

const ia_known_chain *ia_chain_known(const char *name)
{
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (strcasecmp(name, known[i].name) == 0)
      return &known[i];
  return NULL;
}
