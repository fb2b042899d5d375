/* Order hashes and signatures (EIP-712), boxes that own an order's bytes. */
#include "poco/orders.h"

#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "poco/abi.h"

/* Type hashes as constants; a test recomputes them from the shapes. */
#define B8(v)                                                                                      \
  (uint8_t)((v) >> 56), (uint8_t)((v) >> 48), (uint8_t)((v) >> 40), (uint8_t)((v) >> 32),          \
      (uint8_t)((v) >> 24), (uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v)
#define H(a, b, c, d)                                                                              \
  {                                                                                                \
    {                                                                                              \
      B8(a), B8(b), B8(c), B8(d)                                                                   \
    }                                                                                              \
  }

static const struct kind {
  const char *name;
  ia_h256 type_hash;
  ia_h256 operation_hash;
  size_t signer; /* offset of the address whose owner signs */
  size_t volume;
  size_t sign;
  size_t params; /* 0 = none */
} kinds[IA_ORDER_KINDS] = {
    [IA_ORDER_APP] = {"apporder",
                      H(0x60815a0eeec47dddu, 0xf1615fe53b31d016u, 0xc31444e01b9d796du,
                        0xb365443a6445d008u),
                      H(0x0638bb0702457e2bu, 0x4b01be8a202579b8u, 0xbf97e587fb4f2cc4u,
                        0xd4aad01f21a06ee0u),
                      offsetof(ia_app_order, app), offsetof(ia_app_order, volume),
                      offsetof(ia_app_order, sign), 0},
    [IA_ORDER_DATASET] = {"datasetorder",
                          H(0x6cfc932a5a3d22c4u, 0x359295b9f433edffu, 0x52b60703fa47690au,
                            0x04a83e40933dd47cu),
                          H(0x075eb6f7578ff429u, 0x2c241bd2484cd5c1u, 0xd5e6ecc2ddd3317eu,
                            0x1d8176b5a45865ecu),
                          offsetof(ia_dataset_order, dataset), offsetof(ia_dataset_order, volume),
                          offsetof(ia_dataset_order, sign), 0},
    [IA_ORDER_WORKERPOOL] =
        {"workerpoolorder",
         H(0xaa3429fb281b3469u, 0x1803133d3d978a75u, 0xbb77c617ed6bc9aau, 0x162b9b30920022bbu),
         H(0x322d980b7d7a6a1fu, 0x7c39ff0c5445da6au, 0xe1d8e0393ff0dd46u, 0x8c8be3e2c8644388u),
         offsetof(ia_workerpool_order, workerpool), offsetof(ia_workerpool_order, volume),
         offsetof(ia_workerpool_order, sign), 0},
    [IA_ORDER_REQUEST] = {"requestorder",
                          H(0xf24e853034a3a450u, 0xaba845a82914fbb5u, 0x64ad85accca6cf62u,
                            0xbe112a154520fae0u),
                          H(0x0ded7b52c2d77595u, 0xa40d242eca751df1u, 0x72b18e686326dbbeu,
                            0xd3f4748828af77c7u),
                          offsetof(ia_request_order, requester), offsetof(ia_request_order, volume),
                          offsetof(ia_request_order, sign), offsetof(ia_request_order, params)},
};

static const void *at(const void *order, size_t offset)
{
  return (const uint8_t *)order + offset;
}

/* The struct of its kind: every member of the union begins where the union does. */
static void *body(ia_order_box *b)
{
  return &b->order.app;
}

const char *ia_order_kind_name(ia_order_kind kind)
{
  return kinds[kind].name;
}

const ia_addr *ia_order_signer_of(ia_order_kind kind, const void *order)
{
  return at(order, kinds[kind].signer);
}

const ia_u256 *ia_order_volume(ia_order_kind kind, const void *order)
{
  return at(order, kinds[kind].volume);
}

const ia_span *ia_order_signature(ia_order_kind kind, const void *order)
{
  return at(order, kinds[kind].sign);
}

static const char *const signings[] = {
    [IA_SIGNING_NONE] = "none",
    [IA_SIGNING_KEY] = "signed",
    [IA_SIGNING_TX] = "presigned",
    [IA_SIGNING_CONTRACT] = "erc1271",
};

const char *ia_order_signing_name(ia_order_signing s)
{
  return s < IA_COUNT(signings) ? signings[s] : signings[IA_SIGNING_NONE];
}

bool ia_order_signing_parse(ia_order_signing *out, const char *name)
{
  for (size_t i = IA_SIGNING_KEY; i < IA_COUNT(signings); i++)
    if (strcmp(name, signings[i]) == 0) {
      *out = (ia_order_signing)i;
      return true;
    }
  return false;
}

void ia_order_separator(ia_h256 *out, uint64_t chain_id, const ia_addr *hub)
{
  ia_eip712_domain d = {.name = "iExecODB", .version = "5.0.0", .chain_id = chain_id};

  d.contract = *hub;
  if (!ia_eip712_separator(out, &d, NULL))
    memset(out, 0, sizeof(*out)); /* out of memory: a separator that no signature is made for */
}

void ia_order_hash(ia_h256 *out, const ia_h256 *separator, ia_order_kind kind, const void *order)
{
  ia_h256 h = ia_shape_hash(ia_shape_order(kind), &kinds[kind].type_hash, order, NULL);

  ia_eip712_digest(out, separator, &h);
}

void ia_order_op_hash(ia_h256 *out, const ia_h256 *separator, ia_order_kind kind, const void *order,
                      ia_order_operation operation)
{
  ia_h256 h = ia_shape_hash(ia_shape_order(kind), &kinds[kind].type_hash, order, NULL);
  uint8_t text[96] = {0};

  memcpy(text, kinds[kind].operation_hash.b, 32);
  memcpy(text + 32, h.b, 32);
  text[95] = (uint8_t)operation;
  ia_keccak256(&h, IA_SPAN_ARR(text));
  ia_eip712_digest(out, separator, &h);
}

void ia_order_type(ia_buf *out, ia_order_kind kind)
{
  ia_shape_type_text(out, ia_shape_order(kind));
}

/* --- boxes ---------------------------------------------------------------------------------------
 */

void ia_order_box_free(ia_order_box *b)
{
  if (!b)
    return;
  ia_buf_free(&b->store);
  memset(b, 0, sizeof(*b));
}

/* The spans of a kind that borrow: params (request orders) and sign. */
static ia_span *span_at(void *order, size_t offset)
{
  return (ia_span *)(void *)((uint8_t *)order + offset);
}

/* Lays params and sign into a fresh store and points the order at them. */
static bool box_fill(ia_order_box *b, ia_span params, ia_span sign, ia_err *e)
{
  const struct kind *k = &kinds[b->order.kind];
  IA_AUTOV(ia_buf) store = {0};

  ia_buf_span(&store, params);
  ia_buf_span(&store, sign);
  if (!ia_buf_ok(&store, e))
    return false;
  if (k->params)
    *span_at(body(b), k->params) = ia_span_of(store.ptr, params.len);
  *span_at(body(b), k->sign) = ia_span_of(store.ptr ? store.ptr + params.len : NULL, sign.len);
  ia_buf_free(&b->store);
  b->store = store;
  store = (ia_buf){0};
  return true;
}

bool ia_order_set_sign(ia_order_box *box, ia_span sign, ia_err *e)
{
  const struct kind *k = &kinds[box->order.kind];
  ia_span params = k->params ? *span_at(body(box), k->params) : ia_span_of(NULL, 0);

  return box_fill(box, params, sign, e);
}

bool ia_order_sign(ia_order_box *box, const ia_secp *secp, const ia_h256 *separator,
                   const ia_secret *key, ia_err *e)
{
  ia_h256 hash;
  ia_sig sig;

  ia_order_hash(&hash, separator, box->order.kind, body(box));
  return ia_secp_sign(secp, &sig, &hash, key, e) && ia_order_set_sign(box, IA_SPAN_ARR(sig.b), e);
}

bool ia_order_copy(ia_order_box *out, ia_order_kind kind, const void *order, ia_err *e)
{
  const struct kind *k = &kinds[kind];
  IA_AUTOV(ia_order_box) box = {.order = {.kind = kind}};
  ia_span params = ia_span_of(NULL, 0);

  memcpy(body(&box), order, ia_shape_order(kind)->size);
  if (k->params)
    params = *(const ia_span *)at(order, k->params);
  if (!box_fill(&box, params, *ia_order_signature(kind, order), e))
    return false;
  *out = box;
  box = (ia_order_box){0};
  return true;
}
