//! Numbers of events: given before the first attempt, kept for every other.

use crate::Timestamp;
use crate::event::BotEvent;
use crate::ids::JobId;

use super::{Conversation, InFlight, PUT_ASIDE};

impl Conversation {
    /// Gives events their numbers before the first attempt to deliver them; `at` is when they happened.
    pub fn number(
        &mut self,
        job: &JobId,
        epoch: u32,
        events: Vec<BotEvent>,
        then_message: bool,
        at: Timestamp,
    ) -> &InFlight {
        if let Some(native) = self.native.as_mut()
            && events.iter().any(BotEvent::is_end)
        {
            native.end_untold = false;
        }
        let count = events.len() as u64 + u64::from(then_message);
        let first_seq = self.next_seq;
        self.next_seq += count;
        self.in_flight.insert(InFlight {
            job: job.clone(),
            epoch,
            first_seq,
            at: Some(at),
            rce_thread: self.rce_thread.clone(),
            events,
            then_message,
            delivered: 0,
            parts: 0,
            noted: false,
            asking: false,
        })
    }

    /// The numbered events of a job that is being delivered, or that was put aside.
    pub fn numbered(&self, job: &JobId) -> Option<&InFlight> {
        let mut all = self.in_flight.iter().chain(&self.put_aside);
        all.find(|events| events.job == *job)
    }

    /// Notes how many of a job's events the bot has taken, how many parts of the next, and that the timeline tells
    /// of them.
    pub fn delivered(&mut self, job: &JobId, count: usize, parts: usize) {
        let mut all = self.in_flight.iter_mut().chain(&mut self.put_aside);
        if let Some(events) = all.find(|events| events.job == *job) {
            events.delivered = count;
            events.parts = parts;
            events.noted = true;
            events.asking = false;
        }
    }

    /// The next part is going to be asked of a bot that must not be asked twice: from now on it may have arrived.
    pub fn is_being_asked(&mut self, job: &JobId) {
        let mut all = self.in_flight.iter_mut().chain(&mut self.put_aside);
        if let Some(events) = all.find(|events| events.job == *job) {
            events.asking = true;
        }
    }

    /// The events of a job are not told: what they told of is not the bot's any more. Their numbers are not given again, as the
    /// bot may have heard them.
    pub fn withdraw(&mut self, job: &JobId) {
        self.in_flight.take_if(|events| events.job == *job);
    }

    /// A job was given up. Its events keep their numbers in case it is sent again.
    pub fn put_aside(&mut self, job: &JobId) {
        if let Some(events) = self.in_flight.take_if(|events| events.job == *job) {
            self.put_aside.push(events);
            let surplus = self.put_aside.len().saturating_sub(PUT_ASIDE);
            self.put_aside.drain(..surplus);
        }
    }

    /// A job that was put aside is done after all.
    pub fn taken_up(&mut self, job: &JobId) {
        self.put_aside.retain(|events| events.job != *job);
    }

    /// Takes back the number of a single event that nobody took and that is not worth a second attempt.
    pub fn give_number_back(&mut self, job: &JobId) {
        let untaken = self
            .in_flight
            .as_ref()
            .filter(|f| f.job == *job && f.delivered == 0 && f.parts == 0);
        if let Some(first_seq) = untaken
            .map(|f| f.first_seq)
            .filter(|first| first + 1 == self.next_seq)
        {
            self.next_seq = first_seq;
            self.in_flight = None;
        }
    }
}
