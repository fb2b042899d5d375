/* A file by its URL, for local runs: https, or http where it cannot leave this machine. */
#ifndef IA_CLIENT_DOWNLOAD_H
#define IA_CLIENT_DOWNLOAD_H

#include "http/client.h"

/* Calls write with every piece; TOO_LARGE beyond max. UNAVAILABLE with the status when it is not
 * 200: an error page is not the file. */
IA_MUST bool ia_download(ia_http *http, const char *url, uint64_t max, ia_http_sink *write,
                         void *ctx, ia_err *e);

#endif
