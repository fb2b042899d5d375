/* A value to protect: a tree of folders and leaves in the order of the archive, its schema, its
 * archive. Leaves hold their archive bytes, or a descriptor from which they stream. */
#ifndef IA_DATA_NODE_H
#define IA_DATA_NODE_H

#include "data/borsh.h"
#include "data/stream.h"

enum { IA_NODE_DEPTH_MAX = 60, IA_NODES_MAX = 9999 };

typedef struct ia_node ia_node;

/* An empty folder: the top of every value. */
IA_MUST bool ia_node_new(ia_node **out, ia_err *e);
void ia_node_free(ia_node *n); /* wipes values, closes descriptors; NULL is fine */
IA_DEFINE_AUTO(ia_node, ia_node_free)

/* Add a member. Keys match [A-Za-z0-9_-]+ and are not "__proto__" (BAD_INPUT_KEY), once each
 * (EXISTS). Order: keys that are array indices (0 .. 2^32 - 2) ascending, then the others as
 * added, as JavaScript lists them. */
IA_MUST bool ia_node_add_folder(ia_node *folder, ia_node **child, const char *key, ia_err *e);
/* The folder of that name, made when missing; EXISTS when it is a value. */
IA_MUST bool ia_node_folder(ia_node *folder, ia_node **child, const char *key, ia_err *e);
IA_MUST bool ia_node_add_bool(ia_node *folder, const char *key, bool v, ia_err *e);
IA_MUST bool ia_node_add_f64(ia_node *folder, const char *key, double v, ia_err *e);
IA_MUST bool ia_node_add_i128(ia_node *folder, const char *key, const ia_i128 *v, ia_err *e);
IA_MUST bool ia_node_add_string(ia_node *folder, const char *key, ia_span utf8, ia_err *e);
/* The media type is that of the magic bytes. */
IA_MUST bool ia_node_add_bytes(ia_node *folder, const char *key, ia_span bytes, ia_err *e);
/* Bytes that stream from a regular file; takes the descriptor. */
IA_MUST bool ia_node_add_file(ia_node *folder, const char *key, int fd, ia_err *e);
/* Overrides what the magic bytes say, for members of a media type only (UNKNOWN_TYPE). */
IA_MUST bool ia_node_set_type(ia_node *folder, const char *key, ia_type type, ia_err *e);
bool ia_node_empty(const ia_node *folder);

/* Appends {"a":"string","b":{"c":"f64"}}: no blanks, keys in order. */
IA_MUST bool ia_node_schema(ia_buf *out, const ia_node *top, ia_err *e);
/* The archive: one entry a leaf, a folder entry before its members, in one pass. */
IA_MUST bool ia_node_zip(const ia_node *top, ia_sink to, ia_err *e);
/* Calls back with each entry name in the order of the archive. */
IA_MUST bool ia_node_entries(const ia_node *top,
                             bool (*each)(void *ctx, const char *name, ia_err *e), void *ctx,
                             ia_err *e);

/* JSON as `iapp protect` takes it: objects, strings, numbers (f64), booleans, and for what JSON
 * lacks {"$i128":"1"}, {"$hex":"00"}, {"$f64":"1","le":"8 bytes hex"}. Refusals carry the texts of
 * the npm writer: BAD_INPUT_KEY, BAD_INPUT_TYPE, BAD_INPUT_UTF, NOT_FINITE, I128_RANGE, PARSE. */
IA_MUST bool ia_node_from_json(ia_node **out, ia_span text, ia_err *e);
/* The same, its members joined to a folder that has others. */
IA_MUST bool ia_node_merge_json(ia_node *folder, ia_span text, ia_err *e);
/* Adds the members of a parsed JSON object. */
struct json_t;
IA_MUST bool ia_node_add_json(ia_node *folder, const struct json_t *object, ia_err *e);

#endif
