/* Block records. */
#include "service/ledger/block.h"

#include "crypto/keccak.h"

enum { RECORD_VERSION = 1, FLAG_TX = 1, FLAG_OK = 2 };

void ia_block_put_log(ia_buf *out, const ia_log_entry *log)
{
  ia_buf_put(out, log->address.b, 20);
  ia_buf_u8(out, (uint8_t)log->n_topics);
  for (size_t i = 0; i < log->n_topics; i++)
    ia_buf_put(out, log->topics[i].b, 32);
  ia_buf_lp(out, log->data);
}

bool ia_block_take_log(ia_span *in, ia_log_entry *log, ia_err *e)
{
  uint8_t n;

  memset(log, 0, sizeof(*log));
  if (!ia_span_copy(in, log->address.b, 20) || !ia_span_u8(in, &n) || n > IA_TOPICS_MAX ||
      !ia_span_copy(in, log->topics, (size_t)n * 32) || !ia_span_lp(in, &log->data))
    return ia_fail(e, IA_E_CORRUPT, "ledger: a log entry is damaged");
  log->n_topics = n;
  return true;
}

void ia_block_encode(ia_buf *out, const ia_block *b)
{
  ia_buf_u8(out, RECORD_VERSION);
  ia_buf_u8(out, (uint8_t)((b->has_tx ? FLAG_TX : 0) | (b->ok ? FLAG_OK : 0)));
  ia_buf_u64be(out, b->number);
  ia_buf_put(out, b->parent.b, 32);
  ia_buf_u64be(out, b->timestamp);
  ia_buf_put(out, b->tx_hash.b, 32);
  ia_buf_put(out, b->sender.b, 20);
  ia_buf_u64be(out, b->gas_used);
  ia_buf_put(out, b->writes.b, 32);
  ia_buf_lp(out, b->raw);
  ia_buf_u32be(out, b->n_logs);
  ia_buf_lp(out, b->logs);
}

bool ia_block_decode(ia_block *b, ia_span in, ia_err *e)
{
  uint8_t version, flags;

  memset(b, 0, sizeof(*b));
  if (!ia_span_u8(&in, &version) || version != RECORD_VERSION || !ia_span_u8(&in, &flags) ||
      flags > (FLAG_TX | FLAG_OK) || !ia_span_u64be(&in, &b->number) ||
      !ia_span_copy(&in, b->parent.b, 32) || !ia_span_u64be(&in, &b->timestamp) ||
      !ia_span_copy(&in, b->tx_hash.b, 32) || !ia_span_copy(&in, b->sender.b, 20) ||
      !ia_span_u64be(&in, &b->gas_used) || !ia_span_copy(&in, b->writes.b, 32) ||
      !ia_span_lp(&in, &b->raw) || !ia_span_u32be(&in, &b->n_logs) || !ia_span_lp(&in, &b->logs) ||
      in.len != 0)
    return ia_fail(e, IA_E_CORRUPT, "ledger: a block record is damaged");
  b->has_tx = flags & FLAG_TX;
  b->ok = flags & FLAG_OK;
  return true;
}

void ia_block_hash(ia_h256 *out, ia_span record)
{
  static const char label[] = "\0\0\0\riapp-block/v1"; /* LP */
  uint8_t len[4] = {(uint8_t)(record.len >> 24), (uint8_t)(record.len >> 16),
                    (uint8_t)(record.len >> 8), (uint8_t)record.len};
  ia_keccak k;

  ia_keccak_init(&k);
  ia_keccak_update(&k, ia_span_of(label, sizeof(label) - 1));
  ia_keccak_update(&k, IA_SPAN_ARR(len));
  ia_keccak_update(&k, record);
  ia_keccak_final(&k, out);
}

static void bloom_bytes(uint8_t bloom[IA_BLOOM_SIZE], ia_span bytes)
{
  ia_h256 h;

  ia_keccak256(&h, bytes);
  for (int i = 0; i < 6; i += 2) {
    unsigned bit = (unsigned)(h.b[i] << 8 | h.b[i + 1]) & 2047;

    bloom[IA_BLOOM_SIZE - 1 - bit / 8] |= (uint8_t)(1u << (bit % 8));
  }
}

void ia_bloom_add(uint8_t bloom[IA_BLOOM_SIZE], const ia_log_entry *log)
{
  bloom_bytes(bloom, IA_SPAN_ARR(log->address.b));
  for (size_t i = 0; i < log->n_topics; i++)
    bloom_bytes(bloom, IA_SPAN_ARR(log->topics[i].b));
}

/* FNV-1a; a chance hit costs a look at one block more, since every candidate is checked. */
static uint64_t term(uint8_t kind, ia_span bytes)
{
  uint64_t h = (0xcbf29ce484222325u ^ kind) * 0x100000001b3u;

  for (size_t i = 0; i < bytes.len; i++)
    h = (h ^ bytes.ptr[i]) * 0x100000001b3u;
  return h >> 1; /* SQLite integers are signed */
}

uint64_t ia_term_address(const ia_addr *a)
{
  return term(0, IA_SPAN_ARR(a->b));
}

uint64_t ia_term_topic(size_t place, const ia_h256 *topic)
{
  return term((uint8_t)(1 + place), IA_SPAN_ARR(topic->b));
}
