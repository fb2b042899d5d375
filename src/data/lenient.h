/* Decoding with the tolerances of the npm deserializer 0.1.1, for data that others wrote. */
#ifndef IA_DATA_LENIENT_H
#define IA_DATA_LENIENT_H

#include "data/reader.h"

/* v->bytes holds the raw leaf; decodes in place. Only missing bytes are an error (BORSH_SHORT). */
IA_MUST bool ia_lenient_decode(ia_value *v, bool legacy, ia_err *e);

#endif
