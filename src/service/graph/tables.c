/* Tables of the index. A row is one version of its object: alive in the blocks from `since` to
 * before `until`, which is 2^63-1 while nothing came after. So a reorganisation rolls back by
 * block, and a query can look at any block. Names are as in the schemas, numbers as graph_big_put
 * writes them unless they are times. */
#include "service/graph/store.h"

#define VERSIONED(table, columns)                                                                  \
  "CREATE TABLE " table                                                                            \
  " (id TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, " columns                   \
  ", PRIMARY KEY (id, until)) STRICT, WITHOUT ROWID;"                                              \
  "CREATE INDEX " table "_since ON " table " (since);"                                             \
  "CREATE INDEX " table "_until ON " table " (until) WHERE until < 9223372036854775807;"
#define FOUND_BY(table, column)                                                                    \
  "CREATE INDEX " table "_by_" column " ON " table " (" column ", id);"

/* What is mostly listed newest first. */
#define LISTED_BY(table, column)                                                                   \
  "CREATE INDEX " table "_by_" column " ON " table " (" column ", timestamp, id);"

#define ORDER "price TEXT, volume TEXT, tag TEXT, salt TEXT, sign TEXT"

/* A table a paragraph. */
/* clang-format off */
const ia_migration graph_tables[] = {
    {1,
     "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), chain INTEGER NOT NULL,"
     " hub BLOB NOT NULL, block INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;"
     "CREATE TABLE block (number INTEGER PRIMARY KEY, hash TEXT NOT NULL, parent TEXT NOT NULL,"
     " timestamp INTEGER NOT NULL) STRICT;"
     "CREATE TABLE link (list TEXT NOT NULL, owner TEXT NOT NULL, place INTEGER NOT NULL,"
     " target TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (list, owner, place)) STRICT,"
     " WITHOUT ROWID;"
     "CREATE INDEX link_target ON link (list, target, owner);"
     "CREATE INDEX link_since ON link (since);"
     /* bulk requests whose content could not be read yet */
     "CREATE TABLE missing (cid TEXT NOT NULL, deal BLOB NOT NULL, idx INTEGER NOT NULL,"
     " since INTEGER NOT NULL, tried INTEGER NOT NULL, PRIMARY KEY (deal, idx)) STRICT;"
     "CREATE INDEX missing_tried ON missing (tried, since, idx);"

     VERSIONED("account", "balance TEXT NOT NULL, frozen TEXT NOT NULL, score TEXT NOT NULL")
     VERSIONED("protocol", "tvl TEXT NOT NULL")
     VERSIONED("schema_entry", "path TEXT, type TEXT")
     VERSIONED("protected_data", "json_schema TEXT, owner TEXT, name TEXT, multiaddr TEXT,"
               " checksum TEXT, timestamp INTEGER, tx TEXT, block INTEGER")
     FOUND_BY("protected_data", "owner") FOUND_BY("protected_data", "timestamp")

     VERSIONED("app", "owner TEXT, name TEXT, type TEXT, multiaddr TEXT, checksum TEXT,"
               " mrenclave TEXT, timestamp INTEGER")
     FOUND_BY("app", "owner") FOUND_BY("app", "timestamp")
     VERSIONED("dataset", "owner TEXT, name TEXT, multiaddr TEXT, checksum TEXT,"
               " timestamp INTEGER")
     FOUND_BY("dataset", "owner") FOUND_BY("dataset", "timestamp")
     VERSIONED("workerpool", "owner TEXT, description TEXT, stake_ratio TEXT, reward_ratio TEXT,"
               " timestamp INTEGER")
     FOUND_BY("workerpool", "owner") FOUND_BY("workerpool", "timestamp")

     VERSIONED("app_order", ORDER ", app TEXT, dataset_restrict TEXT, workerpool_restrict TEXT,"
               " requester_restrict TEXT")
     FOUND_BY("app_order", "app")
     VERSIONED("dataset_order", ORDER ", dataset TEXT, app_restrict TEXT,"
               " workerpool_restrict TEXT, requester_restrict TEXT")
     FOUND_BY("dataset_order", "dataset")
     VERSIONED("workerpool_order", ORDER ", workerpool TEXT, category TEXT, trust TEXT,"
               " app_restrict TEXT, dataset_restrict TEXT, requester_restrict TEXT")
     FOUND_BY("workerpool_order", "workerpool")
     VERSIONED("request_order", "volume TEXT, tag TEXT, salt TEXT, sign TEXT, app TEXT,"
               " app_price TEXT, dataset TEXT, dataset_price TEXT, workerpool TEXT,"
               " workerpool_price TEXT, requester TEXT, category TEXT, trust TEXT,"
               " beneficiary TEXT, callback TEXT, params TEXT")
     FOUND_BY("request_order", "requester") FOUND_BY("request_order", "beneficiary")
     FOUND_BY("request_order", "callback")

     VERSIONED("category", "name TEXT, description TEXT, time_ref INTEGER, timestamp INTEGER")
     VERSIONED("deal", "app TEXT, app_owner TEXT, app_price TEXT, dataset TEXT,"
               " dataset_owner TEXT, dataset_price TEXT, workerpool TEXT, workerpool_owner TEXT,"
               " workerpool_price TEXT, trust TEXT, category TEXT, tag TEXT, requester TEXT,"
               " beneficiary TEXT, callback TEXT, params TEXT, start_time INTEGER,"
               " bot_first TEXT, bot_size TEXT, worker_stake TEXT, reward_ratio TEXT,"
               " sponsor TEXT, timestamp INTEGER, apporder TEXT, datasetorder TEXT,"
               " workerpoolorder TEXT, requestorder TEXT")
     LISTED_BY("deal", "app") LISTED_BY("deal", "dataset") LISTED_BY("deal", "workerpool")
     LISTED_BY("deal", "requester") LISTED_BY("deal", "beneficiary") LISTED_BY("deal", "callback")
     FOUND_BY("deal", "category") FOUND_BY("deal", "timestamp") FOUND_BY("deal", "apporder")
     FOUND_BY("deal", "datasetorder") FOUND_BY("deal", "workerpoolorder")
     FOUND_BY("deal", "requestorder")

     VERSIONED("task", "status TEXT, deal TEXT, idx TEXT, requester TEXT, consensus TEXT,"
               " result_digest TEXT, results TEXT, results_callback TEXT,"
               " contribution_deadline INTEGER, reveal_deadline INTEGER,"
               " final_deadline INTEGER, timestamp INTEGER")
     "CREATE INDEX task_by_deal ON task (deal, status, id);"
     LISTED_BY("task", "requester") FOUND_BY("task", "timestamp")
     VERSIONED("contribution", "status TEXT, timestamp INTEGER, task TEXT, worker TEXT,"
               " hash TEXT, seal TEXT, challenge TEXT")
     FOUND_BY("contribution", "task") FOUND_BY("contribution", "worker")
     VERSIONED("bulk", "hash TEXT, content TEXT, deal TEXT")
     FOUND_BY("bulk", "deal")
     VERSIONED("bulk_slice", "task TEXT, hash TEXT, bulk TEXT, idx TEXT, content TEXT")
     FOUND_BY("bulk_slice", "task") FOUND_BY("bulk_slice", "bulk")

     VERSIONED("tx", "from_ TEXT, to_ TEXT, timestamp INTEGER, block INTEGER")
     FOUND_BY("tx", "from_")
     VERSIONED("transfer", "tx TEXT, timestamp INTEGER, from_ TEXT, to_ TEXT, value TEXT")
     FOUND_BY("transfer", "from_") FOUND_BY("transfer", "to_")
     VERSIONED("event", "type TEXT NOT NULL, tx TEXT, timestamp INTEGER, account TEXT, task TEXT,"
               " deal TEXT, worker TEXT, workerpool TEXT, app TEXT, dataset TEXT, from_ TEXT,"
               " to_ TEXT, value TEXT, hash TEXT, results TEXT, contribution TEXT, score TEXT,"
               " old_stake TEXT, new_stake TEXT, old_reward TEXT, new_reward TEXT")
     FOUND_BY("event", "account") FOUND_BY("event", "task") FOUND_BY("event", "deal")
     FOUND_BY("event", "workerpool") FOUND_BY("event", "app") FOUND_BY("event", "dataset")
     FOUND_BY("event", "tx") FOUND_BY("event", "timestamp")},
    /* the blocks that were followed last, by which a rewrite is found */
    {2, "ALTER TABLE meta ADD COLUMN past BLOB NOT NULL DEFAULT x'';"},
};
/* clang-format on */
const size_t graph_tables_steps = IA_COUNT(graph_tables);

const char *const graph_versioned[] = {
    "account",       "protocol",   "schema_entry", "protected_data", "app",
    "dataset",       "workerpool", "app_order",    "dataset_order",  "workerpool_order",
    "request_order", "category",   "deal",         "task",           "contribution",
    "bulk",          "bulk_slice", "tx",           "transfer",       "event",
};
const size_t graph_n_versioned = IA_COUNT(graph_versioned);
