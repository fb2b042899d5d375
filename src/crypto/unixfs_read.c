/* Reading one UnixFS file node out of a dag-pb block. */
#include "crypto/unixfs.h"

/* Protobuf varint in its shortest form. */
static bool varint(ia_span *in, uint64_t *v)
{
  uint64_t r = 0;

  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t b;

    if (!ia_span_u8(in, &b) || (shift == 63 && b > 1))
      return false;
    r |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      *v = r;
      return b != 0 || shift == 0;
    }
  }
  return false;
}

/* A field of that key, when it is next. */
static bool next_is(ia_span *in, uint8_t key)
{
  if (in->len == 0 || in->ptr[0] != key)
    return false;
  in->ptr++;
  in->len--;
  return true;
}

static bool bytes_field(ia_span *in, ia_span *out)
{
  uint64_t n;

  return varint(in, &n) && n <= in->len && ia_span_take(in, (size_t)n, out);
}

/* PBLink { Hash 0a, Name 12 "", Tsize 18 } */
static bool read_link(ia_span in, ia_dag_link *k, ia_err *e)
{
  ia_span hash, name;

  if (!next_is(&in, 0x0a) || !bytes_field(&in, &hash) || !next_is(&in, 0x12) ||
      !bytes_field(&in, &name) || name.len != 0 || !next_is(&in, 0x18) || !varint(&in, &k->tsize) ||
      in.len != 0)
    return ia_fail(e, IA_E_PARSE, "dag-pb link malformed");
  return ia_cid_from_bytes(&k->cid, hash, e);
}

/* Data { Type 08, Data 12?, filesize 18, blocksizes 20 * } */
static bool read_unixfs(ia_span in, ia_span *data, ia_dag_link *links, size_t n, ia_err *e)
{
  uint64_t type, filesize, sum;

  *data = ia_span_of(NULL, 0);
  if (!next_is(&in, 0x08) || !varint(&in, &type))
    return ia_fail(e, IA_E_PARSE, "UnixFS node malformed");
  if (type != 2)
    return ia_fail(e, IA_E_UNSUPPORTED, "UnixFS node of type %llu: only files are offered",
                   (unsigned long long)type);
  if ((next_is(&in, 0x12) && (!bytes_field(&in, data) || data->len == 0)) || !next_is(&in, 0x18) ||
      !varint(&in, &filesize))
    return ia_fail(e, IA_E_PARSE, "UnixFS node malformed");
  sum = data->len;
  for (size_t i = 0; i < n; i++)
    if (!next_is(&in, 0x20) || !varint(&in, &links[i].fsize) ||
        __builtin_add_overflow(sum, links[i].fsize, &sum))
      return ia_fail(e, IA_E_PARSE, "UnixFS node without the size of link %zu", i);
  if (in.len != 0 || sum != filesize)
    return ia_fail(e, IA_E_PARSE, "UnixFS node whose sizes do not add up");
  return true;
}

bool ia_dag_parse(ia_span block, ia_span *data, ia_dag_link *links, size_t *n, ia_err *e)
{
  ia_span part;

  *n = 0;
  while (next_is(&block, 0x12)) {
    if (*n == IA_DAG_LINKS)
      return ia_fail(e, IA_E_TOO_LARGE, "dag-pb node with more than %d links", IA_DAG_LINKS);
    if (!bytes_field(&block, &part))
      return ia_fail(e, IA_E_PARSE, "dag-pb node cut short");
    if (!read_link(part, &links[*n], e))
      return false;
    ++*n;
  }
  if (!next_is(&block, 0x0a) || !bytes_field(&block, &part) || block.len != 0)
    return ia_fail(e, IA_E_PARSE, "dag-pb node malformed");
  return read_unixfs(part, data, links, *n, e);
}
