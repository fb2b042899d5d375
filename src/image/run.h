/* What running an image takes from its tree: the program and its interpreters, the user and groups,
 * the working folder. Judged over a view of the tree, so that an import (names in memory) and a
 * guest (a folder) come to the same answer. Pure but for the view. */
#ifndef IA_IMAGE_RUN_H
#define IA_IMAGE_RUN_H

#include "image/oci.h"
#include "image/tar.h"

typedef enum ia_at { IA_AT_NOTHING, IA_AT_FOLDER, IA_AT_FILE, IA_AT_PROGRAM, IA_AT_LINK } ia_at;

/* Paths are canonical and without the leading slash ("usr/bin/env"; "" is the root): no component
 * but the last is a link. */
typedef struct ia_image_view {
  /* What is there; the text of a link. A file with an execute bit is IA_AT_PROGRAM. */
  ia_at (*look)(void *arg, const char *path, char link[IA_TAR_PATH + 1]);
  /* At most room bytes from offset; *n may be 0. */
  bool (*read)(void *arg, const char *path, uint64_t offset, void *buf, size_t room, size_t *n,
               ia_err *e);
  void *arg;
  bool bare; /* the layers' own tree: what the sandbox covers is not covered */
} ia_image_view;

/* A view of an unpacked image: arg is an int *, the folder's descriptor. */
ia_image_view ia_image_view_folder(int *root_fd);

/* Follows links as the kernel does below a root. out: the canonical path; what is missing of it is
 * appended as it was written. Folders that the sandbox covers (/proc, /dev, /tmp, /iexec_in,
 * /iexec_out) are there and empty. IMAGE_REFUSED: a loop, or a file where a folder is needed. */
IA_MUST bool ia_image_walk(const ia_image_view *v, const char *path, char out[IA_TAR_PATH + 1],
                           ia_at *what, ia_err *e);

enum { IA_IMAGE_GROUPS = 32 };

typedef struct ia_image_run {
  char cwd[IA_TAR_PATH + 2]; /* absolute and canonical; may have to be made */
  uint32_t uid, gid;
  uint32_t groups[IA_IMAGE_GROUPS]; /* supplementary */
  size_t n_groups;
} ia_image_run;

/* User and working folder. IMAGE_REFUSED with the way out: an unknown name, a working folder that
 * is a file or lies where nothing can be made. */
IA_MUST bool ia_image_run_of(ia_image_run *out, const ia_image_view *v, const ia_oci_config *c,
                             ia_err *e);
/* The program that runs without arguments: it is there, can be executed, is for this machine, and
 * so are its interpreters. */
IA_MUST bool ia_image_check_program(const ia_image_view *v, const ia_oci_config *c,
                                    const ia_image_run *run, ia_err *e);

/* "name", "uid", "name:group", "uid:gid", .. by the texts of /etc/passwd and /etc/group. */
IA_MUST bool ia_image_user(ia_image_run *out, const char *user, const char *passwd,
                           const char *group, ia_err *e);

#endif
