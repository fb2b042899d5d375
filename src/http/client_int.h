/* Shared by client.c and client_many.c; not for others. */
#ifndef IA_HTTP_CLIENT_INT_H
#define IA_HTTP_CLIENT_INT_H

#include <curl/curl.h>

#include "http/client.h"

struct ia_http {
  CURL *curl;
  uint32_t connect_ms, total_ms;
  uint64_t until; /* ia_mono_ms; 0 = none */
  char *unix_socket, *proxy, *ca_file;
  bool only_secure;
};

/* One call on its way through curl's callbacks. */
typedef struct ia_exchange {
  ia_http *h;
  const ia_http_call *c;
  ia_http_answer *a;
  struct curl_slist *fields;
  uint64_t got;
  bool failed; /* err says why */
  ia_err err;
} ia_exchange;

/* Readies the handle. After true the call is performed and ia_exchange_end follows; after false
 * there is nothing to end. */
IA_MUST bool ia_exchange_begin(ia_exchange *x, ia_err *e);
/* Frees what the call needed; false with the reason when it failed. */
IA_MUST bool ia_exchange_end(ia_exchange *x, CURLcode rc, ia_err *e);

#endif
