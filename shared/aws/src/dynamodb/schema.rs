//! The one table: names that the template, the code and the tests must agree on.
//!
//! | pk | sk | is | goes |
//! |---|---|---|---|
//! | `c#<connection>#<thread>` | `state` | a conversation, with jobs that are still to be sent | 30 days after its last change with the bot, 90 after something was last said |
//! | the same | `k#<name>` | a claim within the conversation, with lines of its timeline | with its lines |
//! | the same | `m#<time>…` | messages kept for a later handover | after 72 hours |
//! | the same | `t#<time>…` | lines of its timeline | 30 days later |
//! | `k#<name>` | `claim` | a claim that belongs to no conversation | when it expires |
//! | `kept#<id>` | `0000`… | the parts of a job that is too large for SQS | after 30 days, those of a dead letter after 100 |
//! | `attempt#<job>` | `attempt` | receives of a job that were no attempts | after a day |
//! | `dead` | `<time>-<job>` | a dead letter | after 90 days |
//! | `budget#<host>` | `budget` | the REST budget of an RCE account | two hours after it was last used |

/// Partition key (S).
pub const PK: &str = "pk";
/// Sort key (S).
pub const SK: &str = "sk";
/// When DynamoDB may delete the item: seconds since 1970 (N).
pub const TTL: &str = "ttl";

/// Finds conversations by RCE's thread id.
pub const BY_RCE_THREAD: &str = "by-rce-thread";
/// Its partition key (S): connection and RCE's thread id.
pub const RCE: &str = "rce";
/// Its sort key (N): when the conversation began, milliseconds since 1970.
pub const STARTED: &str = "started";

/// Lists conversations, newest change of status first.
pub const BY_CHANGE: &str = "by-change";
/// Its partition key (S): one of a few shards, so that no partition gets all writes.
pub const SHARD: &str = "shard";
/// Its sort key (N): when its handover last came to another status, milliseconds since 1970.
pub const CHANGED: &str = "changed";

/// Finds handovers that somebody should look after, longest overdue first. Conversations with the bot are not in it.
pub const BY_LOOK: &str = "by-look";
/// Its sort key (N), beside [`SHARD`]: when to look, milliseconds since 1970.
pub const LOOK: &str = "look";
