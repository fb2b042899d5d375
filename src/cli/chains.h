/* Public chains by the names that iExec's tools and docs use; their nodes are the user's choice. */
#ifndef IA_CLI_CHAINS_H
#define IA_CLI_CHAINS_H

typedef struct ia_known_chain {
  const char *name, *chain_id, *hub;
} ia_known_chain;

/* In any case; NULL: not known. */
const ia_known_chain *ia_chain_known(const char *name);

#endif
