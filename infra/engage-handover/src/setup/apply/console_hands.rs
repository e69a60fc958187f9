//! What only a person can do, and nobody sees.

use super::Run;
use crate::commands::Failure;
use crate::setup::by_hand;
use crate::setup::plan::BASE_URI;
use crate::setup::report::Outcome;

impl Run<'_> {
    pub(super) async fn base_uri(&mut self) -> Result<Outcome, Failure> {
        let uri = self.wish.base_uri();
        let source = self.source()?.clone();
        let clicks = by_hand::base_uri(&source.name, &uri);
        let outcome = self.leave(&clicks, BASE_URI, &uri).await?;
        if outcome == Outcome::Said {
            let now = self
                .patience
                .maybe(async || self.console.source(&source.id).await)
                .await?;
            let trouble = now.flatten().and_then(|now| now.error_message);
            if let Some(trouble) = trouble {
                self.patience.terminal.say(&format!(
                    "  ! RingCentral says of the source: {trouble} (it may take minutes until it looks again)"
                ));
            }
        }
        Ok(outcome)
    }
}
