//! Stories about the durable state of conversations.

#![expect(clippy::missing_panics_doc, reason = "a story fails by panicking")]

mod claims;
mod commits;
mod erasing;
mod kept;
mod listings;
mod sweeping;
mod timelines;

use handover_core::conversation::Conversation;
use handover_core::ports::{ClaimKey, Commit, Expected, Recorded, StoreError, Versioned};

pub use claims::*;
pub use commits::*;
pub use erasing::*;
pub use kept::*;
pub use listings::*;
pub use sweeping::*;
pub use timelines::*;

use crate::Subject;
use crate::samples::{connection, conversation, thread, write};

/// Runs every story about stores against what `factory` (an `async fn() -> Subject`) makes.
#[macro_export]
macro_rules! store_conformance {
    ($factory:ident) => {
        $crate::stories! { store_conformance, $factory, store::{
            a_conversation_is_read_as_it_was_written,
            what_exists_is_not_new,
            an_unknown_conversation_has_no_version,
            an_old_version_changes_nothing,
            a_check_alone_protects_the_rest,
            of_concurrent_writers_one_wins,
            of_concurrent_creators_one_wins,
            jobs_of_a_commit_are_received,
            repeated_jobs_of_commits_are_dropped,
            a_claim_is_recorded,
            a_claim_may_be_made_again_by_its_holder,
            its_holder_may_change_what_is_recorded,
            a_claim_of_somebody_else_stops_everything,
            an_expired_claim_is_free,
            of_concurrent_claims_one_wins,
            a_claim_that_is_held_is_reported_before_a_conflict,
            an_rce_thread_leads_to_its_conversation,
            a_later_conversation_takes_an_rce_thread_over,
            kept_messages_come_in_order,
            kept_messages_are_capped,
            kept_messages_grow_old,
            kept_messages_are_forgotten,
            a_timeline_is_in_order,
            a_timeline_keeps_texts_apart,
            listings_start_with_the_newest_change,
            handovers_are_looked_after_when_it_is_time,
            a_sweep_removes_only_what_has_expired,
            what_is_erased_is_gone_and_nothing_else,
            a_conversation_begins_anew_after_it_was_erased,
        } }
    };
}

pub(crate) async fn commit(subject: &Subject, change: Commit) {
    subject.store.commit(change).await.expect("committing works");
}

/// A new conversation with the bot, stored.
pub(crate) async fn stored(subject: &Subject, name: &str) -> Conversation {
    let conversation = conversation(name, subject.time.now());
    commit(subject, write(&conversation, Expected::New)).await;
    conversation
}

pub(crate) async fn find(subject: &Subject, name: &str) -> Option<Versioned> {
    let found = subject.store.conversation(&connection(), &thread(name)).await;
    found.expect("reading works")
}

pub(crate) async fn found(subject: &Subject, name: &str) -> Versioned {
    find(subject, name).await.expect("it is stored")
}

pub(crate) async fn claimed(subject: &Subject, key: &str) -> Option<Recorded> {
    let claimed = subject
        .store
        .claimed(&ClaimKey::apart(key), subject.time.now())
        .await;
    claimed.expect("reading works")
}

#[track_caller]
pub(crate) fn expect_conflict(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
}
