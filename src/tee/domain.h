/* The two worlds of docs/release.md 5. Every label "iapp-NAME/v1" of a hashed or signed value reads
 * "iapp-NAME-SIM/v1" in the simulated one, so that nothing made in one verifies in the other. */
#ifndef IA_TEE_DOMAIN_H
#define IA_TEE_DOMAIN_H

#include "base/buf.h"

typedef enum ia_domain {
  IA_DOMAIN_NONE = 0, /* never valid: what a zeroed struct holds */
  IA_DOMAIN_HW = 1,   /* real hardware evidence */
  IA_DOMAIN_SIM = 2,  /* simulated evidence: no security at all */
} ia_domain;

/* "hw" or "sim"; "none" for what is neither. */
const char *ia_domain_name(ia_domain d);
IA_MUST bool ia_domain_parse(ia_domain *d, const char *text);

typedef struct ia_label {
  char s[48];
} ia_label;

/* "iapp-NAME/v1" or "iapp-NAME-SIM/v1". name: a literal of at most 24 bytes; of another version
 * "NAME/v2". */
ia_label ia_label_of(ia_domain d, const char *name);
/* LP(label). */
void ia_buf_label(ia_buf *b, ia_domain d, const char *name);

#endif
