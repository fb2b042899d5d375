/* Orders that this home signed for a dataset (HOME/grants/0xDATA.json), each with its terms and how
 * far it got: so that a grant that broke off goes on where it stopped, and a revocation also meets
 * orders that no market lists. */
#ifndef IA_CLI_GRANT_NOTES_H
#define IA_CLI_GRANT_NOTES_H

#include "cli/cli.h"
#include "poco/orders.h"

/* New reference: an array, empty when there are none, of
 * {"order":{..},"asked":{..}|null,"terms":{..}|null,"published":bool,"revoked":bool}.
 * asked: the terms as they were typed (cli/grant_terms.h). */
json_t *ia_cli_grant_notes(ia_cli *c, const ia_addr *dataset, ia_err *e);
/* Durable when it returns true. */
IA_MUST bool ia_cli_grant_notes_save(ia_cli *c, const ia_addr *dataset, const json_t *notes,
                                     ia_err *e);
/* Appends a note of an order; asked and terms may be NULL. */
IA_MUST bool ia_cli_grant_note_add(json_t *notes, const json_t *order, const json_t *asked,
                                   const json_t *terms, bool published, ia_err *e);
/* The note of the order with this hash (borrowed), or NULL. */
json_t *ia_cli_grant_note_of(const json_t *notes, const ia_h256 *separator, const ia_h256 *order);

#endif
