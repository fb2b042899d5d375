#include "tee/domain.h"

#include <stdio.h>

const char *ia_domain_name(ia_domain d)
{
  return d == IA_DOMAIN_HW ? "hw" : d == IA_DOMAIN_SIM ? "sim" : "none";
}

bool ia_domain_parse(ia_domain *d, const char *text)
{
  bool hw = strcmp(text, "hw") == 0, sim = strcmp(text, "sim") == 0;

  if (hw || sim)
    *d = hw ? IA_DOMAIN_HW : IA_DOMAIN_SIM;
  return hw || sim;
}

ia_label ia_label_of(ia_domain d, const char *name)
{
  ia_label l = {{0}};
  /* a value of no domain gets a label that neither domain verifies */
  const char *tail = d == IA_DOMAIN_HW ? "" : d == IA_DOMAIN_SIM ? "-SIM" : "-NONE";

  int n = (int)strcspn(name, "/");

  (void)!snprintf(l.s, sizeof(l.s), "iapp-%.*s%s%s", n < 24 ? n : 24, name, tail,
                  name[n] ? name + n : "/v1");
  return l;
}

void ia_buf_label(ia_buf *b, ia_domain d, const char *name)
{
  ia_buf_lp_str(b, ia_label_of(d, name).s);
}
