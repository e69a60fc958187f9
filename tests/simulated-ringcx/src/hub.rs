//! What every part shares: the state behind its lock, the news that it changed, and the client towards the bridge.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::config::SimulatedConfig;
use crate::source_sdk;
use crate::state::State;

pub(crate) struct Hub {
    pub(crate) config: Arc<SimulatedConfig>,
    pub(crate) client: reqwest::Client,
    /// Tells the webhook job that events wait.
    pub(crate) webhooks: Notify,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new(config: SimulatedConfig) -> std::io::Result<Arc<Self>> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.answer_timeout)
            .tls_certs_only([]) // it speaks plain HTTP to loopback only
            .user_agent("Simulated RCE")
            .build()
            .map_err(std::io::Error::other)?;
        let config = Arc::new(config);
        Ok(Arc::new(Self {
            state: Mutex::new(State::new(Arc::clone(&config))),
            config,
            client,
            webhooks: Notify::new(),
            changed: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }))
    }

    /// Looks at the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the state, tells everybody who watches, and starts the deliveries that the change asks for.
    pub(crate) fn change<R>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, events, exports, webhooks) = {
            let mut state = self.lock();
            let result = change(&mut state);
            let events = state.has_events_to_deliver();
            let exports = std::mem::take(&mut state.exports_to_start);
            (
                result,
                events,
                exports,
                std::mem::take(&mut state.webhooks_to_validate),
            )
        };
        for thread in exports {
            tokio::spawn(source_sdk::export_thread(Arc::clone(self), thread));
        }
        for webhook in webhooks {
            let hub = Arc::clone(self);
            tokio::spawn(async move { hub.validate(&webhook).await });
        }
        if events {
            self.webhooks.notify_one();
        }
        self.changed.send_modify(|version| *version += 1);
        result
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// A URL, which may have a query of its own, with further parameters.
    pub(crate) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}{query}")
    }

    /// Sleeps unless the simulation stops first; tells whether it may go on.
    pub(crate) async fn pause(&self, time: Duration) -> bool {
        if time.is_zero() {
            return !*self.stop.borrow();
        }
        let mut stop = self.stopping();
        tokio::select! {
            () = crate::time::sleep(time) => true,
            () = Self::stopped(&mut stop) => false,
        }
    }

    /// Ends when the simulation stops.
    pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
        let _ = stop.wait_for(|stop| *stop).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
