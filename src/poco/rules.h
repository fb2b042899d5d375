/* The rule sets of PoCo and what is constant in both (FacetBase). */
#ifndef IA_POCO_RULES_H
#define IA_POCO_RULES_H

#include "poco/types.h"

typedef struct ia_poco_rules {
  const char *name;              /* "6.1", "6.2" */
  uint32_t dataset_tag_ignored;  /* low tag bits of dataset orders that matching ignores */
  uint64_t callback_gas;         /* at genesis; the hub's owner may change it */
  bool approve_and_call_matches; /* receiveApproval executes a matchOrders in its data */
  bool old_texts;                /* reverts of 6.1 where they differ */
} ia_poco_rules;

extern const ia_poco_rules ia_poco_v6_1, ia_poco_v6_2;
/* NULL when there is no such rule set. */
const ia_poco_rules *ia_poco_rules_named(ia_span name);

enum {
  IA_CONTRIBUTION_DEADLINE_RATIO = 7,
  IA_REVEAL_DEADLINE_RATIO = 2,
  IA_FINAL_DEADLINE_RATIO = 10,
  IA_WORKERPOOL_STAKE_RATIO = 30, /* per cent */
  IA_KITTY_RATIO = 10,            /* per cent */
  IA_KITTY_MIN = 1000000000,      /* nRLC */
  IA_GROUPMEMBER_PURPOSE = 4,     /* ERC-734 */
  IA_DEFAULT_STAKE_RATIO = 30,    /* of a new pool: workerStakeRatioPolicy */
  IA_DEFAULT_REWARD_RATIO = 1     /* of a new pool: schedulerRewardRatioPolicy */
};
extern const ia_addr ia_kitty_address;

/* The five categories of the public hubs: XS 300 s, S 1200, M 3600, L 10800, XL 36000. */
enum { IA_GENESIS_CATEGORIES = 5 };
const ia_category *ia_genesis_category(size_t i);

#endif
