/* Running a program of the host while an image is built (cc, apt-get, dpkg-deb, pip, npm): a clean
 * environment, no input, output captured, its last words in the error. */
#ifndef IA_IMAGE_TOOL_H
#define IA_IMAGE_TOOL_H

#include "base/buf.h"
#include "image/tar.h"

/* Takes the tool's output as it comes. */
typedef bool (*ia_tool_reader)(void *arg, ia_read_fn read, void *source, ia_err *e);

/* argv[0] is searched in PATH; cwd NULL = ours. Fails (INVALID) unless it exits with 0; its
 * stderr's end is in the message. out (may be NULL) takes at most cap bytes of stdout. */
IA_MUST bool ia_tool_run(const char *const *argv, const char *cwd, ia_buf *out, size_t cap,
                         ia_err *e);
/* Runs it and gives what it said on stdout and stderr, the last `cap` bytes of it, and its exit
 * status (128 + signal when it was killed). NOT_FOUND when it is not installed. */
IA_MUST bool ia_tool_words(const char *const *argv, const char *cwd, ia_buf *words, size_t cap,
                           int *status, ia_err *e);
/* stdout goes to reader, which must read it to its end. */
IA_MUST bool ia_tool_pipe(const char *const *argv, ia_tool_reader reader, void *arg, ia_err *e);

#endif
