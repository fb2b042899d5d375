/* Shared by the files of the public interface (include/iapp): errors and texts across the border.
 */
#ifndef IA_CLIENT_PUBLIC_H
#define IA_CLIENT_PUBLIC_H

#include "base/json.h"
#include "iapp/error.h"

#define IA_PUBLIC __attribute__((visibility("default")))

/* ok, after handing the error out when it is not. */
bool ia_public(bool ok, const ia_err *from, iapp_error *to);
/* Compact text of v in memory of its own, for iapp_free. */
IA_MUST bool ia_public_json(char **out, const json_t *v, ia_err *e);
IA_MUST bool ia_public_text(char **out, ia_span text, ia_err *e);

#endif
