/* The configuration of an app's image, read from the head of its archive: nobody downloads the
 * layers to learn what an image states about itself. */
#ifndef IA_CLI_IMAGE_HEAD_H
#define IA_CLI_IMAGE_HEAD_H

#include "client/net.h"
#include "image/oci.h"

/* Checked against the image's digest. NOT_FOUND where the head of the archive does not hold it
 * (archives of ours begin with their documents), UNAVAILABLE without a blob store. */
IA_MUST bool ia_image_head(ia_oci_config **out, const ia_net *net, const ia_h256 *digest,
                           const char *multiaddr, ia_err *e);

#endif
