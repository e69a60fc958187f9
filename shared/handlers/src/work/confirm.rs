use handover_core::ids::ContentId;
use handover_core::message::Message;
use handover_core::ports::StoreError;

use super::Task;
use super::outcome::Step;

pub(super) async fn confirm(_: &Task<'_>, _: &ContentId, _: &Message) -> Result<Step, StoreError> {
    Ok(Step::Done)
}
