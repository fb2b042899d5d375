/* Files and folders that must be ours: what another user owns, may read or may replace is refused
 * by name, with the command that mends it. Owners that count as ours are this process's user, root,
 * and whoever owns "/". FORBIDDEN says what is wrong. */
#ifndef IA_BASE_OWNED_H
#define IA_BASE_OWNED_H

#include "base/file.h"

/* Nobody else can put another thing in this place: every folder above it, and above what symbolic
 * links lead to, is ours and not writable for others, unless it is sticky as /tmp. A group that has
 * the user's own number is not counted as others. What is missing at the end of the path is fine.
 */
IA_MUST bool ia_owned_place(const char *path, ia_err *e);
/* A folder in such a place that nobody else can enter, list or change (0700). */
IA_MUST bool ia_owned_folder(const char *path, ia_err *e);

/* As ia_file_read, of a file in such a place that nobody else may read or write (0600). */
IA_MUST bool ia_file_read_private(ia_buf *out, const char *path, size_t cap, ia_err *e);
/* The same, where a group may read (0640): keys that several services of a machine share. */
IA_MUST bool ia_file_read_of_group(ia_buf *out, const char *path, size_t cap, ia_err *e);
/* The same, where everybody may read (0644): what is believed, and is no secret. */
IA_MUST bool ia_file_read_trusted(ia_buf *out, const char *path, size_t cap, ia_err *e);
/* Opens a file as ia_file_read_private wants it. Pipes and terminals, which belong to whoever holds
 * them, are opened without a look at their modes. */
IA_MUST bool ia_file_open_private(int *fd, const char *path, ia_err *e);

#endif
