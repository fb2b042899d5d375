/* The journal of a protection; for the files of protect alone. */
#ifndef IA_CLIENT_PROTECT_JOURNAL_H
#define IA_CLIENT_PROTECT_JOURNAL_H

#include "base/file.h"
#include "client/protect.h"

#define IA_PROTECT_LABEL "protect-journal/v1"

struct ia_protect {
  ia_path path, sealed_path; /* journal and ciphertext */
  char *name, *schema;
  ia_addr owner;
  ia_h256 checksum;
  ia_buf sealed_key;
  ia_cid_text cid; /* "" before the upload */
  ia_addr address; /* meant once `registered` */
  ia_h256 tx;
  bool registered;
};

IA_MUST bool ia_protect_save(const ia_protect *p, ia_err *e);
IA_MUST bool ia_protect_remove(const ia_protect *p, ia_err *e);

#endif
