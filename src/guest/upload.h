/* Bytes on their way to the host: kept in memory, hashed and named while they come. */
#ifndef IA_GUEST_UPLOAD_H
#define IA_GUEST_UPLOAD_H

#include "crypto/sha.h"
#include "crypto/unixfs.h"
#include "guest/link.h"
#include "receipt/run.h"

typedef struct ia_upload {
  int fd; /* nameless file in our memory-backed folder */
  ia_sha *sha;
  ia_dag *dag;
  uint64_t size;
} ia_upload;

IA_MUST bool ia_upload_open(ia_upload *u, int scratch_fd, ia_err *e);
void ia_upload_close(ia_upload *u);
IA_DEFINE_AUTO_VALUE(ia_upload, ia_upload_close)
ia_sink ia_upload_sink(ia_upload *u);
/* Hands it over; the host must name it as we do. */
IA_MUST bool ia_upload_send(ia_upload *u, ia_run_object *out, ia_link *l, const char *name,
                            ia_err *e);

#endif
