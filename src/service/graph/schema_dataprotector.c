/* Protected data: the names of iExec's subgraph of DataProtector, as far as the contracts of today
 * fill them. */
#include "service/graph/schema.h"

static const graph_field schema_entry[] = {
    {"id", GRAPH_STRING, false, NULL, "@.id"},
    {"path", GRAPH_STRING, true, NULL, "@.path"},
    {"type", GRAPH_STRING, true, NULL, "@.type"},
};

static const graph_field protected_data[] = {
    {"id", GRAPH_BYTES, false, NULL, "@.id"},
    {"jsonSchema", GRAPH_STRING, false, NULL, "@.json_schema"},
    {"schema", GRAPH_LIST, false, "SchemaEntry", "schema"},
    {"owner", GRAPH_ONE, false, "Account", "owner"},
    {"name", GRAPH_STRING, false, NULL, "@.name"},
    {"multiaddr", GRAPH_BYTES, false, NULL, "@.multiaddr"},
    {"checksum", GRAPH_BYTES, false, NULL, "@.checksum"},
    {"creationTimestamp", GRAPH_NUMBER, false, NULL, "@.timestamp"},
    {"transactionHash", GRAPH_BYTES, false, NULL, "@.tx"},
    {"blockNumber", GRAPH_NUMBER, false, NULL, "@.block"},
};

static const graph_field account[] = {
    {"id", GRAPH_ID, false, NULL, "@.id"},
    {"datasets", GRAPH_MANY, false, "ProtectedData", "owner"},
};

static const graph_entity entities[] = {
    {"ProtectedData", "protectedData", "protectedDatas", "protected_data", NULL, false,
     protected_data, IA_COUNT(protected_data)},
    {"SchemaEntry", "schemaEntry", "schemaEntries", "schema_entry", NULL, false, schema_entry,
     IA_COUNT(schema_entry)},
    {"Account", "account", "accounts", "account", NULL, false, account, IA_COUNT(account)},
};

const graph_schema graph_dataprotector = {entities, IA_COUNT(entities), NULL, 0};
