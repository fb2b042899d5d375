/* Whether image, protected data and input files fit into the enclaves of the pool's workers: said
 * before anything is signed or paid. */
#ifndef IA_CLI_POOL_ROOM_H
#define IA_CLI_POOL_ROOM_H

#include "cli/run_want.h"

/* UNSUPPORTED for an input file that workers do not fetch, NO_RESOURCES for data or an image that
 * do not fit, each with both sizes. Data of a bulk run that do not fit are warned about, unless
 * none fits. What cannot be asked (no pool, no blob store) is a warning. */
IA_MUST bool ia_pool_room_check(ia_cli *c, ia_run_ask *a, ia_err *e);

/* Warnings for who makes such things. sealed: bytes of the encrypted file; entries: of its archive;
 * unpacked: bytes of the image's files. */
void ia_pool_room_warn_data(ia_cli *c, const ia_net *net, uint64_t sealed, uint64_t entries);
void ia_pool_room_warn_dataset(ia_cli *c, ia_net *net, const ia_addr *dataset);
void ia_pool_room_warn_image(ia_cli *c, const ia_net *net, uint64_t unpacked);

#endif
