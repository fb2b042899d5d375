/* Tables of the market. Orders are what clients posted; `status`, `remaining` and `changed` (the
 * block that changed them) follow the ledger. Deals are derived. Tags are four signed 64-bit parts,
 * most significant first, so that SQL can test their bits. */
#include "service/market/market_int.h"

const ia_migration ia_market_schema[] = {
    {1,
     "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), chain INTEGER NOT NULL,"
     " hub BLOB NOT NULL, block INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;"
     "CREATE TABLE orders (hash BLOB PRIMARY KEY, kind INTEGER NOT NULL, asset BLOB NOT NULL,"
     " signer BLOB NOT NULL, body TEXT NOT NULL, price INTEGER NOT NULL, rank INTEGER NOT NULL,"
     " volume INTEGER NOT NULL, remaining INTEGER NOT NULL, need INTEGER NOT NULL,"
     " app_max INTEGER NOT NULL, dataset_max INTEGER NOT NULL,"
     " tag0 INTEGER NOT NULL, tag1 INTEGER NOT NULL, tag2 INTEGER NOT NULL, tag3 INTEGER NOT NULL,"
     " category INTEGER NOT NULL, trust INTEGER NOT NULL, app BLOB NOT NULL, dataset BLOB NOT NULL,"
     " workerpool BLOB NOT NULL, requester BLOB NOT NULL, beneficiary BLOB NOT NULL,"
     " published INTEGER NOT NULL, status TEXT NOT NULL"
     " CHECK (status IN ('open', 'filled', 'canceled', 'dead')),"
     " changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE INDEX orders_found ON orders (kind, status, asset, rank, published, hash);"
     "CREATE INDEX orders_cheap ON orders (kind, status, rank, published, hash);"
     "CREATE INDEX orders_signer ON orders (signer, kind, status);"
     "CREATE INDEX orders_changed ON orders (changed);"
     "CREATE TABLE deals (dealid BLOB PRIMARY KEY, block INTEGER NOT NULL, place INTEGER NOT NULL,"
     " app BLOB NOT NULL, dataset BLOB NOT NULL, workerpool BLOB NOT NULL, app_owner BLOB NOT NULL,"
     " dataset_owner BLOB NOT NULL, workerpool_owner BLOB NOT NULL, requester BLOB NOT NULL,"
     " beneficiary BLOB NOT NULL, category INTEGER NOT NULL, apporder BLOB NOT NULL,"
     " datasetorder BLOB NOT NULL, workerpoolorder BLOB NOT NULL, requestorder BLOB NOT NULL,"
     " body TEXT NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE INDEX deals_block ON deals (block, place);"
     "CREATE INDEX deals_request ON deals (requestorder);"
     "CREATE INDEX deals_requester ON deals (requester);"},
    /* groups that orders name, and their members; loaded = 0: not looked up yet */
    {2, "CREATE TABLE groups (grp BLOB PRIMARY KEY, loaded INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE members (grp BLOB NOT NULL, account BLOB NOT NULL,"
        " PRIMARY KEY (account, grp)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX members_of ON members (grp);"},
    /* the texts apart: lists are counted and sorted over rows that are ten times smaller */
    {3,
     "CREATE TABLE narrow (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL,"
     " asset BLOB NOT NULL, signer BLOB NOT NULL, price INTEGER NOT NULL, rank INTEGER NOT NULL,"
     " volume INTEGER NOT NULL, remaining INTEGER NOT NULL, need INTEGER NOT NULL,"
     " app_max INTEGER NOT NULL, dataset_max INTEGER NOT NULL,"
     " tag0 INTEGER NOT NULL, tag1 INTEGER NOT NULL, tag2 INTEGER NOT NULL, tag3 INTEGER NOT NULL,"
     " category INTEGER NOT NULL, trust INTEGER NOT NULL, app BLOB NOT NULL, dataset BLOB NOT NULL,"
     " workerpool BLOB NOT NULL, requester BLOB NOT NULL, beneficiary BLOB NOT NULL,"
     " published INTEGER NOT NULL, status TEXT NOT NULL"
     " CHECK (status IN ('open', 'filled', 'canceled', 'dead')), changed INTEGER NOT NULL) STRICT;"
     "INSERT INTO narrow SELECT NULL, hash, kind, asset, signer, price, rank, volume, remaining,"
     " need, app_max, dataset_max, tag0, tag1, tag2, tag3, category, trust, app, dataset, workerpool,"
     " requester, beneficiary, published, status, changed FROM orders;"
     "CREATE TABLE texts AS SELECT narrow.id, body FROM narrow JOIN orders USING (hash);"
     "DROP TABLE orders;"
     "ALTER TABLE narrow RENAME TO orders;"
     "CREATE TABLE bodies (id INTEGER PRIMARY KEY REFERENCES orders (id) ON DELETE CASCADE,"
     " body TEXT NOT NULL) STRICT;"
     "INSERT INTO bodies SELECT id, body FROM texts;"
     "DROP TABLE texts;"
     /* with the columns that lists mostly narrow by: they are counted without reading rows */
     "CREATE INDEX orders_found ON orders (kind, status, asset, rank, published, hash);"
     "CREATE INDEX orders_cheap ON orders (kind, status, rank, published, hash);"
     "CREATE INDEX orders_app ON orders (kind, status, app, requester, workerpool, dataset, rank,"
     " published, hash, category, tag3, remaining);"
     "CREATE INDEX orders_requester ON orders (kind, status, requester, rank, published, hash);"
     "CREATE INDEX orders_signer ON orders (signer, kind, status, rank, published, hash);"
     "CREATE INDEX orders_changed ON orders (changed);"},
    /* the blocks that were followed last, by which a rewrite is found */
    {4, "ALTER TABLE meta ADD COLUMN past BLOB NOT NULL DEFAULT x'';"
        /* the block up to which was followed when the ledger was last asked about an order */
        "ALTER TABLE orders ADD COLUMN looked INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX orders_looked ON orders (looked);"},
    /* groups: loaded = 2: cannot be followed, and why; how many members; when they became known */
    {5, "ALTER TABLE groups ADD COLUMN members INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE groups ADD COLUMN why TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE groups ADD COLUMN learned INTEGER NOT NULL DEFAULT 0;"
        "UPDATE groups SET loaded = 0;"},
};
const size_t ia_market_schema_steps = IA_COUNT(ia_market_schema);
