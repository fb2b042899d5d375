/* PoCo: the names of iExec's subgraph of PoCo. */
#include "service/graph/schema.h"

#define ID                                                                                         \
  {                                                                                                \
    "id", GRAPH_ID, false, NULL, "@.id"                                                            \
  }
#define LEAF(name, kind, column)                                                                   \
  {                                                                                                \
    name, kind, false, NULL, "@." column                                                           \
  }
#define MAYBE(name, kind, column)                                                                  \
  {                                                                                                \
    name, kind, true, NULL, "@." column                                                            \
  }
#define ONE(name, of, column)                                                                      \
  {                                                                                                \
    name, GRAPH_ONE, false, of, column                                                             \
  }
#define MAYBE_ONE(name, of, column)                                                                \
  {                                                                                                \
    name, GRAPH_ONE, true, of, column                                                              \
  }
#define MANY(name, of, column)                                                                     \
  {                                                                                                \
    name, GRAPH_MANY, false, of, column                                                            \
  }

static const graph_field account[] = {
    ID,
    LEAF("balance", GRAPH_RLC, "balance"),
    LEAF("frozen", GRAPH_RLC, "frozen"),
    LEAF("score", GRAPH_BIG, "score"),
    MANY("transfersFrom", "Transfer", "from_"),
    MANY("transfersTo", "Transfer", "to_"),
    MANY("events", "AccountEvent", "account"),
    MANY("contributions", "Contribution", "worker"),
    MANY("apps", "App", "owner"),
    MANY("datasets", "Dataset", "owner"),
    MANY("workerpools", "Workerpool", "owner"),
    MANY("dealRequester", "Deal", "requester"),
    MANY("dealBeneficiary", "Deal", "beneficiary"),
    MANY("dealCallback", "Deal", "callback"),
    MANY("taskRequester", "Task", "requester"),
    MANY("orderRequester", "RequestOrder", "requester"),
    MANY("orderBeneficiary", "RequestOrder", "beneficiary"),
    MANY("orderCallback", "RequestOrder", "callback"),
    MANY("transactions", "Transaction", "from_"),
};

static const graph_field app[] = {
    ID,
    ONE("owner", "Account", "owner"),
    LEAF("name", GRAPH_STRING, "name"),
    LEAF("type", GRAPH_STRING, "type"),
    LEAF("multiaddr", GRAPH_BYTES, "multiaddr"),
    LEAF("checksum", GRAPH_BYTES, "checksum"),
    LEAF("mrenclave", GRAPH_BYTES, "mrenclave"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    MANY("usages", "Deal", "app"),
    MANY("orders", "AppOrder", "app"),
    MANY("transfers", "AppTransfer", "app"),
};

static const graph_field dataset[] = {
    ID,
    ONE("owner", "Account", "owner"),
    LEAF("name", GRAPH_STRING, "name"),
    LEAF("multiaddr", GRAPH_BYTES, "multiaddr"),
    LEAF("checksum", GRAPH_BYTES, "checksum"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    MANY("usages", "Deal", "dataset"),
    MANY("orders", "DatasetOrder", "dataset"),
    MANY("transfers", "DatasetTransfer", "dataset"),
    {"bulkUsages", GRAPH_LISTED, false, "BulkSlice", "bulk_datasets"},
};

static const graph_field workerpool[] = {
    ID,
    ONE("owner", "Account", "owner"),
    LEAF("description", GRAPH_STRING, "description"),
    LEAF("workerStakeRatio", GRAPH_BIG, "stake_ratio"),
    LEAF("schedulerRewardRatio", GRAPH_BIG, "reward_ratio"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    MANY("usages", "Deal", "workerpool"),
    MANY("orders", "WorkerpoolOrder", "workerpool"),
    MANY("events", "WorkerpoolEvent", "workerpool"),
    MANY("transfers", "WorkerpoolTransfer", "workerpool"),
};

/* What all signed orders may have; orders that were seen in no transaction have only their id. */
#define ORDER_TAIL                                                                                 \
  MAYBE("volume", GRAPH_BIG, "volume"), MAYBE("tag", GRAPH_BYTES, "tag"),                          \
      MAYBE("salt", GRAPH_BYTES, "salt"), MAYBE("sign", GRAPH_BYTES, "sign")

static const graph_field app_order[] = {
    ID,
    ONE("app", "App", "app"),
    LEAF("appprice", GRAPH_RLC, "price"),
    MAYBE("datasetrestrict", GRAPH_BYTES, "dataset_restrict"),
    MAYBE("workerpoolrestrict", GRAPH_BYTES, "workerpool_restrict"),
    MAYBE("requesterrestrict", GRAPH_BYTES, "requester_restrict"),
    ORDER_TAIL,
    MANY("deals", "Deal", "apporder"),
};

static const graph_field dataset_order[] = {
    ID,
    ONE("dataset", "Dataset", "dataset"),
    LEAF("datasetprice", GRAPH_RLC, "price"),
    MAYBE("apprestrict", GRAPH_BYTES, "app_restrict"),
    MAYBE("workerpoolrestrict", GRAPH_BYTES, "workerpool_restrict"),
    MAYBE("requesterrestrict", GRAPH_BYTES, "requester_restrict"),
    ORDER_TAIL,
    MANY("deals", "Deal", "datasetorder"),
};

static const graph_field workerpool_order[] = {
    ID,
    ONE("workerpool", "Workerpool", "workerpool"),
    LEAF("workerpoolprice", GRAPH_RLC, "price"),
    MAYBE_ONE("category", "Category", "category"),
    MAYBE("trust", GRAPH_BIG, "trust"),
    MAYBE("apprestrict", GRAPH_BYTES, "app_restrict"),
    MAYBE("datasetrestrict", GRAPH_BYTES, "dataset_restrict"),
    MAYBE("requesterrestrict", GRAPH_BYTES, "requester_restrict"),
    ORDER_TAIL,
    MANY("deals", "Deal", "workerpoolorder"),
};

static const graph_field request_order[] = {
    ID,
    MAYBE_ONE("app", "App", "app"),
    MAYBE("appmaxprice", GRAPH_RLC, "app_price"),
    MAYBE_ONE("dataset", "Dataset", "dataset"),
    MAYBE("datasetmaxprice", GRAPH_RLC, "dataset_price"),
    MAYBE_ONE("workerpool", "Workerpool", "workerpool"),
    MAYBE("workerpoolmaxprice", GRAPH_RLC, "workerpool_price"),
    ONE("requester", "Account", "requester"),
    MAYBE_ONE("category", "Category", "category"),
    MAYBE("trust", GRAPH_BIG, "trust"),
    MAYBE_ONE("beneficiary", "Account", "beneficiary"),
    MAYBE_ONE("callback", "Account", "callback"),
    MAYBE("params", GRAPH_STRING, "params"),
    ORDER_TAIL,
    MANY("deals", "Deal", "requestorder"),
};

static const graph_field category[] = {
    ID,
    LEAF("name", GRAPH_STRING, "name"),
    LEAF("description", GRAPH_STRING, "description"),
    LEAF("workClockTimeRef", GRAPH_NUMBER, "time_ref"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    MANY("deals", "Deal", "category"),
};

/* Tasks of a deal that ended so. */
#define TASKS_OF_DEAL(status)                                                                      \
  "(SELECT count(*) FROM task x WHERE x.deal = @.id AND x.status = '" status "' AND #x)"

static const graph_field deal[] = {
    ID,
    MANY("tasks", "Task", "deal"),
    ONE("app", "App", "app"),
    ONE("appOwner", "Account", "app_owner"),
    LEAF("appPrice", GRAPH_RLC, "app_price"),
    MAYBE_ONE("dataset", "Dataset", "dataset"),
    ONE("datasetOwner", "Account", "dataset_owner"),
    LEAF("datasetPrice", GRAPH_RLC, "dataset_price"),
    ONE("workerpool", "Workerpool", "workerpool"),
    ONE("workerpoolOwner", "Account", "workerpool_owner"),
    LEAF("workerpoolPrice", GRAPH_RLC, "workerpool_price"),
    LEAF("trust", GRAPH_BIG, "trust"),
    ONE("category", "Category", "category"),
    LEAF("tag", GRAPH_BYTES, "tag"),
    ONE("requester", "Account", "requester"),
    ONE("beneficiary", "Account", "beneficiary"),
    ONE("callback", "Account", "callback"),
    LEAF("params", GRAPH_STRING, "params"),
    LEAF("startTime", GRAPH_NUMBER, "start_time"),
    LEAF("botFirst", GRAPH_BIG, "bot_first"),
    LEAF("botSize", GRAPH_BIG, "bot_size"),
    {"completedTasksCount", GRAPH_NUMBER, false, NULL, TASKS_OF_DEAL("COMPLETED")},
    {"claimedTasksCount", GRAPH_NUMBER, false, NULL, TASKS_OF_DEAL("FAILLED")},
    LEAF("workerStake", GRAPH_BIG, "worker_stake"),
    LEAF("schedulerRewardRatio", GRAPH_BIG, "reward_ratio"),
    ONE("sponsor", "Account", "sponsor"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    MAYBE_ONE("apporder", "AppOrder", "apporder"),
    MAYBE_ONE("datasetorder", "DatasetOrder", "datasetorder"),
    MAYBE_ONE("workerpoolorder", "WorkerpoolOrder", "workerpoolorder"),
    MAYBE_ONE("requestorder", "RequestOrder", "requestorder"),
    {"bulk", GRAPH_BACK, true, "Bulk", "deal"},
    MANY("events", "DealEvent", "deal"),
};

static const char *const task_status[] = {"UNSET",     "ACTIVE",  "REVEALING",
                                          "COMPLETED", "FAILLED", NULL};

static const graph_field task[] = {
    ID,
    {"status", GRAPH_ENUM, false, "TaskStatus", "@.status"},
    ONE("deal", "Deal", "deal"),
    LEAF("index", GRAPH_BIG, "idx"),
    ONE("requester", "Account", "requester"),
    MANY("contributions", "Contribution", "task"),
    MAYBE("consensus", GRAPH_BYTES, "consensus"),
    MAYBE("resultDigest", GRAPH_BYTES, "result_digest"),
    MAYBE("results", GRAPH_STRING, "results"),
    MAYBE("resultsCallback", GRAPH_STRING, "results_callback"),
    LEAF("contributionDeadline", GRAPH_NUMBER, "contribution_deadline"),
    MAYBE("revealDeadline", GRAPH_NUMBER, "reveal_deadline"),
    LEAF("finalDeadline", GRAPH_NUMBER, "final_deadline"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    {"bulkSlice", GRAPH_BACK, true, "BulkSlice", "task"},
    MANY("rewards", "Reward", "task"),
    MANY("seizes", "Seize", "task"),
    MANY("events", "TaskEvent", "task"),
};

static const char *const contribution_status[] = {"UNSET", "CONTRIBUTED", "PROVED", "REJECTED",
                                                  NULL};

static const graph_field contribution[] = {
    ID,
    {"status", GRAPH_ENUM, false, "ContributionStatus", "@.status"},
    LEAF("timestamp", GRAPH_INT, "timestamp"),
    ONE("task", "Task", "task"),
    ONE("worker", "Account", "worker"),
    LEAF("hash", GRAPH_BYTES, "hash"),
    LEAF("seal", GRAPH_BYTES, "seal"),
    LEAF("challenge", GRAPH_BYTES, "challenge"),
};

static const graph_field bulk[] = {
    ID,
    LEAF("hash", GRAPH_STRING, "hash"),
    LEAF("content", GRAPH_STRING, "content"),
    ONE("deal", "Deal", "deal"),
    MANY("slices", "BulkSlice", "bulk"),
};

static const graph_field bulk_slice[] = {
    ID,
    MAYBE_ONE("task", "Task", "task"),
    LEAF("hash", GRAPH_STRING, "hash"),
    ONE("bulk", "Bulk", "bulk"),
    LEAF("index", GRAPH_BIG, "idx"),
    LEAF("content", GRAPH_STRING, "content"),
    {"datasets", GRAPH_LIST, false, "Dataset", "bulk_datasets"},
    {"datasetOrders", GRAPH_LIST, false, "DatasetOrder", "bulk_orders"},
};

static const graph_field transaction[] = {
    ID,
    MAYBE_ONE("from", "Account", "from_"),
    MAYBE_ONE("to", "Account", "to_"),
    LEAF("timestamp", GRAPH_NUMBER, "timestamp"),
    LEAF("blockNumber", GRAPH_NUMBER, "block"),
    MANY("accountEvents", "AccountEvent", "tx"),
    MANY("taskEvents", "TaskEvent", "tx"),
    MANY("workerpoolEvents", "WorkerpoolEvent", "tx"),
    MANY("ressourceTransferEvent", "RessourceTransferEvent", "tx"),
};

#define COUNT(table, more) "(SELECT count(*) FROM " table " x WHERE #x" more ")"

static const graph_field protocol[] = {
    ID,
    {"categoriesCount", GRAPH_NUMBER, false, NULL, COUNT("category", "")},
    {"appsCount", GRAPH_NUMBER, false, NULL, COUNT("app", "")},
    {"datasetsCount", GRAPH_NUMBER, false, NULL, COUNT("dataset", "")},
    {"workerpoolsCount", GRAPH_NUMBER, false, NULL, COUNT("workerpool", "")},
    {"dealsCount", GRAPH_NUMBER, false, NULL, COUNT("deal", "")},
    /* a coded number is its length in two digits, then its digits */
    {"tasksCount", GRAPH_NUMBER, false, NULL,
     "(SELECT coalesce(sum(CAST(substr(x.bot_size, 3) AS INTEGER)), 0) FROM deal x WHERE #x)"},
    {"completedTasksCount", GRAPH_NUMBER, false, NULL,
     COUNT("task", " AND x.status = 'COMPLETED'")},
    {"claimedTasksCount", GRAPH_NUMBER, false, NULL, COUNT("task", " AND x.status = 'FAILLED'")},
    LEAF("tvl", GRAPH_RLC, "tvl"),
};

/* -- events: one table -- */
#define EVENT                                                                                      \
  ID, ONE("transaction", "Transaction", "tx"), LEAF("timestamp", GRAPH_NUMBER, "timestamp")
#define TASK_EVENT    EVENT, ONE("task", "Task", "task")
#define ACCOUNT_EVENT EVENT, ONE("account", "Account", "account")
#define MOVED         EVENT, ONE("from", "Account", "from_"), ONE("to", "Account", "to_")

static const graph_field event_transfer[] = {MOVED, LEAF("value", GRAPH_RLC, "value")};
static const graph_field event_account[] = {ACCOUNT_EVENT};
static const graph_field event_paid[] = {ACCOUNT_EVENT, LEAF("value", GRAPH_RLC, "value"),
                                         ONE("task", "Task", "task")};
static const graph_field event_locked[] = {ACCOUNT_EVENT, LEAF("value", GRAPH_RLC, "value")};
static const graph_field event_judged[] = {ACCOUNT_EVENT,
                                           ONE("contribution", "Contribution", "contribution"),
                                           LEAF("score", GRAPH_BIG, "score")};
static const graph_field event_moved[] = {MOVED};
static const graph_field event_app[] = {MOVED, ONE("app", "App", "app")};
static const graph_field event_dataset[] = {MOVED, ONE("dataset", "Dataset", "dataset")};
static const graph_field event_workerpool[] = {MOVED,
                                               ONE("workerpool", "Workerpool", "workerpool")};
static const graph_field event_pool[] = {EVENT, ONE("workerpool", "Workerpool", "workerpool")};
static const graph_field event_notice[] = {EVENT, ONE("workerpool", "Workerpool", "workerpool"),
                                           ONE("deal", "Deal", "deal")};
static const graph_field event_policy[] = {
    EVENT,
    ONE("workerpool", "Workerpool", "workerpool"),
    LEAF("oldWorkerStakeRatio", GRAPH_BIG, "old_stake"),
    LEAF("newWorkerStakeRatio", GRAPH_BIG, "new_stake"),
    LEAF("oldSchedulerRewardRatio", GRAPH_BIG, "old_reward"),
    LEAF("newSchedulerRewardRatio", GRAPH_BIG, "new_reward"),
};
static const graph_field event_deal[] = {EVENT, ONE("deal", "Deal", "deal")};
static const graph_field event_task[] = {TASK_EVENT};
static const graph_field event_begun[] = {TASK_EVENT,
                                          ONE("workerpool", "Workerpool", "workerpool")};
static const graph_field event_contributed[] = {TASK_EVENT, ONE("worker", "Account", "worker"),
                                                LEAF("hash", GRAPH_BYTES, "hash")};
static const graph_field event_agreed[] = {TASK_EVENT, LEAF("consensus", GRAPH_BYTES, "hash")};
static const graph_field event_revealed[] = {TASK_EVENT, ONE("worker", "Account", "worker"),
                                             LEAF("digest", GRAPH_BYTES, "hash")};
static const graph_field event_final[] = {TASK_EVENT, LEAF("results", GRAPH_BYTES, "results")};

#define ROWS(fields) fields, IA_COUNT(fields)
#define PLAIN        NULL, false
#define INTERFACE    "event", NULL, true
#define EVENT_OF(of) "event", of, false

static const graph_entity entities[] = {
    {"Protocol", "protocol", "protocols", "protocol", PLAIN, ROWS(protocol)},
    {"Account", "account", "accounts", "account", PLAIN, ROWS(account)},
    {"App", "app", "apps", "app", PLAIN, ROWS(app)},
    {"Dataset", "dataset", "datasets", "dataset", PLAIN, ROWS(dataset)},
    {"Workerpool", "workerpool", "workerpools", "workerpool", PLAIN, ROWS(workerpool)},
    {"AppOrder", "appOrder", "appOrders", "app_order", PLAIN, ROWS(app_order)},
    {"DatasetOrder", "datasetOrder", "datasetOrders", "dataset_order", PLAIN, ROWS(dataset_order)},
    {"WorkerpoolOrder", "workerpoolOrder", "workerpoolOrders", "workerpool_order", PLAIN,
     ROWS(workerpool_order)},
    {"RequestOrder", "requestOrder", "requestOrders", "request_order", PLAIN, ROWS(request_order)},
    {"Category", "category", "categories", "category", PLAIN, ROWS(category)},
    {"Deal", "deal", "deals", "deal", PLAIN, ROWS(deal)},
    {"Task", "task", "tasks", "task", PLAIN, ROWS(task)},
    {"Contribution", "contribution", "contributions", "contribution", PLAIN, ROWS(contribution)},
    {"Bulk", "bulk", "bulks", "bulk", PLAIN, ROWS(bulk)},
    {"BulkSlice", "bulkSlice", "bulkSlices", "bulk_slice", PLAIN, ROWS(bulk_slice)},
    {"Transaction", "transaction", "transactions", "tx", PLAIN, ROWS(transaction)},
    {"Transfer", "transfer", "transfers", "transfer", PLAIN, ROWS(event_transfer)},
    {"AccountEvent", "accountEvent", "accountEvents", INTERFACE, ROWS(event_account)},
    {"Reward", "reward", "rewards", EVENT_OF("AccountEvent"), ROWS(event_paid)},
    {"Seize", "seize", "seizes", EVENT_OF("AccountEvent"), ROWS(event_paid)},
    {"Lock", "lock", "locks", EVENT_OF("AccountEvent"), ROWS(event_locked)},
    {"Unlock", "unlock", "unlocks", EVENT_OF("AccountEvent"), ROWS(event_locked)},
    {"AccurateContribution", "accurateContribution", "accurateContributions",
     EVENT_OF("AccountEvent"), ROWS(event_judged)},
    {"FaultyContribution", "faultyContribution", "faultyContributions", EVENT_OF("AccountEvent"),
     ROWS(event_judged)},
    {"RessourceTransferEvent", "ressourceTransferEvent", "ressourceTransferEvents", INTERFACE,
     ROWS(event_moved)},
    {"AppTransfer", "appTransfer", "appTransfers", EVENT_OF("RessourceTransferEvent"),
     ROWS(event_app)},
    {"DatasetTransfer", "datasetTransfer", "datasetTransfers", EVENT_OF("RessourceTransferEvent"),
     ROWS(event_dataset)},
    {"WorkerpoolTransfer", "workerpoolTransfer", "workerpoolTransfers",
     EVENT_OF("RessourceTransferEvent"), ROWS(event_workerpool)},
    {"WorkerpoolEvent", "workerpoolEvent", "workerpoolEvents", INTERFACE, ROWS(event_pool)},
    {"SchedulerNotice", "schedulerNotice", "schedulerNotices", EVENT_OF("WorkerpoolEvent"),
     ROWS(event_notice)},
    {"PolicyUpdate", "policyUpdate", "policyUpdates", EVENT_OF("WorkerpoolEvent"),
     ROWS(event_policy)},
    {"DealEvent", "dealEvent", "dealEvents", INTERFACE, ROWS(event_deal)},
    {"OrdersMatched", "ordersMatched", "ordersMatcheds", EVENT_OF("DealEvent"), ROWS(event_deal)},
    {"TaskEvent", "taskEvent", "taskEvents", INTERFACE, ROWS(event_task)},
    {"TaskInitialize", "taskInitialize", "taskInitializes", EVENT_OF("TaskEvent"),
     ROWS(event_begun)},
    {"TaskContribute", "taskContribute", "taskContributes", EVENT_OF("TaskEvent"),
     ROWS(event_contributed)},
    {"TaskConsensus", "taskConsensus", "taskConsensuses", EVENT_OF("TaskEvent"),
     ROWS(event_agreed)},
    {"TaskReveal", "taskReveal", "taskReveals", EVENT_OF("TaskEvent"), ROWS(event_revealed)},
    {"TaskReopen", "taskReopen", "taskReopens", EVENT_OF("TaskEvent"), ROWS(event_task)},
    {"TaskFinalize", "taskFinalize", "taskFinalizes", EVENT_OF("TaskEvent"), ROWS(event_final)},
    {"TaskClaimed", "taskClaimed", "taskClaimeds", EVENT_OF("TaskEvent"), ROWS(event_task)},
};

static const graph_enum enums[] = {
    {"TaskStatus", task_status},
    {"ContributionStatus", contribution_status},
};

const graph_schema graph_poco = {entities, IA_COUNT(entities), enums, IA_COUNT(enums)};
