/* Small commands of the RPC API, in the forms of IPFS nodes. What is not offered is refused by
 * name: this is no node of the IPFS network. */
#include "service/ipfs/ipfs_int.h"

bool ia_ipfs_argument(ia_request *rq, ia_cid *cid, ia_err *e)
{
  static const char prefix[] = "/ipfs/";
  ia_span arg;

  if (!ia_request_query(rq, "arg", &arg))
    return ia_fail(e, IA_E_INVALID, "argument \"ipfs-path\" is required");
  bool path = arg.len > sizeof(prefix) - 1 && memcmp(arg.ptr, prefix, sizeof(prefix) - 1) == 0;
  if (path)
    arg = ia_span_of(arg.ptr + sizeof(prefix) - 1, arg.len - (sizeof(prefix) - 1));
  return ia_cid_parse(cid, arg, NULL) ||
         ia_fail(e, IA_E_INVALID, "invalid path \"%.*s\": not a CID of this store",
                 (int)(arg.len < 80 && ia_utf8_valid(arg) ? arg.len : 0), (const char *)arg.ptr);
}

/* v is taken over. */
static bool say(ia_reply *rp, json_t *v, ia_err *e)
{
  bool ok = v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "no memory for an answer");

  json_decref(v);
  return ok;
}

bool ia_ipfs_version(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  return say(rp,
             json_pack("{s:s,s:s,s:s,s:s,s:s}", "Version", IA_VERSION, "Commit", "", "Repo", "0",
                       "System", "iapp", "Golang", ""),
             e);
}

bool ia_ipfs_block_stat(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO(ia_blob) *blob = NULL;
  ia_ipfs *s = ctx;
  ia_cid cid;

  if (!ia_ipfs_argument(rq, &cid, e) || !ia_blob_open(&blob, s->blobs, &cid, e))
    return false;
  return say(rp,
             json_pack("{s:s,s:I}", "Key", ia_cid_format(&cid).s, "Size",
                       (json_int_t)ia_blob_root_block(blob)),
             e);
}

/* A flag of the query, "true" or absent. */
static bool flag(ia_request *rq, const char *name)
{
  ia_span v;

  return ia_request_query(rq, name, &v) && ia_span_is(v, "true");
}

/* Everything that is here stays: pinning is looking whether it is. */
static bool pinned(ia_ipfs *s, ia_request *rq, ia_cid *cid, ia_err *e)
{
  uint64_t size;
  bool zip;

  return ia_ipfs_argument(rq, cid, e) && ia_blob_peek(s->blobs, cid, &size, &zip, e);
}

bool ia_ipfs_pin_add(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_cid cid;

  return pinned(ctx, rq, &cid, e) &&
         say(rp, json_pack("{s:[s]}", "Pins", ia_cid_format(&cid).s), e);
}

bool ia_ipfs_pin_ls(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_span arg;
  ia_cid cid;

  /* whoever was not given a CID cannot find what it names */
  if (!ia_request_query(rq, "arg", &arg))
    return ia_fail(e, IA_E_FORBIDDEN, "pin/ls: only of a CID that you name");
  if (!pinned(ctx, rq, &cid, e))
    return false;
  ia_cid_text t = ia_cid_format(&cid);
  return say(rp,
             flag(rq, "stream") ? json_pack("{s:s,s:s}", "Cid", t.s, "Type", "recursive")
                                : json_pack("{s:{s:{s:s}}}", "Keys", t.s, "Type", "recursive"),
             e);
}

bool ia_ipfs_other(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_span name = ia_request_param(rq, "command");

  (void)ctx;
  (void)rp;
  (void)ia_fail(e, IA_E_NOT_FOUND, "command \"%.*s\" is not offered",
                (int)(name.len < 60 && ia_utf8_valid(name) ? name.len : 0), (const char *)name.ptr);
  return ia_hint(e, "add, cat, version, block/stat, pin/add, pin/ls");
}
