//! What agents do, by hand or in their workbins.

use handover_stories::desk::{MIRA, SAM};
use simulated_ringcx::Reply;

use crate::case::Deed;
use crate::world::World;

impl Deed {
    /// Whether it may be an end of a handover.
    fn ends(self) -> bool {
        matches!(
            self,
            Self::Close | Self::Cancel | Self::MoveToBot | Self::CloseFromFolder | Self::Dismiss
        )
    }

    /// Whether it may give a conversation to the agents.
    fn begins(self) -> bool {
        matches!(
            self,
            Self::Take
                | Self::Reply
                | Self::Transfer
                | Self::Defer
                | Self::Reopen
                | Self::Engage
                | Self::WriteUnasked
                | Self::MoveToAgents
                | Self::DeferFromFolder
        )
    }
}

impl World {
    /// An agent does something, if RCE allows it.
    pub(crate) fn at_the_desk(&mut self, talk: usize, mira: bool, deed: Deed) {
        let (agent, other) = if mira { (MIRA, SAM) } else { (SAM, MIRA) };
        let rce = &self.bench.rce;
        let thread = self.talks[talk].id.clone();
        let text = format!("{thread} agent {}", self.talks[talk].replies.len());
        let done = match deed {
            Deed::Take => rce.take(&thread, agent),
            Deed::Reply => rce.reply(&thread, agent, text.as_str()).map(drop),
            Deed::Transfer => rce.transfer(&thread, other),
            Deed::Defer => rce.defer(&thread),
            Deed::Reactivate => rce.reactivate(&thread),
            Deed::Close => rce.close(&thread),
            Deed::Cancel => rce.cancel(&thread),
            Deed::Reopen => rce.reopen(&thread, agent),
            Deed::Engage => rce.engage(&thread, agent).map(drop),
            Deed::WriteUnasked => {
                let reply = Reply {
                    as_supervisor: true,
                    ..Reply::from(text.as_str())
                };
                rce.reply(&thread, agent, reply).map(drop)
            }
            Deed::MoveToAgents => rce.move_to_agents(&thread, agent),
            Deed::MoveToBot => rce.move_to_bot(&thread, agent),
            Deed::CloseFromFolder => rce.close_from_folder(&thread, agent),
            Deed::DeferFromFolder => rce.defer_from_folder(&thread, agent),
            Deed::Dismiss => rce.ignore(&thread),
            Deed::Expire => rce.expire(&thread),
        };
        if let Err(error) = done {
            self.remark(&format!("not possible: {error}"));
            return;
        }
        let now = self.bench.clock_now();
        let talk = &mut self.talks[talk];
        if deed.ends() {
            talk.closed.push(now);
        }
        if deed.begins() {
            talk.engaged.push(now);
        }
        talk.moved |= deed == Deed::MoveToAgents;
    }
}
